"""A shadow replay runs the present code on past facts, says what would change, and applies nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest import Context, FileLanded, PermanentError, fact, processor, table
from ingest.contract import Processor
from ingest.errors import CannotWrite
from ingest.store import replays, shadows, sides
from ingest.store.reading.replayed import Replayed, replayed
from ingest.store.shadows import Turn
from tests.work.bench import NOW, Bench

BOOKED = table("booked", id=str, amount=Decimal, currency=str, unique="id")
APPLIED = (
    "SELECT * FROM booked ORDER BY id",
    "SELECT * FROM events ORDER BY position",
    "SELECT event_id, line, rule FROM rejects ORDER BY id",
    "SELECT * FROM effects ORDER BY key",
    "SELECT * FROM dead",
    "SELECT * FROM outcomes WHERE generation_id = 1",
    "SELECT l.* FROM lanes l WHERE generation_id = 1",
)


@fact("tests.booked", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """Something was booked."""

    amount: Decimal


def books(amounts: Callable[[str], str], version: str = "1") -> Processor:
    """A processor that books one amount a file, by its name; files named `bad` are refused."""

    @processor(accepts=FileLanded, version=version, tables=[BOOKED])
    def booking(event: FileLanded, ctx: Context) -> None:
        amount = amounts(event.name)
        if amount == "refused":
            raise PermanentError("a bad file")
        if amount == "not now":
            raise ValueError(amount)
        if amount == "rejected":
            ctx.reject(rule="amount", line=1)
            return
        row = {"id": event.name, "amount": Decimal(amount), "currency": "EUR"}
        ctx.insert(BOOKED, row, fact=Booked(amount=Decimal(amount)), key=event.name, name=event.name)

    return booking


def amount_of(name: str) -> str:
    return "refused" if name.startswith("bad") else "1.50"


@pytest.fixture
def booked(bench: Bench) -> Bench:
    """Three files are booked, one is dead; the processor is changed by `change`."""
    bench.add("booking", books(amount_of), max_rejects=1.0)
    for name in ("a", "b", "c", "bad"):
        bench.land(name, key=f"acme/{name}")
    bench.drain()
    return bench


def change(bench: Bench, amounts: Callable[[str], str], **rules: Any) -> None:
    """The processor has another version, which makes other amounts of the files."""
    bench.add("booking", books(amounts, "2"), **{"max_rejects": 1.0, **rules})


def shadow(bench: Bench, selection: Any = None) -> str:
    """A shadow replay of everything is through; its id."""
    id_ = bench.replay("booking", "shadow", *([] if selection is None else [selection]))
    bench.drain()
    return id_


def events(bench: Bench, replay_id: str) -> dict[str, Replayed]:
    """What was found of each event, by partition key."""
    with bench.store.read() as tx:
        [report] = replays.reports(tx, replay_id)
        return {event.key.removeprefix("acme/"): event for event in replayed(tx, report.generation_id)}


def in_all(bench: Bench, replay_id: str) -> tuple[dict[str, Any], list[Turn]]:
    with bench.store.read() as tx:
        [report] = replays.reports(tx, replay_id)
        found = shadows.totals(tx, report.generation_id)
        return found.totals_as_plain(), shadows.turns(tx, report.generation_id)


def test_where_nothing_is_otherwise_nothing_is_found(booked: Bench) -> None:
    id_ = shadow(booked)

    report = booked.report(id_)
    assert (report.state, report.total, report.done) == ("done", 4, 4)
    assert (report.unchanged, report.repaired, report.changed, report.dead) == (3, 0, 0, 1)
    plain, turns = in_all(booked, id_)
    assert plain["rows"] == {"booked": {"added": 0, "removed": 0, "changed": 0, "unchanged": 3}}
    assert turns == []
    assert booked.rows("SELECT * FROM differences") == []


def test_what_would_change_is_told_of_each_event_and_in_all(booked: Bench) -> None:
    change(booked, lambda name: {"a": "2.00", "b": "rejected", "bad": "9.00"}.get(name, "1.50"))

    id_ = shadow(booked)

    found = events(booked, id_)
    assert {key: event.verdict for key, event in found.items()} == {
        "a": "changed",
        "b": "changed",
        "c": "unchanged",
        "bad": "repaired",
    }
    a, b = found["a"].found, found["b"].found
    assert a is not None
    assert b is not None
    assert a["rows"]["booked"] == {"added": 0, "removed": 0, "changed": 1, "unchanged": 0}
    assert a["facts"]["tests.booked.v1"]["changed"] == 1
    assert a["money"][0]["delta"] == "0.50"
    assert (b["rows"]["booked"]["removed"], b["rejects"]["added"]) == (1, 1)
    assert (found["bad"].stood, found["bad"].state) == ("dead", "done")
    plain, turns = in_all(booked, id_)
    assert turns == [Turn(stands="dead", would="done", events=1)]
    assert plain["rows"]["booked"] == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    assert plain["facts"]["tests.booked.v1"] == {"added": 1, "removed": 1, "changed": 1, "unchanged": 1}
    [money] = plain["money"]
    assert money == {
        "table": "booked",
        "column": "amount",
        "currency": "EUR",
        "before": "4.50",
        "after": "12.50",
        "delta": "8.00",
    }


@pytest.mark.parametrize("how", ["refused", "not now"])
def test_what_would_die_is_told(booked: Bench, how: str) -> None:
    change(booked, lambda name: how if name == "a" else amount_of(name), max_attempts=1)

    id_ = shadow(booked)

    found = events(booked, id_)["a"]
    assert (found.stood, found.state, found.verdict) == ("done", "dead", "dead")
    assert found.note
    assert in_all(booked, id_)[1] == [Turn(stands="done", would="dead", events=1)]


def test_what_would_have_too_many_rejects_would_die(booked: Bench) -> None:
    change(booked, lambda name: "rejected" if name == "a" else amount_of(name), max_rejects=0.0)

    found = events(booked, shadow(booked))["a"]

    assert (found.verdict, found.state) == ("dead", "dead")
    assert "max_rejects" in found.note


def test_a_shadow_applies_nothing(booked: Bench) -> None:
    change(booked, lambda name: {"a": "2.00", "b": "rejected", "bad": "9.00"}.get(name, "refused"))
    before = [booked.rows(query) for query in APPLIED]

    shadow(booked)

    assert [booked.rows(query) for query in APPLIED] == before


def test_a_shadow_of_a_dead_delivery_leaves_it_dead_and_its_key_parked(booked: Bench) -> None:
    booked.land("behind", key="acme/bad")
    change(booked, lambda _name: "1.50")

    shadow(booked)

    assert booked.rows("SELECT position FROM dead") == [(4,)]
    assert booked.rows("SELECT state FROM lanes WHERE generation_id = 1") == [("parked",)]


def test_a_shadow_of_live_work_that_waits_does_not_do_it(bench: Bench) -> None:
    bench.add("booking", books(amount_of))
    bench.land("a")

    id_ = bench.replay("booking", "shadow")
    with bench.store.write() as tx:
        tx.exec_driver_sql("UPDATE lanes SET state = 'parked' WHERE generation_id = 1")
    bench.drain()

    found = next(iter(events(bench, id_).values()))
    assert (found.stood, found.state, found.verdict) == ("waiting", "done", "repaired")
    assert bench.rows("SELECT count(*) FROM booked") == [(0,)]
    assert bench.rows("SELECT count(*) FROM deliveries") == [(1,)]


def test_that_a_shadow_ran_is_no_reason_to_call_the_event_done(booked: Bench) -> None:
    change(booked, lambda _name: "1.50")
    shadow(booked)

    id_ = booked.replay("booking", "rerun")
    booked.drain()

    assert (booked.report(id_).unchanged, booked.report(id_).repaired) == (3, 1)


def test_what_a_shadow_foresees_is_what_a_rerun_then_does(booked: Bench) -> None:
    change(booked, lambda name: {"a": "2.00", "b": "rejected", "bad": "9.00"}.get(name, "1.50"))
    foreseen = {key: event.verdict for key, event in events(booked, shadow(booked)).items()}

    id_ = booked.replay("booking", "rerun")
    booked.drain()

    assert {key: event.verdict for key, event in events(booked, id_).items()} == foreseen
    assert booked.rows("SELECT sum(CAST(amount AS NUMERIC) * 100) FROM booked") == [(1250.0,)]
    assert in_all(booked, shadow(booked))[0]["money"][0]["delta"] == "0.00"


def test_a_child_that_was_fenced_out_of_a_shadow_leaves_nothing(booked: Bench) -> None:
    change(booked, lambda _name: "7.00")
    id_ = booked.replay("booking", "shadow")
    cycle = booked.child()

    with booked.store.write() as tx:
        claimed = cycle._claim(tx)
    cycle._hold = cycle._fetched(claimed)
    with booked.store.write() as tx:
        replays.cancel(tx, id_, now=NOW)
    booked.drain(cycle)

    report = booked.report(id_)
    assert (report.state, report.done) == ("cancelled", 0)
    assert booked.rows("SELECT * FROM differences") == booked.rows("SELECT * FROM difference_totals") == []


def test_bytes_that_are_damaged_are_not_run_on_and_the_report_says_so(booked: Bench) -> None:
    booked.damaged = True

    ids = [booked.replay("booking", mode) for mode in ("rerun", "shadow")]
    booked.drain()

    for id_ in ids:
        report = booked.report(id_)
        assert (report.unreplayable, report.dead, report.done, report.total) == (4, 0, 4, 4)
        assert "is not what it was" in events(booked, id_)["a"].note
    assert booked.rows("SELECT sum(CAST(amount AS NUMERIC) * 100) FROM booked") == [(450.0,)]


@pytest.mark.parametrize("mode", ["shadow", "rerun"])
def test_a_disk_that_refuses_temporary_files_is_no_fault_of_the_event(
    booked: Bench, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sides, "SMALL", 0)
    monkeypatch.setattr(sides, "BLOCK", 1)
    id_ = booked.replay("booking", mode)
    with monkeypatch.context() as full:
        full.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        cycle = booked.child()

        with pytest.raises(CannotWrite, match="temporary file"):
            booked.drain(cycle)
        cycle.abandon()
        cycle.release()

    booked.drain(booked.child(2))
    assert (booked.report(id_).unchanged, booked.report(id_).dead) == (3, 1)
    charged = "SELECT count(*) FROM attempts WHERE generation_id > 1 AND error NOT LIKE '%bad%'"
    assert booked.rows(charged) == [(0,)]


def test_a_comparison_that_cannot_be_recorded_takes_no_other_with_it(
    booked: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = shadows.record

    def refuse_b(tx: Any, generation_id: int, found: Sequence[shadows.Foreseen]) -> None:
        if 2 in [one.position for one in found]:
            msg = "odd"
            raise ValueError(msg)
        record(tx, generation_id, found)

    monkeypatch.setattr(shadows, "record", refuse_b)
    id_ = shadow(booked)

    report = booked.report(id_)
    assert (report.done, report.unchanged) == (3, 2)
    assert booked.rows("SELECT attempts FROM deliveries") == [(1,)]
