"""What one run hands over, seen without a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from ingest import Context, FileLanded, PermanentError, call, fact, processor, table
from ingest.testing import Call, Emitted, HandedOver, Refusal, Row, hand_over

SUMS = table("sums", name=str, sum=Decimal, unique="name")


@fact("test.sum.made", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class SumMade:
    """A sum was made."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    sum: Decimal


@call(repeatable=True)
def tell(request: Any, *, key: str, options: Mapping[str, Any]) -> None:
    raise AssertionError("nothing is called")


@processor(accepts=(FileLanded, SumMade), version="1", tables=[SUMS])
def sums(event: FileLanded | SumMade, ctx: Context) -> None:
    if isinstance(event, SumMade):
        ctx.insert_many(SUMS, [("told", event.sum)])
        return
    made = SumMade(sum=Decimal(ctx.options["start"]))
    with ctx.open() as file:
        for number, raw in enumerate(file, start=1):
            if raw == b"stop":
                raise PermanentError(f"line {number}")
            ctx.reject(line=number, rule="none", raw=raw)
    ctx.insert(SUMS, {"name": event.name, "sum": made.sum}, fact=made, key="k", name="with a row")
    ctx.emit(made, key="k", name="alone")
    ctx.once("tell", tell, {"encoding": event.encoding, "stands": len(ctx.select(SUMS))})


def test_all_that_a_run_hands_over_is_seen_and_nothing_is_called() -> None:
    handed = hand_over(sums, "é", name="a.txt", encoding="latin-1", options={"start": "1.50"})

    made = SumMade(sum=Decimal("1.50"))
    assert handed == HandedOver(
        rows=(
            Row(
                table="sums",
                values={"name": "a.txt", "sum": "1.50"},
                emitted=Emitted(fact=made, key="k", name="with a row"),
            ),
        ),
        facts=(Emitted(fact=made, key="k", name="alone"),),
        refusals=(Refusal(processor="sums", line=1, column=None, rule="none", raw="\\xe9"),),
        calls=(
            Call(processor="sums", name="tell", request={"encoding": "latin-1", "stands": 0}, is_made=False),
        ),
    )


def test_a_fact_is_given_as_it_is() -> None:
    [row] = hand_over(sums, SumMade(sum=Decimal(2))).rows

    assert row == Row(table="sums", values={"name": "told", "sum": "2"}, emitted=None)


def test_what_a_processor_raises_is_raised() -> None:
    with pytest.raises(PermanentError, match="line 1"):
        hand_over(sums, b"stop", options={"start": 0})
