"""Whatever statements arrive, and in whatever order: what stands is what their newest versions claim.

The oracle knows no tables and no ids: for each account it remembers, of each
statement, the newest content, and unites what these claim.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.testing import Bench
from processors.facts import PaymentReversed, PaymentSettled
from processors.ledger import POSTINGS, ledger
from processors.settlements import settlements
from tests.contract.stating import Entry, entry, pages, parting, telling

MakeBench = Callable[..., Bench]
Known = tuple[str, str, str]


@dataclass(frozen=True)
class Telling:
    """One arrival of a statement: what it says, when its file landed, and how it is divided."""

    statement: str
    entries: tuple[Known, ...]  # (what it is known by, day, amount)
    hour: int  # 0: not known
    size: int
    turned: bool  # its last page comes first
    pending: bool  # one more entry that is not booked


def as_entry(known: Known) -> Entry:
    by, day, amount = known
    return entry(amount, day=f"2026-03-{day}", text=f"for {by}", reference=by if by.startswith("B") else "")


ENTRIES = st.tuples(
    st.sampled_from(["B1", "B2", "tea"]), st.sampled_from(["02", "03"]), st.sampled_from("12")
)
TELLINGS = st.builds(
    Telling,
    statement=st.sampled_from(["day", "so far"]),
    entries=st.lists(ENTRIES, max_size=5).map(tuple),
    hour=st.integers(0, 3),
    size=st.integers(1, 3),
    turned=st.booleans(),
    pending=st.booleans(),
)
ACCOUNTS = st.lists(st.lists(TELLINGS, max_size=7), min_size=1, max_size=6)


def told(account: str, one: Telling) -> list[dict[str, Any]]:
    entries = [as_entry(known) for known in one.entries]
    entries += [entry("99", status="pending")] * one.pending
    hour = f"2026-03-04T0{one.hour}:00:00+00:00" if one.hour else None
    whole = pages(one.statement, entries, account=account, size=one.size, received_at=hour)
    return whole[::-1] if one.turned else whole


def claimed(tellings: list[Telling]) -> Counter[tuple[str, str, str]]:
    """What the newest version of each statement claims, each movement once."""
    newest: dict[str, Telling] = {}
    stood: set[tuple[Any, ...]] = set()
    for one in tellings:
        content = (one.statement, one.entries, one.pending)
        former = newest.get(one.statement)
        is_older = former is not None and 0 < one.hour < former.hour  # both told when they landed
        if content not in stood and not is_older:
            newest[one.statement] = one
            stood.add(content)
    united: Counter[tuple[str, str, str]] = Counter()
    for one in newest.values():
        united |= Counter(one.entries)  # of equal ones, as many as one statement tells of
    return united


def standing(bench: Bench, account: str) -> Counter[Known]:
    """What is settled and not reversed; each payment at most once."""
    settled = {fact.payment_id: fact for fact in bench.facts(PaymentSettled) if fact.account == account}
    told = Counter(fact.payment_id for fact in bench.facts(PaymentSettled))
    gone = Counter(fact.payment_id for fact in bench.facts(PaymentReversed))
    assert set(told.values()) | set(gone.values()) <= {1}
    assert gone.keys() <= told.keys()
    stands = [fact for id_, fact in settled.items() if id_ not in gone]
    return Counter(
        (fact.reference.removeprefix("for "), f"{fact.value_date:%d}", str(int(fact.amount)))
        for fact in stands
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(accounts=ACCOUNTS)
def test_what_stands_is_what_the_newest_versions_claim(
    ingest_bench: MakeBench, accounts: list[list[Telling]]
) -> None:
    bench = ingest_bench(parting, telling, settlements, ledger)
    arriving = [told(f"A{n}", one) for n, tellings in enumerate(accounts) for one in tellings]

    bench.land("all.json", json.dumps(arriving))
    bench.work()

    assert {verdict.error for verdict in bench.verdicts()} <= {None}
    for name, tellings in enumerate(accounts):
        assert standing(bench, f"A{name}") == claimed(tellings)
    posted = Counter[str]()
    for row in bench.rows(POSTINGS):
        posted[row["account"]] += row["amount_minor"]
    for name, tellings in enumerate(accounts):
        worth = sum(Decimal(amount) * count for (_, _, amount), count in claimed(tellings).items())
        assert posted[f"A{name}"] == worth * 100
    assert posted.total() == 0
