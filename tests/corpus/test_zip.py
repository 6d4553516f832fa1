"""Containers that others made, each judged as those who made it say."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from ingest.vetting import Refused, members_of

_SET = os.environ.get("INGEST_CORPUS")
CORPUS = Path(_SET or ".")
UNREADABLE = {"encrypted", "zip_method"}  # a zip file as it should be, of members that nobody here can read


def _labelled(format_: str) -> list[dict[str, str]]:
    if _SET is None:
        return []
    with (CORPUS / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["format"] == format_]


needs_corpus = pytest.mark.skipif(_SET is None, reason="INGEST_CORPUS names no folder of files of others")


def verdict(path: Path) -> tuple[str, int]:
    """The rule that it breaks, or "", and how many members were read."""
    count = 0
    try:
        with path.open("rb") as file:
            for member in members_of(file, name=path.name):
                while member.file.read(1 << 16):
                    pass
                count += 1
    except Refused as refused:
        return refused.rule, count
    return "", count


@needs_corpus
def test_every_valid_zip_is_taken_with_all_its_members() -> None:
    valid = [row for row in _labelled("zip") if row["expected"] == "valid"]
    found = {row["path"]: verdict(CORPUS / row["path"]) for row in valid}

    assert valid
    for row in valid:
        rule, count = found[row["path"]]
        if row["n_records"]:
            assert (rule, count) == ("", int(row["n_records"])), row["path"]
        else:
            assert rule in UNREADABLE | {""}, row["path"]


@needs_corpus
@pytest.mark.parametrize("expected", ["invalid", "attack"])
def test_every_zip_that_is_none_or_is_an_attack_is_refused(expected: str) -> None:
    hostile = [row["path"] for row in _labelled("zip") if row["expected"] == expected]

    assert hostile
    assert [path for path in hostile if not verdict(CORPUS / path)[0]] == []
