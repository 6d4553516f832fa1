# Everything a contributor does, by name. `make help` lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# Some environments forbid byte code; every process a test starts would then compile its imports anew.
unexport PYTHONDONTWRITEBYTECODE
# Nothing from outside the checkout may stand in for what is tested.
unexport PYTHONPATH
unexport PYTHONHOME

SECONDS ?= 180
SEEDS   ?=
STORE   ?= sqlite
CORPUS  ?=
MUTATIONS ?=
ON_A_SERVER := $(addprefix tests/,cli crash docs faults flow watch torture/test_short_campaign.py)

.PHONY: help demo test test-postgresql torture corpus sweep check wheel pythons bench bench-page pins clean .venv
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

help: ## say what can be made
	@grep -E '^[a-z.-]+:.*## ' Makefile | sed -E 's/^([a-z.-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-15s %s\n", $$1, $$2}'

.venv: $(VENV)/.stamp ## create the environment with pinned, hash-checked packages

$(VENV)/.stamp: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "no virtual environment could be made: install the venv module of Python" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.stamp ## run the whole main job on the sample files
	@$(BIN)/ingest demo

test: $(VENV)/.stamp ## run every test
	@$(BIN)/python -m compileall -q ingest processors migrations tests
	$(BIN)/python -m pytest -n 4 --dist worksteal

test-postgresql: $(VENV)/.stamp ## the tests of whole pipelines once more, with the store on a PostgreSQL server
	@$(BIN)/python -m compileall -q ingest processors migrations tests
	PIPELINE_STORE=postgresql $(BIN)/python -m pytest -n 4 --dist worksteal $(ON_A_SERVER)

torture: $(VENV)/.stamp ## campaigns of faults: SECONDS=180 each, SEEDS="1 2 3" or ten fresh ones, STORE=postgresql
	@$(BIN)/python -m compileall -q ingest processors migrations tests
	@PIPELINE_STORE=$(STORE) $(BIN)/python -m tests.torture --seconds $(SECONDS) $(if $(SEEDS),--seeds $(SEEDS))

corpus: $(VENV)/.stamp ## real files with known truths: right, wrong and refused, ours and others': CORPUS=DIR, MUTATIONS=100000
	@test -n "$(CORPUS)" || { echo "name the folder of real files: make corpus CORPUS=DIR" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/corpus.txt
	@INGEST_CORPUS=$(abspath $(CORPUS)) $(BIN)/python -m tests.corpus
	@INGEST_CORPUS=$(abspath $(CORPUS)) $(BIN)/python -m pytest -q -n 2 tests/corpus
	@test -z "$(MUTATIONS)" || INGEST_CORPUS=$(abspath $(CORPUS)) $(BIN)/python -m tests.corpus.mutations --count $(MUTATIONS)

sweep: $(VENV)/.stamp ## fail or kill at each call that changes or reads a file: landing, leaving, delivery, call outside
	INGEST_SWEEP=whole $(BIN)/python -m pytest -n 2 tests/faults/test_sweep.py tests/faults/test_sweep_outside.py

check: $(VENV)/.stamp ## style, types, import contracts, spelling, released schemas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/typos
	$(BIN)/ingest schema check

wheel: $(VENV)/.stamp ## build the wheel and try it in an empty environment, from another directory
	.ci/wheel

pythons: $(VENV)/.stamp ## the wheel and the quick tests with every other Python that is promised and is here
	.ci/pythons

bench: $(VENV)/.stamp ## measure, beside other tools, one JSON line each
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@$(BIN)/python -m benchmarks $(NAMES)

bench-page: $(VENV)/.stamp ## measure all anew, on a machine that does nothing else, and rewrite docs/performance.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	$(BIN)/python -m benchmarks $(if $(DIR),--dir $(DIR)) > benchmarks/recorded.jsonl.new
	mv benchmarks/recorded.jsonl.new benchmarks/recorded.jsonl
	$(BIN)/python -m benchmarks.page

pins: $(VENV)/.stamp ## pin requirements/*.txt anew, with the hashes of all platforms
	.ci/pins

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
