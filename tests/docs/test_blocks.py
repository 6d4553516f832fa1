"""The examples in the documentation are what a reader takes them for: they work."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ingest.config import load
from tests.docs.pages import Block, blocks
from tests.docs.running import Project

PYTHON = blocks("python")
TOML = blocks("toml")
PROCESSORS = [block for block in PYTHON if "@processor(" in block.text]
BENCHES = [block for block in PYTHON if "ingest_bench" in block.text]
QUERIES = [block for block in PYTHON if "sqlite3" in block.text]
SETTINGS = [block for block in TOML if "[project" not in block.text]
SOURCE = '[[source]]\nname = "shop"\npath = "inbox"\nquiet = "0s"\n'


def test_there_are_examples_of_every_kind() -> None:
    assert PROCESSORS
    assert BENCHES
    assert QUERIES
    assert SETTINGS


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_block_of_python_can_be_parsed(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", [b for b in PYTHON if b not in [*PROCESSORS, *BENCHES, *QUERIES]], ids=str)
def test_an_example_that_stands_for_itself_runs(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {})


@pytest.mark.parametrize("block", QUERIES, ids=str)
def test_an_example_that_queries_the_store_runs_beside_one(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ingest").mkdir()
    store = sqlite3.connect(tmp_path / ".ingest/ingest.db")
    store.execute("CREATE TABLE payments (payment_id TEXT, amount TEXT)")
    store.close()
    monkeypatch.chdir(tmp_path)

    exec(compile(block.text, str(block), "exec"), {})


@pytest.mark.parametrize("block", PROCESSORS, ids=str)
def test_the_processors_of_an_example_handle_what_lands(block: Block, tmp_path: Path) -> None:
    settings = next(b.text for b in SETTINGS if b.page == block.page and "[[processor]]" in b.text)
    uses = [processor["use"] for processor in tomllib.loads(settings)["processor"]]
    project = Project(home=tmp_path)
    for folder in ("processors", "inbox"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ingest.toml").write_text(SOURCE + settings)
    (tmp_path / "processors" / f"{uses[0].partition(':')[0]}.py").write_text(block.text)
    (tmp_path / "inbox" / "a.txt").write_text("o1;ann;10.00\no2;bob;5\no3;ann;7.50\n")

    done = project.run("run", "--once")

    assert done.returncode == 0, done.stderr
    for processor in project.json("status", "--json")["processors"]:
        assert processor["done"] > 0, processor
    assert len(uses) == block.text.count("@processor(")


@pytest.mark.parametrize("block", BENCHES, ids=str)
def test_the_tests_of_an_example_pass_beside_its_processors(block: Block, tmp_path: Path) -> None:
    processors = next(b.text for b in PROCESSORS if b.page == block.page)
    settings = next(b.text for b in SETTINGS if b.page == block.page and "[[processor]]" in b.text)
    module = tomllib.loads(settings)["processor"][0]["use"].partition(":")[0]
    for folder in ("processors", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "ingest.toml").write_text(SOURCE + settings)
    (tmp_path / "processors" / f"{module}.py").write_text(processors)
    (tmp_path / "tests" / f"test_{module}.py").write_text(block.text)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "ingest.testing.plugin"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)

    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("block", TOML, ids=str)
def test_every_block_of_toml_can_be_parsed(block: Block) -> None:
    tomllib.loads(block.text)


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_every_block_of_settings_is_taken(block: Block, tmp_path: Path) -> None:
    (tmp_path / "ingest.toml").write_text(block.text)

    load(env={}, cwd=tmp_path)
