"""docs/reliability.md has every fault once, and every test it names is one that there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.docs.pages import DOCS, ROOT, rows

PAGE = DOCS / "reliability.md"
GROUPS = {"I": 20, "A": 22, "B": 24, "C": 32, "D": 22, "E": 13, "F": 14}
OTHERWISE = ("**not kept**: ", "**argued**: ", "**later**: ")
_PROOF = re.compile(r"\[`(?P<test>[^`]+)`\]\((?P<link>[^)]+)\)")
ROWS = [row for row in rows(PAGE.read_text()) if re.fullmatch(r"[A-Z]\d+", row[0])]


def test_every_fault_and_every_invariant_has_one_row() -> None:
    assert [row[0] for row in ROWS] == [
        f"{group}{n}" for group in GROUPS for n in range(1, GROUPS[group] + 1)
    ]


def test_every_row_names_a_test_or_says_why_there_is_none() -> None:
    bare = [row[0] for row in ROWS if not (_PROOF.search(row[2]) or row[2].startswith(OTHERWISE))]

    assert bare == []


def test_every_test_that_is_named_is_one_that_there_is_and_its_link_leads_there() -> None:
    named = [found for row in ROWS for found in _PROOF.finditer(row[2])]

    wrong = [
        found["test"]
        for found in named
        if found["link"] != f"../{found['test'].partition('::')[0]}"
        or found["test"].partition("::")[2] not in _tests(ROOT / found["test"].partition("::")[0])
    ]

    assert named != []
    assert wrong == []


def _tests(module: Path) -> set[str]:
    """The names of the test functions of a module, read and not run; none where there is no module."""
    if not module.is_file():
        return set()
    return {
        node.name for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.FunctionDef)
    }
