"""The domain is pure in what it calls, too: imports alone do not show a clock or an open file."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import ingest.domain

FOLDER = Path(ingest.domain.__file__).parent
ROOT = FOLDER.parents[1]
CLOCKS = frozenset({"now", "utcnow", "today"})
INPUT_AND_OUTPUT = frozenset({"open", "input", "print", "__import__", "exec", "eval"})


def impurities(source: str) -> Iterator[str]:
    """What a module calls that answers differently the next time, or reaches outside."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                yield f"line {node.lineno} reads a clock: {name}()"
            case ast.Call(func=ast.Name(id=name)) if name in INPUT_AND_OUTPUT:
                yield f"line {node.lineno} reaches outside: {name}()"


@pytest.mark.parametrize("module", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_of_the_domain_reads_a_clock_or_reaches_outside(module: Path) -> None:
    assert list(impurities(module.read_text())) == []


@pytest.mark.parametrize(
    "source",
    ["import datetime\ndatetime.datetime.now(datetime.UTC)", "date.today()", "open('x')", "print(1)"],
)
def test_what_is_impure_is_seen(source: str) -> None:
    assert len(list(impurities(source))) == 1


RUNNING = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "shelve", "jsonpickle", "joblib", "yaml"})


def loaders(source: str) -> Iterator[str]:
    """What a module imports that may run what it reads."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
        yield from (name for name in names if name.partition(".")[0] in RUNNING)


@pytest.mark.parametrize("package", ["ingest", "processors"])
def test_nothing_is_imported_that_runs_what_it_reads(package: str) -> None:
    modules = list((ROOT / package).rglob("*.py"))

    assert modules
    assert [f"{path}: {name}" for path in modules for name in loaders(path.read_text())] == []


def test_a_loader_is_seen_however_it_is_imported() -> None:
    assert list(loaders("import pickle\nfrom yaml.loader import Loader\nimport json")) == [
        "pickle",
        "yaml.loader",
    ]
