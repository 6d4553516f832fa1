"""Processors of formats in a real store: what they hand over has tables, and stands whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from ingest import Processor, Table, registry
from ingest.errors import UsageError
from ingest.testing import Bench
from processors.facts import InvoiceReceived, PaymentOrdered, StatementReceived
from processors.invoices import INVOICE_FINDINGS, INVOICES, invoices
from processors.payment_orders import PAYMENT_ORDER_FINDINGS, PAYMENT_ORDERS, payment_orders
from processors.statements import STATEMENT_FINDINGS, STATEMENTS, TRANSACTIONS, statements
from processors.verdicts import JUDGING
from tests.formats import camt_files, invoice_files
from tests.formats.payment_files import header, pain001, transfer, transfers

MakeBench = Callable[..., Bench]

STATEMENT = camt_files.message_of(camt_files.entry(), camt_files.entry())
OFF = camt_files.message_of(
    camt_files.balance("OPBD", "1"), camt_files.balance("CLBD", "9"), camt_files.entry("1")
)
ORDERS = pain001(header(1), transfers(transfer()))


@pytest.mark.parametrize(
    ("function", "data", "fact", "tables"),
    [
        (statements, STATEMENT, StatementReceived, [STATEMENTS, STATEMENT_FINDINGS]),
        (payment_orders, ORDERS, PaymentOrdered, [PAYMENT_ORDERS, PAYMENT_ORDER_FINDINGS]),
        (invoices, invoice_files.cii(), InvoiceReceived, [INVOICES, INVOICE_FINDINGS]),
    ],
    ids=["statements", "payment_orders", "invoices"],
)
def test_what_was_read_stands_in_tables_of_the_processor_and_in_facts(
    ingest_bench: MakeBench, function: Processor, data: bytes, fact: type, tables: list[Table]
) -> None:
    bench = ingest_bench(function)
    bench.land("a.xml", data)

    bench.work()

    assert [len(bench.rows(each)) for each in tables] == [1, 1]
    assert len(bench.facts(fact)) == 1


def test_of_a_statement_that_does_not_add_up_nothing_stands(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(statements)
    bench.land("off.xml", OFF)

    bench.work()

    assert bench.verdict().state == "dead"
    assert bench.rows(TRANSACTIONS) == []
    assert bench.facts(StatementReceived) == []


@pytest.mark.parametrize(
    ("function", "data", "name"),
    [
        (statements, STATEMENT, "camt"),
        (payment_orders, ORDERS, "iso20022"),
        (invoices, invoice_files.ubl(), "ubl"),
        (invoices, ORDERS, ""),
    ],
)
def test_a_content_is_recognised_by_its_beginning(function: Processor, data: bytes, name: str) -> None:
    assert function.recognises is not None
    assert function.recognises(io.BytesIO(data), {}, "utf-8") == name


@pytest.mark.parametrize(("function", "format_"), [(statements, "mt940"), (invoices, "ubl")])
def test_who_declares_the_format_is_believed_where_the_content_does_not_tell(
    function: Processor, format_: str
) -> None:
    def answer(options: dict[str, Any]) -> str | None:
        assert function.recognises is not None
        return function.recognises(io.BytesIO(b"neither"), options, "utf-8")

    assert answer({}) == answer({"format": "auto"}) == ""
    assert answer({"format": format_}) is None
    assert answer({"by_source": {"shop": {"format": format_}}}) is None


def test_every_bundled_processor_with_a_table_of_verdicts_declares_how_it_judges() -> None:
    found = {
        item.function.__name__: item.judges
        for module in registry.modules(None)
        for item in ([] if isinstance(module, UsageError) else vars(module).values())
        if isinstance(item, Processor) and any(JUDGING.columns <= each.names for each in _tables(item))
    }

    assert found.keys() == {"ach", "invoices", "payment_orders", "statements", "tabular"}
    assert {name: judges and judges.columns for name, judges in found.items()} == dict.fromkeys(
        found, JUDGING.columns
    )


def _tables(of: Processor) -> tuple[Table, ...]:
    options = {"format": "csv", "table": "rows", "columns": [{"name": "id"}]}
    return of.owned_tables("some", options)
