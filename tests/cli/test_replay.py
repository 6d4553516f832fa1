"""`replay` and `replays`: a set is planned, confirmed, made due, worked, and reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.resources import processors_dir
from tests.cli.project import GOOD, Ingest, error_of, running, spawned, until

KEYS = {
    *("v", "plan_id", "replay_id", "processor", "mode", "events", "first_position", "last_position"),
    *("unchanged", "repaired", "changed", "dead", "superseded", "unreplayable", "state", "differences"),
}
LISTED = {
    "v",
    "id",
    "processor",
    "mode",
    "state",
    "total",
    "done",
    "unchanged",
    "repaired",
    "changed",
    "dead",
    "superseded",
    "unreplayable",
}


def test_a_dry_run_shows_the_set_of_every_processor_and_does_nothing(day: Path, ingest: Ingest) -> None:
    said = ingest("replay", "--dry-run", "--json")

    ledger, payments = said.lines()
    assert said.code == 0
    assert set(ledger) == set(payments) == KEYS
    assert (ledger["processor"], ledger["events"], payments["events"]) == ("ledger", 3, 3)
    assert ledger["plan_id"] == payments["plan_id"]
    assert (ledger["replay_id"], ledger["state"]) == (None, "planned")
    assert ingest("replays", "list", "--json").lines() == []


def test_a_replay_is_refused_where_nobody_can_confirm_it(day: Path, ingest: Ingest) -> None:
    said = ingest("replay", "payments", "--json")

    assert said.code == 5
    assert error_of(said)["code"] == "not_confirmed"


def test_a_replay_runs_like_other_work_and_changes_nothing(worked: Path, ingest: Ingest) -> None:
    [started] = ingest(
        "replay", "payments", "--status", "done", "--yes", "--reason", "audit", "--json"
    ).lines()
    assert set(started) == KEYS
    assert (started["events"], started["state"]) == (2, "filling")

    assert spawned("work", "--once", cwd=worked).code == 0

    [listed] = ingest("replays", "list", "--json").lines()
    assert set(listed) == LISTED
    assert (listed["state"], listed["total"], listed["done"], listed["unchanged"]) == ("done", 2, 2, 2)
    shown = ingest("replays", "show", started["replay_id"], "--json").json()
    assert (shown["reason"], shown["plan_id"]) == ("audit", started["plan_id"])
    assert "@" in shown["who"]
    row = f"{started['replay_id']}  payments   rerun  done       2  2 unchanged"
    assert row in ingest("replays", "list").out
    assert ingest("replays", "show", started["replay_id"]).code == 0


def test_waiting_for_a_replay_reports_what_came_of_it(worked: Path) -> None:
    (worked / "inbox" / "good.csv").unlink()  # bytes come from the archive

    with running("work", cwd=worked):
        said = spawned("replay", "payments", "--status", "done", "--yes", "--wait", "--json", cwd=worked)

    assert said.code == 0
    [report] = said.lines()
    assert (report["state"], report["unchanged"], report["dead"]) == ("done", 2, 0)


def test_a_replay_in_which_something_died_exits_3(worked: Path) -> None:
    with running("work", cwd=worked):
        said = spawned("replay", "payments", "--status", "dead", "--yes", "--wait", "--json", cwd=worked)

    assert said.code == 3
    assert said.lines()[0]["dead"] == 1


def double(home: Path) -> None:
    """The project's `payments` is of a new version, which books twice of each amount."""
    text = (processors_dir() / "payments.py").read_text()
    assert text.count("amount=_read(") == 1
    (home / "processors").mkdir()
    changed = text.replace("amount=_read(", "amount=2 * _read(").replace('version="1"', 'version="2"')
    (home / "processors" / "payments.py").write_text(changed)


def test_a_shadow_needs_no_confirmation_and_says_what_would_change(worked: Path, ingest: Ingest) -> None:
    double(worked)

    with running("work", cwd=worked):
        said = spawned("replay", "payments", "--mode", "shadow", "--wait", "--json", cwd=worked)

    [report] = said.lines()
    assert said.code == 3  # the copy's rows would be conflicts, the bad file would be dead again
    assert (report["mode"], report["state"], report["changed"], report["dead"]) == ("shadow", "done", 1, 2)
    found = report["differences"]
    assert found["outcomes"] == [{"stands": "done", "would": "dead", "events": 1}]
    assert found["rows"] == {"payments": {"added": 0, "removed": 0, "changed": 3, "unchanged": 0}}
    assert [(m["currency"], m["before"], m["after"], m["delta"]) for m in found["money"]] == [
        ("EUR", "30.00", "60.00", "30.00"),
        ("USD", "30.00", "60.00", "30.00"),
    ]
    assert ingest("status", "--json").json()["replays"][0]["mode"] == "shadow"
    shown = ingest("replays", "show", report["replay_id"], "--json").json()
    assert shown["differences"] == found
    events = ingest("replays", "show", report["replay_id"], "--events", "--json").lines()
    assert [(event["verdict"], event["stands"], event["would"]) for event in events] == [
        ("changed", "done", "done"),
        ("dead", "dead", "dead"),
        ("dead", "done", "dead"),
    ]
    example = events[0]["differences"]["examples"][0]
    assert (example["before"]["amount"], example["after"]["amount"]) == ("10.00", "20.00")
    assert "amount EUR +30.00" in ingest("replays", "show", report["replay_id"], "--events").out
    assert "payments.amount" in ingest("replays", "show", report["replay_id"]).out


