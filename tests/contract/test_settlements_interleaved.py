"""Pages of several versions of one statement come in any order: a version counts as a whole, or not yet.

Each order is worked under an account of its own, so that many cost one store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, permutations, product
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.domain import codec
from ingest.domain.events import Event
from ingest.store import outbox
from ingest.testing import Bench
from processors.ledger import POSTINGS, ledger
from processors.settlements import MOVEMENTS, settlements
from tests.contract.stating import TellingGiven, entry, fact_of, pages

MakeBench = Callable[..., Bench]
Claims = Counter[str]  # amounts
MOMENT = datetime(2026, 3, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Version:
    """What one telling of a statement claims, in pages of `size` entries; `hour` 0: it is not known."""

    amounts: tuple[str, ...]
    statement: str = "1"
    hour: int = 0
    size: int = 2

    def pages(self, account: str) -> list[dict[str, Any]]:
        hour = f"2026-03-04T{self.hour:02}:00:00+00:00" if self.hour else None
        entries = [entry(amount) for amount in self.amounts]
        return pages(self.statement, entries, account=account, size=self.size, received_at=hour)


Place = tuple[Version, int]  # one page, from 0
Order = Sequence[Place]


def places(versions: Sequence[Version]) -> list[Place]:
    return [(version, number) for version in versions for number in range(len(version.pages("")))]


def worked(bench: Bench, orders: Sequence[Order]) -> list[list[Claims]]:
    """What stood under each order, each time that anything had changed."""
    with bench._open() as store, store.write() as tx:  # no bench tells in pieces what one cause told
        drafts = [draft for number, order in enumerate(orders) for draft in drafts_of(f"A{number}", order)]
        outbox.append(tx, drafts, now=store.now())
    bench.work()
    assert {verdict.error for verdict in bench.verdicts()} == {None}
    rows = sorted(bench.rows(MOVEMENTS), key=itemgetter("account", "keyseq"))
    by_account = {account: list(found) for account, found in groupby(rows, key=itemgetter("account"))}
    return [list(stood(by_account.get(f"A{number}", []))) for number in range(len(orders))]


def drafts_of(account: str, order: Order) -> Iterator[outbox.Draft]:
    """What told each version, and then their pages."""
    causes = {version: event_of(TellingGiven(pages=str(version)), account) for version, _ in order}
    yield from (outbox.draft(cause, origin="bench") for cause in causes.values())
    for version, number in order:
        cause = causes[version]
        yield outbox.draft(event_of(fact_of(version.pages(account)[number]), account, cause), origin="bench")


def event_of(fact: Any, account: str, cause: Event | None = None) -> Event:
    return codec.new_event(
        fact,
        id=f"{account} {fact}" if cause is None else f"{cause.id} {fact.page}",
        source="/ingest/bench",
        subject=account,
        time=MOMENT,
        partitionkey=account,
        cause=cause,
    )


def stood(rows: Sequence[Mapping[str, Any]]) -> Iterator[Claims]:
    standing: dict[str, str] = {}
    for _, changes in groupby(rows, key=itemgetter("keyseq")):
        for row in changes:
            if row["change"] == "reversed":
                del standing[row["movement"]]
            else:
                standing[row["movement"]] = str(row["amount"].normalize())
        yield Counter(standing.values())


def united(claims: Sequence[Version]) -> Claims:
    """What is claimed in all, each movement once."""
    whole: Claims = Counter()
    for one in claims:
        whole |= Counter(one.amounts)
    return whole


def newest(order: Order) -> list[Version]:
    """Of each statement, the version that landed last, or where that is not known, began to come last."""
    came = list(dict.fromkeys(version for version, _ in order))
    return [
        max((one for one in came if one.statement == statement), key=lambda one: (one.hour, came.index(one)))
        for statement in sorted({one.statement for one in came})
    ]


def assert_no_order_matters(bench: Bench, orders: Sequence[Order]) -> None:
    """In the end stands what the newest claim; at every moment, what some whole versions claim."""
    for order, moments in zip(orders, worked(bench, orders), strict=True):
        versions = list(dict.fromkeys(version for version, _ in order))
        of_each = [
            [None, *(one for one in versions if one.statement == statement)]
            for statement in sorted({one.statement for one in versions})
        ]
        whole = [united([one for one in some if one is not None]) for some in product(*of_each)]
        assert [moment for moment in moments if moment not in whole] == [], order
        assert (moments or [Counter()])[-1] == united(newest(order)), order
    posted = Counter[str]()
    for row in bench.rows(POSTINGS):
        posted[row["account"]] += row["amount_minor"]
    for number, order in enumerate(orders):
        worth = sum(int(amount) * count for amount, count in united(newest(order)).items())
        assert posted[f"A{number}"] == worth * 100
    assert posted.total() == 0


@pytest.mark.parametrize("hours", [(0, 0), (7, 8), (8, 7)])
def test_two_versions_come_to_the_same_in_every_order_of_their_pages(
    ingest_bench: MakeBench, hours: tuple[int, int]
) -> None:
    versions = (
        Version(("1", "2", "2", "3"), hour=hours[0]),
        Version(("2", "4", "5"), hour=hours[1]),
    )
    other = (Version(("3", "5"), statement="2"), 0)  # another statement claims some of it, too
    orders = [list(order) for order in permutations(places(versions))]
    for number, order in enumerate(orders):
        order.insert(number % (len(order) + 1), other)
    bench = ingest_bench(settlements, ledger)

    assert_no_order_matters(bench, orders)

    bench.assert_replay_changes_nothing()


AMOUNTS = st.lists(st.sampled_from("1234"), max_size=6).map(tuple)


@st.composite
def arriving(draw: st.DrawFn) -> list[Order]:
    """Several orders of the pages of up to four versions, each with content of its own."""
    contents = draw(st.lists(AMOUNTS, min_size=1, max_size=4, unique=True))
    are_known = draw(st.booleans())
    versions = [
        Version(
            amounts,
            statement=draw(st.sampled_from("112")),
            hour=place if are_known else 0,
            size=draw(st.integers(1, 3)),
        )
        for place, amounts in enumerate(contents, start=1)
    ]
    return [draw(st.permutations(places(versions))) for _ in range(6)]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=arriving())
def test_any_versions_come_to_the_same_in_any_order_of_their_pages(
    ingest_bench: MakeBench, orders: list[Order]
) -> None:
    assert_no_order_matters(ingest_bench(settlements, ledger), orders)
