"""Before something is repeated or destroyed a person is asked, and only a clear yes is one."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.cli.project import Ingest, until
from tests.cli.terminals import on_a_terminal

QUESTION = "replay 1 event for ledger? [y/N]: "


@pytest.mark.parametrize("keys", [b"y\n", b"Yes\n"])
def test_a_yes_is_taken(worked: Path, ingest: Ingest, keys: bytes) -> None:
    with on_a_terminal("replay", "ledger", "--to", "2", cwd=worked) as terminal:
        until(lambda: terminal.shows(QUESTION))
        terminal.type(keys)

        assert terminal.end() == 0

    assert len(ingest("replays", "list", "--json").lines()) == 1


@pytest.mark.parametrize("keys", [b"\n", b"n\n", b"\xff\n", b"\x04"], ids=["none", "no", "bytes", "end"])
def test_whatever_else_is_answered_is_no(worked: Path, ingest: Ingest, keys: bytes) -> None:
    with on_a_terminal("replay", "ledger", "--to", "2", cwd=worked) as terminal:
        until(lambda: terminal.shows(QUESTION))
        terminal.type(keys)

        assert terminal.end() == 5

    assert terminal.written.splitlines()[-1] == "error: not confirmed: nothing was done"
    assert ingest("replays", "list", "--json").lines() == []


def test_an_interrupt_at_the_question_is_130_without_a_word(worked: Path, ingest: Ingest) -> None:
    with on_a_terminal("replay", "ledger", "--to", "2", cwd=worked) as terminal:
        until(lambda: terminal.shows(QUESTION))

        assert terminal.end(signal.SIGINT) == 130

    assert terminal.written.strip() == QUESTION.strip()
    assert ingest("replays", "list", "--json").lines() == []
