"""Names that look like flags or commands, and names that differ in little, are names and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline

COMMANDS = [
    "--help.csv",
    "-rf",
    "-",
    "--",
    "$(touch pwned)",
    "`touch pwned`",
    ";touch pwned",
    "a|touch pwned",
    "&& touch pwned",
    "${HOME}",
    "~root",
    "*",
]
SOME = ["--help.csv", "--", "$(touch pwned)", "*"]
TWINS = ["A.csv", "a.csv", "\u00e9.csv", "e\u0301.csv"]


def subjects(traced: dict[str, Any]) -> list[str]:
    """Which files the landings that were traced are about."""
    return [
        each["event"]["data"]["name"]
        for each in traced["events"]
        if each["event"]["type"] == "ingest.file.landed.v1"
    ]


def _landed(root: Path, names: list[str]) -> Pipeline:
    project = pipeline(root, CONFIG)
    for n, name in enumerate(names):
        (project.inbox / name).write_bytes(payments_file(f"P-{n}"))
    project.ok("watch", "--once")
    return project


def test_a_file_whose_name_looks_like_a_flag_or_a_command_is_worked_like_any_other(tmp_path: Path) -> None:
    project = _landed(tmp_path / "p", COMMANDS)

    project.ok("work", "--once")

    assert project.rows("SELECT count(*) FROM payments") == [(len(COMMANDS),)]
    for name in SOME:
        traced = json.loads(project.ok("trace", "--json", "--", name))
        assert (traced["file"]["name"], subjects(traced)) == (name, [name])
    assert json.loads(project.ok("why", "--json", "--", "-rf"))["verdict"] == "landed"
    assert not list(tmp_path.rglob("pwned"))
    project.assert_worked_off()
    project.assert_sound()


@pytest.mark.parametrize("name", ["-rf", "$(touch pwned)"])
def test_a_file_with_such_a_name_is_landed_by_hand(tmp_path: Path, name: str) -> None:
    project = pipeline(tmp_path / "p")
    (project.root / name).write_bytes(payments_file("P-1"))

    project.ok("land", "--source", "acme", "--", name)

    assert project.rows("SELECT path FROM landings") == [(name.encode(),)]
    assert not list(tmp_path.rglob("pwned"))


def test_names_that_differ_in_case_or_composition_alone_are_files_of_their_own(tmp_path: Path) -> None:
    project = _landed(tmp_path / "p", TWINS)
    if len(list(project.inbox.iterdir())) < len(TWINS):
        pytest.skip("this filesystem holds such names for one")

    project.ok("work", "--once")

    assert project.rows("SELECT count(*) FROM landings") == [(4,)]
    assert project.rows("SELECT count(*) FROM payments") == [(4,)]
    for n, name in enumerate(TWINS):
        traced = json.loads(project.ok("trace", "--json", "--", str(project.inbox / name)))
        assert traced["file"]["name"] == name
        assert traced["file"]["size"] == len(payments_file(f"P-{n}"))
        assert subjects(traced) == [name]
    project.assert_worked_off()
