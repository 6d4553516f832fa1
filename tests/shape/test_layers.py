"""Each rule about who may know whom is broken once on purpose, and the tool that keeps it says so.

A contract that never fails may have been misspelt; so the sources are copied,
lines are added that break a rule each, and every such line must be named under
the rule that it breaks.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources and of the tools' settings."""
    return copied(tmp_path)


def copied(to: Path) -> Path:
    for name in ("ingest", "processors"):
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", to)
    return to


def add(tree: Path, file: str, line: str) -> None:
    with (tree / file).open("a") as source:
        source.write(f"\n{line}\n")


def contracts(tree: Path) -> dict[str, str]:
    """Every import contract by name: KEPT or BROKEN; what went wrong instead, where none was checked."""
    said = checked(tree)
    found = re.findall(r"^(.+?) (KEPT|BROKEN)\b", said, re.MULTILINE)
    assert found, said
    return dict(found)


def checked(tree: Path) -> str:
    """All that the tool says of the contracts."""
    ran = subprocess.run(
        [BIN / "lint-imports", "--no-logo", "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": str(BIN)},
    )
    return ran.stdout + ran.stderr


def test_the_sources_as_they_are_keep_every_contract(tree: Path) -> None:
    found = contracts(tree)

    assert len(found) == 7
    assert set(found.values()) == {"KEPT"}


ONE_WAY = "Data flows one way, and siblings know nothing of each other"
PURE = "The domain is pure: no I/O, no clock, no randomness, no third party"
SQL = "Only the store speaks SQL"
PRINTS = "Only the command line prints"
CONTRACT = "Processors see only the names that `ingest` and `ingest.vetting` export"
NAMES_NONE = "The engine names no processor"
NO_CYCLES = "No cycles between siblings, at any depth"


_BREAKING = [
    pytest.param(
        "ingest/store/stray.py", "import ingest.cli", ONE_WAY, id="the store calls the command line"
    ),
    pytest.param(
        "ingest/archive/stray.py", "import ingest.watch", ONE_WAY, id="the archive calls the watcher"
    ),
    pytest.param("ingest/watch/stray.py", "import ingest.work", ONE_WAY, id="landing knows of working"),
    pytest.param("ingest/work/stray.py", "import ingest.watch", ONE_WAY, id="working knows of landing"),
    pytest.param("ingest/work/stray.py", "import ingest.replay", ONE_WAY, id="working knows of replaying"),
    pytest.param("ingest/config/stray.py", "import ingest.resources", ONE_WAY, id="siblings below the store"),
    pytest.param("ingest/domain/stray.py", "import time", PURE, id="the domain reads a clock"),
    pytest.param("ingest/domain/stray.py", "import random", PURE, id="the domain throws dice"),
    pytest.param("ingest/domain/stray.py", "from os import path", PURE, id="the domain sees the disk"),
    pytest.param("ingest/domain/stray.py", "import pydantic", PURE, id="the domain needs a third party"),
    pytest.param("ingest/domain/stray.py", "import processors", NAMES_NONE, id="the domain names processors"),
    pytest.param("ingest/watch/stray.py", "import sqlite3", SQL, id="the watcher speaks SQL"),
    pytest.param("ingest/cli/stray.py", "import sqlalchemy", SQL, id="the command line speaks SQL"),
    pytest.param("processors/stray.py", "import sqlalchemy", SQL, id="a processor speaks SQL"),
    pytest.param("ingest/work/stray.py", "import rich", PRINTS, id="the worker prints"),
    pytest.param("ingest/replay/stray.py", "import typer", PRINTS, id="replaying is a command"),
    pytest.param("processors/stray.py", "import ingest.store", CONTRACT, id="a processor sees the store"),
    pytest.param(
        "processors/another.py", "from ingest import domain", CONTRACT, id="a processor sees the domain"
    ),
    pytest.param(
        "ingest/registry.py", "import processors.payments", NAMES_NONE, id="the registry names payments"
    ),
]


@pytest.fixture(scope="module")
def said_of_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract where every rule is broken somewhere, each by a line of its own."""
    tree = copied(tmp_path_factory.mktemp("broken"))
    (tree / "ingest/domain/stray.py").write_text("import ingest.domain.naming\n")
    for case in _BREAKING:
        add(tree, str(case.values[0]), str(case.values[1]))
    parts = re.split(r"^(.+)\n-{10,}\n", checked(tree).partition("Broken contracts")[2], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("file", "line", "broken"), _BREAKING)
def test_a_rule_that_is_broken_is_seen(
    said_of_all: dict[str, str], file: str, line: str, broken: str
) -> None:
    importer = file.removesuffix(".py").replace("/", ".")

    assert re.search(rf"{importer} -> {line.split()[1]}[\w.]* \(l\.", said_of_all[broken])


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        pytest.param("ingest/utils.py", "", ONE_WAY, id="a module that has no layer"),
        pytest.param(
            "ingest/domain/naming.py", "import ingest.domain.stray", NO_CYCLES, id="two that need each other"
        ),
    ],
)
def test_a_rule_about_the_whole_that_is_broken_is_seen(tree: Path, file: str, line: str, broken: str) -> None:
    (tree / "ingest/domain/stray.py").write_text("import ingest.domain.naming\n")
    add(tree, file, line)

    assert contracts(tree)[broken] == "BROKEN"


@pytest.mark.parametrize(
    ("file", "source", "rule"),
    [
        pytest.param("ingest/work/stray.py", "print(1)\n", "T201", id="the worker prints"),
        pytest.param(
            "ingest/watch/stray.py", "import sys\n\nsys.stdout.write('x')\n", "TID251", id="by another name"
        ),
        pytest.param("ingest/watch/stray.py", "from rich import print\n", "TID251", id="in colour"),
        pytest.param("ingest/work/stray.py", "from . import spec\n", "TID252", id="a relative import"),
        pytest.param(
            "ingest/work/stray.py",
            "from datetime import datetime\n\nNOW = datetime.now()\n",
            "DTZ005",
            id="a moment without a zone",
        ),
        pytest.param(
            "ingest/work/stray.py",
            "def f(a: int) -> int:\n"
            + "".join(f"    if a == {n}:\n        a += {n}\n" for n in range(8))
            + "    return a\n",
            "C901",
            id="a function with too many ways through it",
        ),
        pytest.param(
            "ingest/work/stray.py",
            "def f(a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> None: ...\n",
            "PLR0913",
            id="too many arguments",
        ),
    ],
)
def test_what_the_imports_do_not_show_the_linter_sees(tree: Path, file: str, source: str, rule: str) -> None:
    (tree / file).write_text(source)

    ran = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "--output-format=concise", file],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )

    assert f" {rule} " in ran.stdout


def test_a_command_may_print_and_have_many_flags(tree: Path) -> None:
    source = (
        '"""A command."""\n\n\ndef f(a: int, b: int, c: int, d: int, e: int, g: int, *, h: bool) -> None:\n'
    )
    (tree / "ingest/cli/stray.py").write_text(source + '    """Do it."""\n    print(a, b, c, d, e, g, h)\n')

    ran = subprocess.run(
        [BIN / "ruff", "check", "--no-cache", "ingest/cli/stray.py"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout
