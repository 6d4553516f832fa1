"""Names that look like flags, commands or expressions are names, wherever one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Ingest, write

SETTINGS = """version = 1

[[source]]
name = "inbox"
path = "inbox"
complete = "renamed"
"""
NAMES = (
    "--help.csv",
    "-rf",
    "--yes",
    "$(touch pwned)",
    ";touch pwned",
    "`touch pwned`",
    "a|touch pwned",
    "*",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest) -> Path:
    """A project in whose inbox each of the names has landed; the working directory."""
    write(tmp_path, SETTINGS, {name: f"of {name}\n" for name in NAMES})
    monkeypatch.chdir(tmp_path)
    assert ingest("watch", "--once", "--json").json()["landed"] == len(NAMES)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["", "inbox/"])
def test_a_name_that_looks_like_a_flag_or_a_command_is_a_name(
    home: Path, ingest: Ingest, name: str, place: str
) -> None:
    why = ingest("why", "--json", "--", place + name)
    traced = ingest("trace", "--json", "--", place + name)

    assert (why.code, why.json()["verdict"], why.json()["path"]) == (0, "landed", name)
    assert (traced.code, traced.json()["file"]["name"]) == (0, name)
    assert sorted(path.name for path in home.iterdir()) == [".ingest", "inbox", "ingest.toml"]


def test_such_a_file_can_be_landed_by_hand_and_had_back(home: Path, ingest: Ingest) -> None:
    for name in NAMES:
        landed = ingest("land", "--source", "inbox", "--json", "--", f"inbox/{name}")
        digest = ingest("events", "list", "--json", "--limit", "1000").lines()[-1]["event"]["data"]["sha256"]

        assert landed.code == 0
        assert ingest("archive", "get", digest).out == f"of {name}\n"
