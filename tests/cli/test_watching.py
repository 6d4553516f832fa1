"""`status --watch`: drawn in place and calmly on a terminal, a line at each change for machines."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from ingest.cli import statuswatch
from tests.cli.project import Ingest, error_of, running, until
from tests.cli.terminals import on_a_terminal

ENTERED, LEFT = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
SHOWN = "\x1b[?25h"


def test_it_is_drawn_in_place_again_when_something_changes_and_the_terminal_is_left_as_it_was(
    worked: Path, ingest: Ingest
) -> None:
    with on_a_terminal("status", "--watch", cwd=worked) as terminal:
        until(lambda: terminal.shows("payments has 1 dead"))
        assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0
        until(lambda: terminal.shows("all is well"))

        assert terminal.end(signal.SIGINT) == 0

    assert terminal.written.startswith(ENTERED)
    assert terminal.written.endswith(LEFT)
    assert "\n" not in terminal.written.removeprefix(ENTERED), "it scrolled"
    assert terminal.written.count("\x1b[2J") == 1, "it was cleared again: that flickers"


def test_a_second_signal_leaves_the_terminal_as_it_was_too(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day) as terminal:
        until(lambda: terminal.shows(ENTERED))

        code = terminal.end(signal.SIGINT, signal.SIGINT)

    assert code in (0, 130, -signal.SIGINT), (
        "the interpreter may be at its end, where it has no handler any more"
    )
    left, _, after = terminal.written.rpartition(LEFT)
    assert left
    assert after in ("", SHOWN), "a handler that was itself interrupted may show the cursor once more"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 50), (40, 8), (20, 5), (1, 1)])
def test_nothing_that_is_drawn_is_larger_than_the_terminal(day: Path, columns: int, lines: int) -> None:
    with on_a_terminal("status", "--watch", cwd=day, size=(columns, lines)) as terminal:
        until(lambda: terminal.shows(f"\x1b[{min(lines, 5)};1H"))
        assert terminal.end(signal.SIGTERM) == 0

    placed = [int(part.split(";1H")[0]) for part in terminal.written.split("\x1b[") if ";1H" in part]
    assert max(placed) <= lines


def test_while_it_is_suspended_the_terminal_is_as_it_was_and_then_it_goes_on(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day) as terminal:
        until(lambda: terminal.shows("has 1 dead"))
        terminal.process.send_signal(signal.SIGTSTP)
        until(lambda: terminal.shows(LEFT))
        terminal.written = ""
        terminal.process.send_signal(signal.SIGCONT)

        until(lambda: terminal.shows("has 1 dead"))
        assert terminal.written.startswith(ENTERED)
        assert terminal.end(signal.SIGTERM) == 0


def test_it_is_drawn_anew_when_the_window_is_another(day: Path) -> None:
    with on_a_terminal("status", "--watch", cwd=day, size=(80, 6)) as terminal:
        until(lambda: terminal.shows("make the window taller"))
        terminal.resize(100, 60)

        until(lambda: terminal.shows("\x1b[15;1H"))


def test_without_a_terminal_it_is_refused_and_says_what_to_do(day: Path, ingest: Ingest) -> None:
    said = ingest("status", "--watch")

    assert said.code == 2
    assert said.out == ""
    assert "--json" in said.err


def test_checking_and_watching_exclude_each_other(day: Path, ingest: Ingest) -> None:
    said = ingest("status", "--watch", "--check", "--json")

    assert said.code == error_of(said)["exit"] == 2


def test_machines_hear_a_line_at_each_change_and_none_while_nothing_does(
    worked: Path, ingest: Ingest
) -> None:
    with running("status", "--watch", "--json", cwd=worked) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0
        second = json.loads(process.stdout.readline())
        process.terminate()
        rest = process.stdout.read()

    assert ([p["dead"] for p in first["processors"]], first["problems"]) == ([0, 1], ["payments has 1 dead"])
    assert ([p["dead"] for p in second["processors"]], second["problems"], rest) == ([0, 0], [], "")
    assert process.returncode == 0


def test_while_nothing_happens_it_costs_next_to_nothing(day: Path) -> None:
    with running("status", "--watch", "--json", cwd=day) as process:
        assert process.stdout is not None
        process.stdout.readline()
        began, before = time.monotonic(), cpu_seconds(process.pid)
        until(lambda: time.monotonic() - began > 2.5 * statuswatch.EVERY)
        spent = cpu_seconds(process.pid) - before

    assert spent < 0.05, "it only asks whether anything was committed"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
