"""The samples that come with the product: what honest ones become, and why broken ones are refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest import PermanentError
from ingest.testing import HandedOver, hand_over
from processors.tabular import tabular

SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats" / "tabular"
APPROVALS = {
    "format": "csv",
    "table": "approvals",
    "unique": ["invoice_id"],
    "delimiter": ";",
    "decimal": ",",
    "group": ".",
    "date": "%d.%m.%Y",
    "trailing": 1,
    "count_cell": 2,
    "columns": [
        {"name": "invoice_id", "required": True},
        {"name": "status", "required": True, "allowed": ["approved", "held"]},
        {"name": "amount", "type": "decimal", "currency": "currency", "required": True},
        {"name": "currency", "required": True},
        {"name": "approved_on", "type": "date", "required": True},
        {"name": "due_on", "type": "date"},
    ],
    "fact": {
        "type": "ingest.invoice.approved.v1",
        "when": {"status": ["approved"]},
        "fields": {
            "invoice_id": "invoice_id",
            "amount": "amount",
            "currency": "currency",
            "reference": "invoice_id",
            "approved_on": "approved_on",
            "due_on": "due_on",
        },
    },
}
ORDERS = {
    "format": "jsonl",
    "table": "orders",
    "columns": [
        {"name": "id", "required": True},
        {"name": "total", "from": "total.value", "type": "decimal"},
    ],
}
PRICES = {
    "table": "prices",
    "columns": [{"name": "article", "required": True}, {"name": "price", "type": "decimal", "decimals": 2}],
}
DEPOSITS = {
    "format": "fixed_width",
    "table": "deposits",
    "first_line": 2,
    "trailing": 1,
    "columns": [
        {"name": "account", "start": 2, "length": 8, "required": True},
        {"name": "amount", "start": 10, "length": 10, "type": "decimal", "implied": 2},
    ],
}
JSON = {**PRICES, "format": "json", "path": "data.items"}
EXCEL = {**PRICES, "format": "excel", "header": 3}


def of(name: str, options: dict[str, Any]) -> HandedOver:
    return hand_over(tabular, (SAMPLES / name).read_bytes(), options=options)


def rows(name: str, options: dict[str, Any], *columns: str) -> list[tuple[Any, ...]]:
    found = of(name, options).rows
    return [tuple(row.values[c] for c in columns) for row in found if row.table == options["table"]]


def test_approvals_are_told_where_they_are_approved() -> None:
    emitted = [row.emitted.fact for row in of("approvals.csv", APPROVALS).rows if row.emitted]

    assert [(fact.invoice_id, fact.amount) for fact in emitted] == [
        ("I-2041", Decimal("1250.00")),
        ("I-2043", Decimal(80000)),
    ]
    assert len(rows("approvals.csv", APPROVALS)) == 3


@pytest.mark.parametrize(
    ("name", "options", "columns", "expected"),
    [
        ("orders.jsonl", ORDERS, ("id", "total"), [("O-1", "12.50"), ("O-2", "7")]),
        ("prices.json", JSON, ("article", "price"), [("A-1", "12.50"), ("A-2", "0.05")]),
        ("prices.xlsx", EXCEL, ("article", "price"), [("A-1", "12.50"), ("4711", "0.05")]),
        ("deposits.txt", DEPOSITS, ("account", "amount"), [("DE-1001", "12.50"), ("DE-1002", "0.05")]),
    ],
)
def test_an_honest_sample_becomes_its_rows(
    name: str, options: dict[str, Any], columns: tuple[str, ...], expected: list[tuple[str, ...]]
) -> None:
    assert rows(name, options, *columns) == expected


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("approvals-open-quote.csv", APPROVALS, "line 2: truncated: a quote opens here and is never closed"),
        ("orders-name-twice.jsonl", ORDERS, "line 2: a name occurs twice in one object"),
        ("prices-no-number.json", JSON, "NaN is not a number of JSON"),
        ("prices-cut.xlsx", EXCEL, "no workbook that can be read"),
    ],
)
def test_a_broken_sample_is_refused_with_its_reason(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(PermanentError) as refused:
        of(name, options)

    assert said in refused.value.message


def test_a_line_that_was_cut_short_is_rejected() -> None:
    found = of("deposits-cut.txt", {**DEPOSITS, "trailing": 0})

    assert [(refusal.line, refusal.rule) for refusal in found.refusals] == [(3, "columns")]
