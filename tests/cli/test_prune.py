"""`ingest db prune`: it asks, says what has gone, and disturbs nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Ingest, error_of, running, spawned, until


def test_without_a_terminal_it_needs_yes_and_a_dry_run_does_not(worked: Path, ingest: Ingest) -> None:
    foreseen = ingest("db", "prune", "--older-than", "0s", "--dry-run", "--json").json()
    refused = ingest("db", "prune", "--older-than", "0s", "--json")
    gone = ingest("db", "prune", "--older-than", "0s", "--yes", "--json").json()

    assert error_of(refused)["code"] == "not_confirmed"
    assert refused.code == 5
    assert (foreseen["removed"], gone["removed"]) == (False, True)
    assert {**foreseen, "removed": None, "before": None} == {**gone, "removed": None, "before": None}
    assert gone["workers"] > 0


def test_where_nothing_has_to_go_nobody_is_asked(day: Path, ingest: Ingest) -> None:
    said = ingest("db", "prune", "--older-than", "90d")

    assert said.code == 0
    assert said.out.startswith("nothing has to go")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "error: how old must it be to go? — say it with --older-than, such as --older-than 90d\n"),
        (("--older-than", "soon"), "--older-than 'soon' is not an age"),
        (("--older-than", "3650000d"), "--older-than '3650000d' is not an age: it is longer than ten years"),
    ],
)
def test_an_age_that_is_none_is_one_line_with_what_to_do(
    day: Path, ingest: Ingest, flags: tuple[str, ...], says: str
) -> None:
    said = ingest("db", "prune", *flags)

    assert said.code == 2
    assert says in said.err
    assert said.err.count("\n") == 1


def test_it_says_what_has_gone_and_the_life_of_a_file_stays_told(worked: Path, ingest: Ingest) -> None:
    assert ingest("replay", "payments", "--status", "done", "--yes").code == 0
    assert spawned("work", "--once", cwd=worked).code == 0

    said = ingest("db", "prune", "--older-than", "0s", "--yes")

    assert "1 replay with " in said.out
    assert "removed" in said.out
    assert ingest("replays", "list", "--json").out == ""
    assert ingest("trace", "inbox/good.csv").code == 0
    assert ingest("events", "verify").code == 0


def test_work_and_replays_that_run_meanwhile_come_to_the_same(worked: Path, ingest: Ingest) -> None:
    with running("run", cwd=worked):
        until(lambda: ingest("status", "--json").json()["workers"])
        for n in range(6):
            (worked / "inbox" / f"more-{n}.csv").write_text(f"payment_id\nX-{n}\n")
            assert ingest("replay", "ledger", "--yes").code == 0
            assert ingest("db", "prune", "--older-than", "0s", "--yes").code == 0
        until(lambda: _is_idle(ingest))

    assert ingest("events", "verify").code == 0
    assert ingest("db", "check").code == 0
    assert all(each["state"] == "done" for each in ingest("replays", "list", "--json").lines())


def _is_idle(ingest: Ingest) -> bool:
    status = ingest("status", "--json").json()
    waiting = sum(p["waiting"] + p["running"] + p["retrying"] for p in status["processors"])
    open_replays = [each for each in status["replays"] if each["state"] not in ("done", "cancelled")]
    return status["sources"][0]["landed"] >= 8 and not waiting and not open_replays
