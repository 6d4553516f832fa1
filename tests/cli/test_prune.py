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


def test_bytes_go_when_they_are_named_and_whoever_asks_for_them_is_told(worked: Path, ingest: Ingest) -> None:
    assert ingest("dead", "discard", "--reason", "a test", "--yes").code == 0
    old = ("db", "prune", "--older-than", "0s", "--what", "contents", "--what", "outcomes")
    foreseen = ingest(*old, "--dry-run", "--json").json()

    gone = ingest(*old, "--reason", "ninety days", "--yes", "--json").json()

    assert {**foreseen, "removed": None, "before": None, "run": None} == {
        **gone,
        "removed": None,
        "before": None,
        "run": None,
    }
    assert gone["contents"] == 2
    assert gone["live_outcomes"] > 0
    refused = ingest("archive", "get", *_landed(ingest))
    assert refused.code == 4
    assert f"let go by retention run {gone['run']}" in refused.err
    assert ingest("replay", "payments", "--yes").code == 0
    assert spawned("work", "--once", cwd=worked).code == 3
    assert f"run {gone['run']}" in ingest("trace", "inbox/good.csv").out
    assert ingest("events", "verify").code == 0
    assert ingest("archive", "verify").code == 0
    assert ingest("trace", "inbox/good.csv").code == 0
    assert ingest("status", "--check").code in (0, 3)


def _landed(ingest: Ingest) -> tuple[str]:
    events = ingest("events", "list", "--type", "ingest.file.landed.v1", "--json").lines()
    return (events[0]["event"]["data"]["sha256"],)


def test_an_event_that_was_retired_is_told_as_such_everywhere(worked: Path, ingest: Ingest) -> None:
    assert ingest("dead", "discard", "--reason", "a test", "--yes").code == 0
    everything = [word for kind in ("contents", "events", "outcomes") for word in ("--what", kind)]
    old = ("db", "prune", "--older-than", "0s", *everything)
    assert ingest(*old, "--yes").code == 2
    gone = ingest(*old, "--reason", "ten years", "--yes", "--json").json()
    listed = ingest("events", "list", "--json").lines()

    assert gone["events"] == len(listed)
    says = f"run {gone['run']} on "
    for command in (("events", "show", "1"), ("trace", "inbox/good.csv"), ("why", "inbox/good.csv")):
        assert says in ingest(*command).out
    assert says in ingest("events", "list").out
    assert listed[0]["event"]["type"] == "ingest.file.landed.v1"
    assert listed[0]["event"]["retiredby"] == gone["run"]
    refused = ingest("replay", "payments", "--id", listed[0]["event"]["id"], "--yes")
    assert (refused.code, says in refused.err) == (4, True)
    assert "were retired and cannot be run again" in ingest("replay", "payments", "--dry-run").err
    assert ingest("events", "verify", "--json").json()["retired"] == gone["events"]
    assert "retired: their place in the chain stands" in ingest("events", "verify").out
    assert spawned("watch", "--once", "--json", cwd=worked).json()["landed"] == 0
    assert spawned("schema", "check", cwd=worked).code == 0
    for other in (
        ("status",),
        ("trace", "inbox/good.csv", "--json"),
        ("dead", "list"),
    ):
        assert ingest(*other).code == 0
    assert ingest("try", "payments", "inbox/good.csv").code == 4


def test_what_cannot_be_let_go_is_named_with_what_can(day: Path, ingest: Ingest) -> None:
    said = ingest("db", "prune", "--older-than", "1d", "--what", "everything")

    assert said.code == 2
    assert "it can be attempts, outcomes, contents, events" in said.err
