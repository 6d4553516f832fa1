"""What people are shown of lists: a table without empty lines of its own, and a sentence for nothing."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.project import SETTINGS, Ingest, spawned, write

LISTS = [  # what lists nothing in a new project, and the sentence
    ("dead list", "there is no dead delivery"),
    ("dead list --to 5", "there is no such dead delivery"),
    ("dead retry --yes", "there is no dead delivery"),
    ("dead discard --reason old --yes", "there is no dead delivery"),
    ("replays list", "there is no replay"),
    ("rejects list", "there is no refused row"),
    ("events list", "there is no event"),
    ("events list --source inbox", "there is no such event"),
    ("events tail", "there is no event"),
    ("processors list", "there is no processor yet: `ingest work` subscribes those of ingest.toml"),
]
TABLES = [
    *("dead list", "dead show EVENT", "replays list", "processors list", "schema list", "status"),
    *("replay ledger --dry-run", "try payments inbox/bad.csv", "try payments inbox/good.csv"),
]
TITLES = ("facts", "rejects", "calls", "money")


@pytest.fixture(scope="module")
def _new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("new")
    write(home, SETTINGS, {})
    assert spawned("db", "upgrade", cwd=home).code == 0
    return home


@pytest.fixture
def new(_new: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which nothing has happened; the working directory."""
    monkeypatch.chdir(_new)
    return _new


@pytest.mark.parametrize(("written", "sentence"), LISTS)
def test_an_empty_list_is_said_in_a_sentence_beside_the_data(
    new: Path, ingest: Ingest, written: str, sentence: str
) -> None:
    said = ingest(*written.split())

    assert (said.code, said.out, said.err) == (0, "", f"{sentence}\n")


@pytest.mark.parametrize("flag", ["--json", "-q"])
@pytest.mark.parametrize("written", [written for written, _ in LISTS])
def test_of_an_empty_list_nothing_is_said_to_machines_or_to_who_wants_warnings_only(
    new: Path, ingest: Ingest, written: str, flag: str
) -> None:
    said = ingest(*written.split(), flag)

    assert (said.code, said.out, said.err) == (0, "", "")


def test_that_nothing_of_a_processor_was_refused_is_said_too(day: Path, ingest: Ingest) -> None:
    said = ingest("rejects", "list", "-p", "ledger")

    assert (said.code, said.out, said.err) == (0, "", "there is no such refused row\n")


@pytest.mark.parametrize("written", TABLES)
def test_a_table_has_an_empty_line_where_something_stands_beside_it_and_nowhere_else(
    worked: Path, ingest: Ingest, written: str
) -> None:
    [dead] = ingest("dead", "list", "--json").lines()
    assert ingest("replay", "ledger", "--yes").code == 0

    lines = ingest(*written.replace("EVENT", dead["event_id"]).split()).out.splitlines()

    assert lines[0].strip()
    assert lines[-1].strip()
    assert all(former.strip() or line.strip() for former, line in pairwise(lines))
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"[─ ]*─[─ ]*", line)]
    assert rules
    for rule in rules:  # the head is the line above it
        above = lines[rule - 2].strip() if rule > 1 else ""
        assert not above or above in TITLES
