"""Contents, landings, sightings and sources: what the store knows of files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import ClauseElement, select
from sqlalchemy.dialects import postgresql, sqlite

from ingest.domain.naming import landed_id
from ingest.domain.settling import StatTuple
from ingest.store import contents, gaps, landings, sightings, sources
from ingest.store.contents import First, New
from ingest.store.dialect import Batch
from ingest.store.engine import Store
from ingest.store.gaps import Gap
from ingest.store.landings import Landing
from ingest.store.lookup import Lookup
from ingest.store.schema import events
from ingest.store.sightings import Landed, Look, Sighting, Waiting
from ingest.store.sources import Counts, SourceReport
from tests.store.stage import NOON, a_draft, append


def at(number: int) -> StatTuple:
    return StatTuple(10, number, number, f"1:{number}")


def digest(letter: str) -> str:
    return letter * 64


def keep(store: Store, sha256: str, path: bytes = b"a", *, source: str = "acme", data: bytes = b"x") -> None:
    with store.write() as tx:
        contents.keep(tx, source, [New(sha256, len(data), data, path, 1)])


def record(store: Store, *landed: Landing, source: str = "acme") -> None:
    with store.write() as tx:
        landings.record(tx, source, landed, now=NOON)


def land(store: Store, path: bytes, number: int, *, version: int = 1) -> None:
    with store.write() as tx:
        sightings.land(tx, "acme", [Landed(Look(path, at(number)), version, digest("a"), "e1")], now=NOON)


def wait(store: Store, path: bytes, number: int, state: str = "settling") -> None:
    with store.write() as tx:
        sightings.wait(tx, "acme", state, [Waiting(Look(path, at(number)), NOON, "because")])


def sighting(store: Store, path: bytes) -> Sighting:
    with store.read() as tx:
        found = sightings.find(tx, "acme", path)
    assert found is not None
    return found


def test_a_content_is_kept_once_with_what_brought_it_first(store: Store) -> None:
    keep(store, digest("a"), b"first", data=b"data")
    keep(store, digest("a"), b"second", data=b"data")

    with store.read() as tx:
        assert contents.firsts(tx, [digest("a"), digest("b")]) == {digest("a"): First("acme", b"first", 1)}
        found = contents.find(tx, digest("a"))
    assert found is not None
    assert (found.size, found.bytes) == (4, b"data")


def test_contents_are_listed_page_by_page_in_order(store: Store) -> None:
    digests = sorted(f"{number:064x}" for number in range(1500))
    with store.write() as tx:
        contents.keep(tx, "acme", [New(sha256, 1, None, b"p", 1) for sha256 in reversed(digests)])

    with store.read() as tx:
        first = contents.page(tx)
        second = contents.page(tx, first[-1].sha256)
        third = contents.page(tx, second[-1].sha256)

    assert [entry.sha256 for entry in first + second] == digests
    assert third == []
    assert not first[0].is_inline


@pytest.mark.parametrize("count", [0, 1, 8, 9, 65, 512, 1500])
def test_many_keys_are_looked_up_whatever_their_number(store: Store, count: int) -> None:
    digests = [f"{number:064x}" for number in range(count)]
    with store.write() as tx:
        contents.keep(tx, "acme", [New(sha256, 1, b"x", b"p", 1) for sha256 in digests])

    with store.read() as tx:
        assert contents.known(tx, digests) == set(digests)


def test_the_first_landing_elsewhere_is_named(store: Store) -> None:
    a = digest("a")
    record(store, Landing(b"p1", 1, 1, a, is_first=True, seen=at(1)))
    record(store, Landing(b"p2", 1, 2, a, is_first=False, seen=at(2)))
    record(store, Landing(b"p0", 1, 3, a, is_first=False, seen=at(3)))
    first = First("acme", b"p1", 1)

    with store.read() as tx:
        assert landings.first_elsewhere(tx, "acme", b"new", a, first) == landed_id("acme", b"p1", a, 1)
        assert landings.first_elsewhere(tx, "acme", b"p1", a, first) == landed_id("acme", b"p2", a, 1)
        assert landings.first_elsewhere(tx, "globex", b"new", a, first) is None


def test_all_landings_of_a_content_are_found(store: Store) -> None:
    a = digest("a")
    append(store, *(a_draft(f"e{number}") for number in range(4)))
    keep(store, a, b"p1")
    record(store, Landing(b"p1", 1, 1, a, is_first=True, seen=at(1)))
    record(store, Landing(b"p2", 1, 2, digest("b"), is_first=True, seen=at(2)))
    record(store, Landing(b"p3", 1, 4, a, is_first=False, seen=at(3)), source="globex")

    with store.read() as tx:
        found = tx.execute(
            select(events.c.position).where(events.c.position.in_(landings.positions_of(a)))
        ).scalars()
        assert sorted(found) == [1, 4]


def test_a_tuple_that_landed_is_known_to_have_landed(store: Store) -> None:
    record(store, Landing(b"p", 1, 1, digest("a"), is_first=True, seen=at(1)))

    with store.read() as tx:
        assert landings.has_landed(tx, "acme", b"p", at(1))
        assert not landings.has_landed(tx, "acme", b"p", at(2))
        assert not landings.has_landed(tx, "acme", b"q", at(1))


def test_what_landed_or_was_refused_with_this_very_tuple_is_settled(store: Store) -> None:
    land(store, b"landed", 1)
    with store.write() as tx:
        sightings.refuse(tx, "acme", [Waiting(Look(b"refused", at(2)), NOON, "fifo: no file")])
    wait(store, b"waiting", 3)
    wait(store, b"blocked", 4, "blocked")
    looks = [Look(p, at(n)) for n, p in enumerate((b"landed", b"refused", b"waiting", b"blocked", b"new"), 1)]

    with store.read() as tx:
        assert sightings.unsettled(tx, "acme", looks) == looks[2:]
        changed = [Look(look.path, at(9)) for look in looks]
        assert sightings.unsettled(tx, "acme", changed) == changed
        assert sightings.unsettled(tx, "globex", looks) == looks


def test_what_stands_stays_known_while_something_else_settles(store: Store) -> None:
    land(store, b"p", 1)

    wait(store, b"p", 2)

    found = sighting(store, b"p")
    assert (found.state, found.seen, found.reason) == ("settling", at(2), "because")
    assert found.standing is not None
    assert found.standing.delivered == at(1)


@pytest.mark.parametrize("state", ["settling", "blocked"])
def test_a_late_word_about_a_tuple_that_has_landed_changes_nothing(store: Store, state: str) -> None:
    land(store, b"p", 1)

    wait(store, b"p", 1, state)

    assert sighting(store, b"p").state == "landed"


def test_a_late_word_about_a_tuple_that_was_refused_changes_nothing(store: Store) -> None:
    with store.write() as tx:
        sightings.refuse(tx, "acme", [Waiting(Look(b"p", at(1)), NOON, "fifo: no file")])

    wait(store, b"p", 1)

    assert sighting(store, b"p").state == "refused"


def test_a_redelivery_is_counted_and_its_tuple_stands(store: Store) -> None:
    land(store, b"p", 1)

    for number in (2, 3):
        with store.write() as tx:
            sightings.redeliver(tx, "acme", [Look(b"p", at(number))], now=NOON + timedelta(seconds=1))

    found = sighting(store, b"p")
    assert (found.redelivered, found.seen, found.state) == (2, at(3), "landed")
    assert found.standing is not None
    assert (found.standing.delivered, found.standing.version) == (at(3), 1)


def test_the_next_version_keeps_the_count_of_redeliveries(store: Store) -> None:
    land(store, b"p", 1)
    with store.write() as tx:
        sightings.redeliver(tx, "acme", [Look(b"p", at(2))], now=NOON)

    land(store, b"p", 3, version=2)

    found = sighting(store, b"p")
    assert found.standing is not None
    assert (found.standing.version, found.redelivered) == (2, 1)


def test_what_vanished_is_forgotten_and_what_had_landed_shows_again(store: Store) -> None:
    land(store, b"landed", 1)
    wait(store, b"landed", 2)
    wait(store, b"never", 3)
    with store.read() as tx:
        waiting = sightings.to_be_done(tx, "acme")
    assert [s.path for s in waiting] == [b"landed", b"never"]

    with store.write() as tx:
        sightings.drop(tx, waiting)

    assert (sighting(store, b"landed").state, sighting(store, b"landed").seen) == ("landed", at(1))
    with store.read() as tx:
        assert sightings.find(tx, "acme", b"never") is None
        assert sightings.to_be_done(tx, "acme") == []


def test_what_landed_meanwhile_is_not_forgotten(store: Store) -> None:
    wait(store, b"p", 1)
    with store.read() as tx:
        waiting = sightings.to_be_done(tx, "acme")
    land(store, b"p", 1)

    with store.write() as tx:
        sightings.drop(tx, waiting)

    assert sighting(store, b"p").state == "landed"


def test_a_source_s_report_changes_and_its_totals_add_up(store: Store) -> None:
    said = SourceReport(
        name="acme", path="/in", mode="notify", state="ok", proof="stable", last_scan_at=NOON,
        ignored=2, error="",
    )  # fmt: skip
    with store.write() as tx:
        sources.report(tx, said)
        sources.count(tx, "acme", Counts(landed=2, contents=2, content_bytes=20))
        sources.count(tx, "acme", Counts(landed=1, redelivered=1, refused=1))

    with store.write() as tx:
        sources.report(tx, replace(said, last_scan_at=None, state="degraded"))

    with store.read() as tx:
        (row,) = sources.every(tx)
        totals = contents.totals(tx)
    assert (row.landed, row.redelivered, row.refused) == (3, 1, 1)
    assert (row.state, row.last_scan_at) == ("degraded", NOON)
    assert (totals.contents, totals.bytes) == (2, 20)


@pytest.mark.parametrize("module", [contents, landings, sightings, sources])
def test_every_statement_compiles_for_both_databases(module: object) -> None:
    compiled = 0
    for value in vars(module).values():
        for dialect in (sqlite.dialect(), postgresql.dialect()):  # type: ignore[no-untyped-call]  # it is SQLAlchemy's
            if isinstance(value, Batch):
                value.compile(dialect)
            elif isinstance(value, Lookup):
                value.compile(dialect, 4)
            elif isinstance(value, ClauseElement):
                value.compile(dialect=dialect)
            else:
                continue
            compiled += 1
    assert compiled


def test_what_stands_landed_is_found_by_who_only_reads_and_can_be_locked_by_who_lands(store: Store) -> None:
    land(store, b"a", 1)
    wait(store, b"b", 1)

    with store.read() as tx:
        seen = sightings.standing(tx, "acme", [b"a", b"b"])
    with store.write() as tx:
        locked = sightings.lock_standing(tx, "acme", [b"a", b"b"])

    assert seen == locked
    assert [(path, found.version) for path, found in seen.items()] == [(b"a", 1)]


def test_a_gap_has_a_number_and_no_other_opens_until_it_is_closed(store: Store) -> None:
    with store.write() as tx:
        opened = [gaps.open_gap(tx, "acme", reason, now=NOON) for reason in ("overflow", "unavailable")]
        found = gaps.find_open(tx, "acme")
        closed = [gaps.close_gap(tx, "acme", 1, now=NOON) for _ in range(2)]
        again = gaps.open_gap(tx, "acme", "notifier", now=NOON)

    assert opened == [1, None]
    assert found == Gap(number=1, reason="overflow")
    assert closed == [True, False]
    assert again == 2
