"""Containers that others made, each judged as those who made it say."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.vetting import Refused, members_of
from tests.corpus.manifest import known

FILES = known("zip")
UNREADABLE = {"encrypted", "zip_method"}  # a zip file as it should be, of members that nobody here can read


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


def test_every_valid_zip_is_taken_with_all_its_members() -> None:
    found = [(each, *verdict(each.path)) for each in FILES if each.is_valid]

    assert found
    for each, rule, count in found:
        if each.row["n_records"]:
            assert (rule, count) == ("", int(each.row["n_records"])), str(each)
        else:
            assert rule in UNREADABLE | {""}, str(each)


@pytest.mark.parametrize("expected", ["invalid", "attack"])
def test_every_zip_that_is_none_or_is_an_attack_is_refused(expected: str) -> None:
    hostile = [each.path for each in FILES if each.row["expected"] == expected]

    assert hostile
    assert [path for path in hostile if not verdict(path)[0]] == []
