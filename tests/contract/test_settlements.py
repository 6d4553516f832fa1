"""Movements are settled once, whatever statements tell of them, and reversed where none does any more."""

from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from ingest.testing import Bench
from processors.facts import PaymentReversed, PaymentSettled
from processors.ledger import POSTINGS, ledger
from processors.settlements import MOVEMENTS, PAGES, settlements
from processors.statements import TRANSACTIONS, statements
from tests.contract.backwards import read_backwards
from tests.contract.stating import entry, pages, stating, written
from tests.formats import camt_files

MakeBench = Callable[..., Bench]


def land(bench: Bench, *files: str) -> None:
    """One after another, each under a name of its own."""
    for file in files:
        bench.land(f"{len(bench.verdicts())}-{len(file)}.json", file)
        bench.work()


def amounts(bench: Bench, kind: type = PaymentSettled) -> list[str]:
    return [str(fact.amount) for fact in bench.facts(kind)]


def states(bench: Bench) -> list[str]:
    return [row["state"] for row in sorted(bench.rows(PAGES), key=lambda row: row["keyseq"])]


def test_every_booked_movement_of_a_statement_settles_a_payment(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    told = entry("-12.5", value="2026-03-04", counterparty="Ann", end_to_end="E-1", text="  for  tea ")

    land(bench, written(pages("1", [told])))

    (fact,) = bench.facts(PaymentSettled)
    (row,) = bench.rows(MOVEMENTS)
    assert (str(fact.amount), fact.currency, fact.value_date.isoformat()) == ("-12.50", "EUR", "2026-03-04")
    assert (fact.account, fact.counterparty, fact.reference) == ("A", "Ann", "E-1 for tea")
    assert (row["payment_id"], row["change"], row["amount_minor"]) == (fact.payment_id, "booked", -1250)
    assert [verdict.error for verdict in bench.verdicts()] == [None, None]


@pytest.mark.parametrize("others", [{}, {"reference": "NON-REF"}, {"reference": "B-1"}])
def test_two_equal_bookings_of_one_day_are_two(ingest_bench: MakeBench, others: dict[str, str]) -> None:
    bench = ingest_bench(stating, settlements)
    equal = entry("5.00", text="coffee", **others)

    land(bench, written(pages("1", [equal, equal])))

    assert amounts(bench) == ["5.00", "5.00"]
    assert len({fact.payment_id for fact in bench.facts(PaymentSettled)}) == 2


def test_what_is_pending_for_information_or_of_no_day_moved_nothing(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    others = [entry("5.00", status=status) for status in ("pending", "information", "undated")]

    land(bench, written(pages("1", [*others, entry("7.00")])))

    assert amounts(bench) == ["7.00"]


def test_an_entry_whose_day_no_bank_told_settles_nothing_until_a_correction_tells_it(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(statements, settlements)
    undated = camt_files.entry("5.00", BookgDt="", ValDt="", AcctSvcrRef="<AcctSvcrRef>B-1</AcctSvcrRef>")
    dated = camt_files.entry("5.00", AcctSvcrRef="<AcctSvcrRef>B-1</AcctSvcrRef>")

    bench.land("day.xml", camt_files.message_of(undated))
    bench.work()
    assert [row["status"] for row in bench.rows(TRANSACTIONS)] == ["undated"]
    assert (bench.rows(MOVEMENTS), amounts(bench)) == ([], [])
    bench.land("day.xml", camt_files.message_of(dated))
    bench.work()

    assert amounts(bench) == ["5.00"]
    assert {verdict.error for verdict in bench.verdicts()} == {None}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_statements_that_overlap_settle_each_movement_once(
    ingest_bench: MakeBench, order: tuple[int, ...]
) -> None:
    bench = ingest_bench(stating, settlements)
    known, plain = entry("1.00", reference="B-1"), entry("2.00", text="tea")
    told_later = entry("1.00", reference="B-1", text="told in full by the end of the day")
    files = (
        written(pages("i1", [known], kind="interim")),
        written(pages("i2", [known, plain], kind="interim")),
        written(pages("d1", [told_later, plain, plain])),
    )

    land(bench, *(files[place] for place in order))

    assert sorted(amounts(bench)) == ["1.00", "2.00", "2.00"]
    assert bench.facts(PaymentReversed) == []


def test_a_reference_used_again_on_another_day_is_another_movement_unless_the_bank_vows_never_to(
    ingest_bench: MakeBench,
) -> None:
    files = [
        written(pages(day, [entry("9.00", day=f"2026-03-{day}", reference="FEE-1")])) for day in ("02", "03")
    ]
    usual = ingest_bench(stating, settlements)
    land(usual, *files)
    vowed = ingest_bench(stating, settlements, options={"references": "unique"})
    land(vowed, *files)

    assert amounts(usual) == ["9.00", "9.00"]
    assert amounts(vowed) == ["9.00"]


def test_what_is_told_so_far_takes_no_place_of_what_is_told_in_the_end(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(stating, settlements)
    in_the_end, so_far = [entry("1.00"), entry("2.00")], [entry("1.00")]

    land(bench, written(pages("1", in_the_end)), written(pages("1", so_far, kind="interim")))

    assert amounts(bench) == ["1.00", "2.00"]
    assert amounts(bench, PaymentReversed) == []


def test_a_statement_that_is_sent_again_changes_nothing(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    told = pages("1", [entry("1.00"), entry("2.00")])
    land(bench, written(told))
    before = bench.rows(MOVEMENTS)

    land(bench, written(told, pages("9", [], account="B")), written(pages("1", told[0]["entries"], size=1)))

    assert bench.rows(MOVEMENTS) == before
    assert [row["state"] for row in bench.rows(PAGES) if row["account"] == "A"].count("standing") == 1


def test_a_corrected_statement_reverses_and_settles_exactly_the_difference(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements, ledger)
    first = written(pages("1", [entry("1.00"), entry("2.00"), entry("3.00")]))
    land(bench, first, written(pages("2", [entry("3.00")])))

    land(bench, written(pages("1", [entry("1.00"), entry("2.50")])))

    assert amounts(bench) == ["1.00", "2.00", "3.00", "2.50"]
    assert amounts(bench, PaymentReversed) == ["2.00"]  # statement 2 claims the 3.00 still
    assert sum(row["amount_minor"] for row in bench.rows(MOVEMENTS)) == 650
    land(bench, written(pages("1", [entry("2.50")])))
    assert amounts(bench, PaymentReversed) == ["2.00", "1.00"]  # it was claimed once, by two versions


def test_a_movement_that_comes_back_after_its_reversal_is_another_payment(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    land(
        bench, *(written(pages("1", told)) for told in ([entry("1.00")], [], [entry("1.00"), entry("7.00")]))
    )

    first, second = (f for f in bench.facts(PaymentSettled) if f.amount == Decimal(1))
    (reversed_,) = bench.facts(PaymentReversed)
    assert (second.payment_id, reversed_.payment_id) == (f"{first.payment_id}.2", first.payment_id)


def test_an_older_version_that_comes_late_changes_nothing(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    newer = pages("1", [entry("2.00")], received_at="2026-03-03T08:00:00+00:00")
    older = pages("1", [entry("1.00")], received_at="2026-03-02T08:00:00+00:00")

    land(bench, written(newer), written(older), written(pages("1", [entry("3.00")])))
    land(bench, written(pages("1", [entry("2.00")], received_at="2026-03-05T08:00:00+00:00")))

    assert amounts(bench) == ["2.00", "3.00"]
    assert amounts(bench, PaymentReversed) == ["2.00"]
    assert states(bench) == ["standing", "older", "standing", "repeated"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_long_statement_counts_once_all_its_pages_are_there_in_any_order(
    ingest_bench: MakeBench, order: tuple[int, ...]
) -> None:
    bench = ingest_bench(stating, settlements)
    told = [entry("1.00"), entry("1.00"), entry("2.00"), entry("1.00"), entry("3.00")]
    whole = pages("1", told, size=2)

    land(bench, written([whole[place] for place in order][:2]))
    assert amounts(bench) == []
    land(
        bench,
        written([whole[place] for place in order]),
        written(pages("1", [*told[1:], entry("4.00")], size=3)),
    )

    assert sorted(amounts(bench)) == ["1.00", "1.00", "1.00", "2.00", "3.00", "4.00"]
    assert amounts(bench, PaymentReversed) == ["1.00"]
    assert states(bench).count("standing") == 2


def test_an_entry_that_cannot_be_booked_makes_the_fact_dead_and_settles_nothing(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(stating, settlements)
    land(bench, written(pages("1", [entry("1.00"), entry("1.005")])))

    assert bench.facts(PaymentSettled) == []
    assert bench.verdicts()[-1].error == "entry 2 of page 1 cannot be booked: decimals"


CORRECTED = (
    pages("1", [entry("1.00"), entry("2.00"), entry("2.00")], size=2),
    pages("1", [entry("2.00"), entry("4.00")]),
    pages("1", [entry("1.00"), entry("4.00"), entry("6.00")], size=1),
    [*pages("2", [entry("4.00"), entry("5.00")], kind="interim"), *pages("3", [entry("1.00")])],
)


def what_stands(bench: Bench) -> tuple[list[Any], ...]:
    """But for `keyseq`, which facts of other types count up too."""
    told = [fact for fact in bench.facts() if isinstance(fact, PaymentSettled | PaymentReversed)]
    rows = [{**row, "keyseq": 0} for row in bench.rows(MOVEMENTS)]
    return told, sorted(rows, key=repr), sorted(bench.rows(POSTINGS), key=repr), sorted(states(bench))


@pytest.mark.parametrize("point", ["ran", "committing", "committed"])
def test_killed_in_between_or_given_again_statements_come_to_the_same(
    ingest_bench: MakeBench, point: Any
) -> None:
    spared, killed = (ingest_bench(stating, settlements, ledger) for _ in range(2))
    for one in CORRECTED:
        spared.land("one.json", written(one))  # versions of one path: they are told in this order
        killed.land("one.json", written(one))
        spared.work()
        killed.crash(at=point)
        killed.work()

    assert what_stands(killed) == what_stands(spared)
    assert len(amounts(spared)) == 7
    assert sum(row["amount_minor"] for row in spared.rows(POSTINGS)) == 0
    killed.assert_replay_changes_nothing()
    with read_backwards():
        killed.assert_replay_changes_nothing()


def test_a_shadow_of_statements_long_corrected_finds_nothing_to_change(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(stating, settlements)
    for one in CORRECTED:
        bench.land("one.json", written(one))

    found = bench.shadow()

    tallies = [*found["rows"].values(), *found["facts"].values()]
    assert sum(tally["unchanged"] for tally in tallies) > 0
    assert not any(tally[what] for tally in tallies for what in ("added", "removed", "changed")), found
