"""`dead` and `rejects`: what waits for a person, and why."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ingest.cli.commands import dead as commands_dead
from tests.cli.project import BAD, Ingest, spawned

KEYS = {"v", "event_id", "processor", "key", "attempts", "crashes", "error", "since", "behind"}


def dead(ingest: Ingest, *flags: str) -> list[dict]:
    said = ingest("dead", "list", "--json", *flags)
    assert said.code == 0
    return said.lines()


def test_the_dead_are_listed_with_the_promised_keys(day: Path, ingest: Ingest) -> None:
    [found] = dead(ingest)

    assert set(found) >= KEYS
    assert (found["processor"], found["key"], found["attempts"]) == ("payments", "inbox/bad.csv", 1)
    assert "rows" in found["error"]
    assert found["event_id"][:12] in ingest("dead", "list").out


def test_filters_narrow_the_dead(day: Path, ingest: Ingest) -> None:
    id_ = dead(ingest)[0]["event_id"]

    assert len(dead(ingest, id_[:8])) == len(dead(ingest, "--id", id_)) == 1
    assert len(dead(ingest, "--processor", "payments", "--key", "inbox/bad.csv")) == 1
    assert dead(ingest, "--key", "other") == dead(ingest, "--processor", "ledger") == []
    assert ingest("dead", "list", "--processor", "nobody").code == 4


def test_one_is_shown_with_every_try(day: Path, ingest: Ingest) -> None:
    id_ = dead(ingest)[0]["event_id"]

    [shown] = ingest("dead", "show", id_, "--json").lines()

    assert [attempt["ended"] for attempt in shown["attempts_made"]] == ["failed"]
    assert shown["event"]["id"] == id_
    assert "failed" in ingest("dead", "show", id_).out
    assert ingest("dead", "show", "f" * 64).code == 4


def test_a_retry_needs_to_be_confirmed_and_a_dry_run_does_not(day: Path, ingest: Ingest) -> None:
    assert ingest("dead", "retry").code == 5
    assert ingest("dead", "discard", "--reason", "x").code == 5
    assert len(ingest("dead", "retry", "--dry-run", "--json").lines()) == 1
    assert len(dead(ingest)) == 1


def test_a_retry_makes_it_due_again_and_is_remembered(worked: Path, ingest: Ingest) -> None:
    id_ = dead(ingest)[0]["event_id"]

    said = ingest("dead", "retry", id_, "--yes", "--reason", "rules were wrong", "--json")

    assert (said.code, len(said.lines()), dead(ingest)) == (0, 1, [])
    assert ingest("events", "show", id_, "--json").json()["deliveries"]["payments"] == "waiting"
    assert spawned("work", "--once", cwd=worked).code == 3
    [attempt] = [
        a
        for a in ingest("dead", "show", id_, "--json").lines()[0]["attempts_made"]
        if a["ended"] == "retried"
    ]
    assert attempt["error"] == "rules were wrong"


def test_more_than_are_decided_at_once_are_decided_all(
    worked: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("worse.csv", "worst.csv"):
        (worked / "inbox" / name).write_text(BAD.replace("P-8", name))
    assert spawned("run", "--once", cwd=worked).code == 3
    monkeypatch.setattr(commands_dead, "AT_ONCE", 2)

    said = ingest("dead", "retry", "--yes", "--json")

    assert (said.code, len(said.lines()), dead(ingest)) == (0, 3, [])
    payments = ingest("status", "--json").json()["processors"][1]
    assert (payments["waiting"], payments["dead"], payments["parked_keys"]) == (3, 0, 0)


def test_a_discard_needs_a_reason_and_records_who_and_why(worked: Path, ingest: Ingest) -> None:
    id_ = dead(ingest)[0]["event_id"]
    assert ingest("dead", "discard", id_, "--yes").code == 2

    assert ingest("dead", "discard", id_, "--yes", "--reason", "sent by mistake").code == 0

    assert dead(ingest) == []
    [event] = ingest("trace", id_, "--json").json()["events"]
    assert event["deliveries"][0]["state"] == "discarded"
    note = event["deliveries"][0]["outcome"]["note"]
    assert note.endswith(": sent by mistake")
    assert "@" in note


def test_people_are_told_what_became_of_the_dead(worked: Path, ingest: Ingest) -> None:
    for flags, became in (
        (["retry", "--dry-run"], "nothing was done"),
        (["discard", "--yes", "--reason", "a test file"], "discarded"),
    ):
        assert ingest("dead", *flags).out.endswith(f"\n1 dead delivery: {became}\n")


def test_what_waited_behind_a_discarded_one_goes_on(parked: Path, ingest: Ingest) -> None:
    assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0

    assert spawned("work", "--once", cwd=parked).code == 0

    states = [line["deliveries"].get("payments") for line in ingest("events", "list", "--json").lines()]
    assert states[:2] == ["discarded", "done"]


def test_nothing_dead_is_nothing_to_do_but_an_id_must_be_dead(worked: Path, ingest: Ingest) -> None:
    assert ingest("dead", "retry", "--yes").code == 0

    assert ingest("dead", "retry", "--yes").code == 0
    assert ingest("dead", "retry", "f" * 64, "--yes").code == 4


def test_refused_rows_are_listed_with_line_column_and_rule(day: Path, ingest: Ingest) -> None:
    id_ = dead(ingest)[0]["event_id"]

    [row] = ingest("rejects", "list", "--json").lines()

    assert set(row) == {"v", "event_id", "processor", "line", "column", "rule", "raw"}
    assert (row["event_id"], row["processor"], row["line"], row["column"], row["raw"]) == (
        id_,
        "payments",
        3,
        "amount",
        "=1+1",
    )
    assert (
        len(ingest("rejects", "list", "--event", id_[:9], "--processor", "payments", "--json").lines()) == 1
    )
    assert ingest("rejects", "list", "--processor", "ledger", "--json").lines() == []
    assert "line 3 amount" in ingest("rejects", "list").out


def test_an_export_quotes_what_a_spreadsheet_would_run(day: Path, tmp_path: Path, ingest: Ingest) -> None:
    plain = list(csv.DictReader(io.StringIO(ingest("rejects", "export").out)))
    raw = list(csv.DictReader(io.StringIO(ingest("rejects", "export", "--raw").out)))

    assert ([row["raw"] for row in plain], [row["raw"] for row in raw]) == (["'=1+1"], ["=1+1"])
    assert ingest("rejects", "export", "-o", str(tmp_path / "rejects.csv")).code == 0
    assert (tmp_path / "rejects.csv").read_text() == ingest("rejects", "export").out
    assert ingest("rejects", "export", "-o", str(tmp_path / "rejects.csv")).code == 73