def test_a_repetition_of_effects_needs_a_reason_and_a_confirmation(worked: Path, ingest: Ingest) -> None:
    without_reason = ingest("replay", "payments", "--mode", "force", "--yes", "--json")
    unconfirmed = ingest("replay", "payments", "--mode", "force", "--reason", "lost there", "--json")
    done = ingest("replay", "payments", "--mode", "force", "--reason", "lost there", "--yes", "--json")

    assert (without_reason.code, error_of(without_reason)["code"]) == (2, "usage")
    assert (unconfirmed.code, error_of(unconfirmed)["code"]) == (5, "not_confirmed")
    assert "repeat the calls to the outside" in error_of(unconfirmed)["message"]
    assert done.code == 0
    [listed] = ingest("replays", "list", "--json").lines()
    assert (listed["id"], listed["mode"]) == (done.lines()[0]["replay_id"], "force")


def test_whoever_waits_where_nobody_works_is_told_and_may_leave(worked: Path) -> None:
    with running("replay", "payments", "--yes", "--wait", cwd=worked) as waiting:
        until(lambda: spawned("replays", "list", "--json", cwd=worked).out)
        waiting.terminate()
        waiting.wait()

    assert waiting.returncode == 130


def test_a_plan_is_applied_exactly_or_not_at_all(worked: Path, ingest: Ingest) -> None:
    plan = ingest("replay", "payments", "--dry-run", "--json").lines()[0]["plan_id"]
    (worked / "inbox" / "more.csv").write_text(GOOD + "P-5,ACC-1,5.00,EUR,2026-03-02,Emil,five\n")
    spawned("watch", "--once", cwd=worked)

    stale = ingest("replay", "payments", "--plan", plan, "--yes", "--json")
    plan = ingest("replay", "payments", "--dry-run", "--json").lines()[0]["plan_id"]
    applied = ingest("replay", "payments", "--plan", plan, "--yes", "--json")

    assert stale.code == 5
    assert error_of(stale)["code"] == "plan_stale"
    assert applied.code == 0
    assert applied.lines()[0]["events"] == 4
    assert len(ingest("replays", "list", "--json").lines()) == 1


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("nobody",), 4),
        (("payments", "--id", "f" * 64), 4),
        (("payments", "--mode", "sideways"), 2),
        (("payments", "--status", "odd"), 2),
    ],
)
def test_what_cannot_be_replayed_is_answered_by_its_exit_code(
    flags: tuple[str, ...], code: int, day: Path, ingest: Ingest
) -> None:
    assert ingest("replay", *flags, "--dry-run").code == code


def test_a_set_without_events_is_nothing_to_do(day: Path, ingest: Ingest) -> None:
    said = ingest("replay", "payments", "--key", "elsewhere", "--json")

    assert said.code == 0
    assert (said.lines()[0]["events"], said.lines()[0]["replay_id"], said.lines()[0]["state"]) == (
        0,
        None,
        "done",
    )


def test_a_replay_is_paused_resumed_and_cancelled(worked: Path, ingest: Ingest) -> None:
    id_ = ingest("replay", "ledger", "--yes", "--json").lines()[0]["replay_id"]

    states = [
        ingest("replays", verb, id_, "--json").json()["state"]
        for verb in ("pause", "pause", "resume", "resume", "cancel")
    ]

    assert states == ["paused", "paused", "filling", "filling", "cancelled"]
    assert ingest("replays", "resume", id_).code == 2
    assert ingest("replays", "cancel", "r-unknown").code == 4


def test_people_read_what_a_replay_is_about_and_who_carries_it_out(
    worked: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    planned, started, nothing = (
        ingest("replay", "payments", *flags).out
        for flags in (["--dry-run"], ["--yes"], ["--key", "x", "--yes"])
    )
    assert spawned("work", "--once", cwd=worked).code == 3
    shown = ingest("replays", "list").out

    assert re.search(r"payments +3  \d+ to \d+ +planned", planned)
    assert "--plan" in planned
    assert re.search(r"payments +3  \d+ to \d+ +filling +r-[0-9a-f]{12} *\n", started)
    assert "`ingest work` carries it out" in started
    assert "nothing to do" in nothing
    assert "2 unchanged, 1 dead" in shown
    assert shown in ingest("status").out
