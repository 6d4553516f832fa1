"""A comparison counts everything exactly, in whatever parts it is made, and keeps a bounded part in full."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.comparing import EXAMPLE_CHARS, MOST_EXAMPLES, Differences, Shape, Thing, compare

SHAPES = {
    "payments": Shape(columns=("id", "amount", "currency"), amounts=(1,), currency=2),
    "lines": Shape(columns=("text",)),
}


def payment(id_: str, amount: str | None = "1.00", currency: str | None = "EUR") -> Thing:
    return Thing("rows", "payments", (id_,), (id_, amount, currency))


def line(text: str) -> Thing:
    return Thing("rows", "lines", (text,), (text,))


PAYMENTS = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.sampled_from(["0.1", "2"]), st.sampled_from(["EUR", "USD", None]))
).map(lambda found: [payment(id_, *values) for id_, values in found.items()])
LINES = st.lists(st.sampled_from("xyz")).map(lambda found: [line(text) for text in found])
SIDES = st.builds(lambda some, more: some + more, PAYMENTS, LINES)


@given(SIDES, SIDES)
def test_parts_add_up_to_the_whole(stands: list[Thing], would: list[Thing]) -> None:
    whole, parts = compare(stands, would, SHAPES), Differences()
    for key in sorted({thing.key for thing in (*stands, *would)}):
        before, after = ([thing for thing in side if thing.key == key] for side in (stands, would))
        parts.add(compare(before, after, SHAPES))

    assert {**parts.as_plain(), "examples": []} == {**whole.as_plain(), "examples": []}


@given(SIDES, SIDES)
def test_the_counts_are_those_of_the_things(stands: list[Thing], would: list[Thing]) -> None:
    tally = compare(stands, would, SHAPES).of("rows")

    assert tally.removed + tally.changed + tally.unchanged == len(stands)
    assert tally.added + tally.changed + tally.unchanged == len(would)
    assert tally.unchanged == (Counter(stands) & Counter(would)).total()


@given(SIDES, SIDES)
def test_money_is_what_its_rows_sum_up_to(stands: list[Thing], would: list[Thing]) -> None:
    found = compare(stands, would, SHAPES).money

    for (_, _, currency), total in found.items():
        for side, summed in ((stands, total.before), (would, total.after)):
            amounts = [thing.content[1] for thing in side if len(thing.content) > 1]
            currencies = [thing.content[2] or "" for thing in side if len(thing.content) > 1]
            assert summed == sum(
                Decimal(amount)
                for amount, one in zip(amounts, currencies, strict=True)
                if one == currency and amount is not None
            )


def test_an_amount_that_is_not_there_is_no_money() -> None:
    assert not compare([payment("a", None)], [], SHAPES).money


def test_a_currency_that_is_none_is_known_by_its_beginning() -> None:
    long = Thing("rows", "payments", ("a",), ("a", "1", "E" * 5000))

    [(_, _, currency)] = compare([long], [], SHAPES).money

    assert currency == "E" * 199 + "…", "an index holds it"


def test_money_is_shown_as_exact_text() -> None:
    found = compare([payment("a", "0.10")], [payment("a", "1000000000000000000000000000000.05")], SHAPES)

    assert found.as_plain()["money"] == [
        {
            "table": "payments",
            "column": "amount",
            "currency": "EUR",
            "before": "0.10",
            "after": "1000000000000000000000000000000.05",
            "delta": "999999999999999999999999999999.95",
        }
    ]


def test_all_differences_are_counted_and_a_bounded_number_is_kept() -> None:
    found = compare([], [payment(str(n)) for n in range(1000)], SHAPES)

    assert found.of("rows").added == 1000
    assert len(found.examples) == MOST_EXAMPLES
    assert found.left_off == 1000 - MOST_EXAMPLES


def test_a_long_value_is_kept_in_part() -> None:
    [example] = compare([], [line("x" * 10_000)], SHAPES).examples

    assert example.after is not None
    assert len(example.after["text"]) == EXAMPLE_CHARS


def test_what_differs_is_told_by_its_kind() -> None:
    rejected = Thing("rejects", "", (1, None, "rule", "raw"), (1, None, "rule", "raw"))

    found = compare([line("x")], [line("x"), rejected], SHAPES)

    assert (found.differs(), found.differs("rows"), found.differs("rejects")) == (True, False, True)
