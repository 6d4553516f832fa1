"""The bundled processors through the real engine: twice, out of order, killed in between, replayed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from ingest.testing import Bench
from processors.facts import PaymentSettled
from processors.ledger import POSTINGS, ledger
from processors.payments import PAYMENTS, payments

HEADER = "payment_id,account,amount,currency,value_date,counterparty,reference\n"

MakeBench = Callable[..., Bench]


def file_of(*ids: str) -> str:
    return HEADER + "".join(f"{id_},ACC-1,10.00,EUR,2026-03-02,Somebody,ref\n" for id_ in ids)


def test_payments_and_their_postings_are_booked_once_whatever_happens(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(payments, ledger)
    bench.land("one.csv", file_of("P-1", "P-2"))
    bench.land("two.csv", file_of("P-3"))

    bench.assert_idempotent()

    assert [row["payment_id"] for row in bench.rows(PAYMENTS)] == ["P-1", "P-2", "P-3"]
    assert [fact.payment_id for fact in bench.facts(PaymentSettled)] == ["P-1", "P-2", "P-3"]
    assert sum(row["amount_minor"] for row in bench.rows(POSTINGS)) == 0


def test_a_payment_that_comes_in_two_files_is_booked_once_in_either_order(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(payments)
    bench.land("one.csv", file_of("P-1"))
    bench.land("two.csv", file_of("P-1"))
    bench.land("three.csv", file_of("P-2"))

    bench.work()

    bench.assert_order_does_not_matter()
    assert [row["amount"] for row in bench.rows(PAYMENTS)] == [Decimal("10.00")] * 2
    assert sum(verdict.duplicate for verdict in bench.verdicts()) == 1
