"""The examples in the documentation are what a reader may take them for: code that works."""

from __future__ import annotations

import ast
import sqlite3
import tomllib
from pathlib import Path

import pytest

from ingest import registry
from ingest.config import load
from ingest.contract import Processor
from ingest.domain.codec import root_event
from tests.contract.recording import NOON, Recording, landed
from tests.docs.pages import Block, blocks

PYTHON = blocks("python")
TOML = blocks("toml")
PROCESSORS = [block for block in PYTHON if "@processor(" in block.text]
SETTINGS = [block for block in TOML if "[project" not in block.text]
SOURCE = '[[source]]\nname = "anywhere"\npath = "anywhere"\n'


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_every_block_of_python_can_be_parsed(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", [b for b in PYTHON if b not in PROCESSORS and "sqlite3" not in b.text], ids=str)
def test_an_example_that_stands_for_itself_runs(block: Block) -> None:
    exec(compile(block.text, str(block), "exec"), {})


@pytest.mark.parametrize("block", [b for b in PYTHON if "sqlite3" in b.text], ids=str)
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
def test_a_processor_from_the_documentation_is_found_and_handles_a_file(block: Block, tmp_path: Path) -> None:
    name = f"from_{block.page.stem.replace('-', '_').lower()}_{block.line}"
    (tmp_path / f"{name}.py").write_text(block.text)
    module = registry.find(f"{name}:{_functions(block.text)[0]}", local=tmp_path)
    content = b"o1;ann;10.00\no2;bob;5\n"
    fact = landed(content)
    event = root_event(fact, id="1", source="/ingest/shop", subject="a", time=NOON, partitionkey="shop/a")
    recording = Recording(event=event, content=content)

    module.processor(fact, recording)

    assert recording.inserted


@pytest.mark.parametrize("block", PROCESSORS, ids=str)
def test_what_one_processor_of_an_example_emits_the_others_handle(block: Block, tmp_path: Path) -> None:
    name = f"chain_{block.page.stem.replace('-', '_').lower()}_{block.line}"
    (tmp_path / f"{name}.py").write_text(block.text)
    found = [registry.find(f"{name}:{each}", local=tmp_path).processor for each in _functions(block.text)]
    content = b"o1;ann;10.00\n"
    facts = [each.fact for each in _handled(found[0], landed(content), content).inserted if each.fact]

    for processor in found[1:]:
        for fact in facts:
            assert fact.type in processor.accepts
            assert _handled(processor, fact, b"").inserted


@pytest.mark.parametrize("block", TOML, ids=str)
def test_every_block_of_toml_can_be_parsed(block: Block) -> None:
    tomllib.loads(block.text)


@pytest.mark.parametrize("block", SETTINGS, ids=str)
def test_every_block_of_settings_is_taken(block: Block, tmp_path: Path) -> None:
    text = block.text if "[[source]]" in block.text else block.text + SOURCE
    (tmp_path / "ingest.toml").write_text(text)

    load(env={}, cwd=tmp_path)


def _handled(processor: Processor, fact: object, content: bytes) -> Recording:
    event = root_event(fact, id="1", source="/ingest/shop", subject="a", time=NOON, partitionkey="shop/a")
    recording = Recording(event=event, content=content)
    processor(fact, recording)
    return recording


def _functions(text: str) -> list[str]:
    """The names of the processors that a module declares, in order."""
    defined = [each for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)]
    return [each.name for each in defined if any("processor" in ast.unparse(d) for d in each.decorator_list)]
