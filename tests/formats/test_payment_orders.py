"""Orders and reports become rows and facts, whole or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ingest import PermanentError
from ingest.testing import HandedOver, hand_over
from processors.digests import digest
from processors.facts import PaymentOrdered, PaymentReturned
from processors.payment_orders import payment_orders
from tests.formats.payment_files import (
    OUR_ACCOUNT,
    collection,
    group_status,
    header,
    order_status,
    original,
    pain001,
    pain002,
    pain008,
    transfer,
    transfers,
)


def handled(data: bytes, **options: Any) -> HandedOver:
    return hand_over(payment_orders, data, options=options)


def rows(handed: HandedOver, table: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in handed.rows if row.table == table]


def test_an_order_becomes_a_row_and_a_fact_keyed_by_the_account() -> None:
    handed = handled(pain001(header(1, "10"), transfers(transfer())))

    [row] = rows(handed, "payment_orders")
    assert (row["amount_minor"], row["exponent"], row["currency"]) == (1_000, 2, "EUR")
    assert (row["message_id"], row["payment_group"], row["end_to_end"]) == ("M-1", "G-1", "E-1")
    [emitted] = handed.facts
    assert (emitted.key, emitted.name) == (OUR_ACCOUNT, "M-1/G-1/E-1/1")
    assert emitted.fact == PaymentOrdered(
        payment_id="E-1",
        account=OUR_ACCOUNT,
        amount=Decimal("10.00"),
        currency="EUR",
        requested_on=date(2026, 3, 3),
        counterparty="Nordwind",
        counterparty_account="DE89",
        reference="Invoice 7",
    )
    [verdict] = rows(handed, "payment_order_findings")
    assert (verdict["schema_verdict"], verdict["arithmetic_verdict"]) == ("ok", "ok")


def test_two_orders_of_one_reference_are_two_orders() -> None:
    handed = handled(pain001(header(2), transfers(transfer(), transfer())))

    assert [emitted.name for emitted in handed.facts] == ["M-1/G-1/E-1/1", "M-1/G-1/E-1/2"]


def test_what_is_collected_is_negative() -> None:
    handed = handled(pain008(header(1), collection("3")))

    assert rows(handed, "payment_orders")[0]["amount_minor"] == -300
    assert handed.facts[0].fact.amount == Decimal("-3.00")


def test_only_a_rejection_is_told_as_returned() -> None:
    handed = handled(
        pain002(original(), group_status(order_status("ACSC", "", "E-2"), order_status("RJCT", "AC04")))
    )

    assert [row["status"] for row in rows(handed, "payment_statuses")] == ["", "", "ACSC", "RJCT"]
    [emitted] = handed.facts
    assert emitted.key == "unknown"
    assert emitted.fact == PaymentReturned(
        payment_id="E-1",
        account="",
        amount=None,
        currency="",
        reason="AC04",
        reference="R-1",
        returned_on=date(2026, 3, 4),
        return_id=f"{digest('M-1', 'G-1', 'E-1', 'I-1', '')}/1",
    )


def test_a_message_that_is_rejected_as_a_whole_is_told_once_by_its_own_id() -> None:
    alone = handled(pain002(original("RJCT", "AM10")))
    listed = handled(pain002(original("RJCT"), group_status(order_status("RJCT", "AC04"), status="RJCT")))

    assert [emitted.fact.payment_id for emitted in alone.facts] == ["M-1"]
    assert [emitted.fact.payment_id for emitted in listed.facts] == ["E-1"]


def test_orders_that_do_not_come_to_what_is_stated_are_refused_unless_a_warning_will_do() -> None:
    data = pain001(header(1, "11"), transfers(transfer()))

    with pytest.raises(PermanentError, match=r"message 1: CtrlSum is 11, the orders come to 10\.00"):
        handled(data)

    [verdict] = rows(handled(data, on_mismatch="warn"), "payment_order_findings")
    assert verdict["arithmetic_verdict"] == "mismatch"


def test_options_that_mean_nothing_are_refused_before_work_begins() -> None:
    assert payment_orders.check is not None
    with pytest.raises(ValueError, match="strictness is strict or lenient"):
        payment_orders.check({"strictness": "no"})
