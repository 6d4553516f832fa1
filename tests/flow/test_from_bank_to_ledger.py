"""The whole way of money, wherever the store is: statements, movements, postings, and invoices they pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from processors.statement_pages import PAGE
from tests.crash.pipeline import Pipeline, pipeline

pytestmark = pytest.mark.timeout(300)  # several processes; how fast depends on who shares the machine
SETTINGS = """\
version = 1

[work]
concurrency = 2

[[source]]
name = "bank"
path = "inbox"
complete = "renamed"

[[source]]
name = "office"
path = "office"
complete = "renamed"

[[processor]]
name = "statements"
use = "processors.statements:statements"
sources = ["bank"]

[[processor]]
name = "settlements"
use = "processors.settlements:settlements"

[[processor]]
name = "approvals"
use = "processors.tabular:tabular"
sources = ["office"]

[processor.options]
format = "csv"
table = "approvals"
unique = ["invoice"]
columns = [
  { name = "invoice", required = true },
  { name = "amount", type = "decimal", currency = "currency", required = true },
  { name = "currency", required = true },
  { name = "approved_on", type = "date", required = true },
]

[processor.options.fact]
type = "ingest.invoice.approved.v1"

[processor.options.fact.fields]
invoice_id = "invoice"
amount = "amount"
currency = "currency"
reference = "invoice"
approved_on = "approved_on"

[[processor]]
name = "reconcile"
use = "processors.reconcile:reconcile"

[[processor]]
name = "ledger"
use = "processors.ledger:ledger"
"""
ACCOUNTS = ("DE02120300000000202051", "DE02500105170137075030")


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    made = pipeline(tmp_path / "p", SETTINGS)
    (made.root / "office").mkdir()
    return made


def statement(account: str, entries: Sequence[tuple[str, str]], *, number: int = 1) -> bytes:
    """An MT940 message of (amount, what it is for), each credited on one day."""
    closing = sum((Decimal(amount) for amount, _ in entries), Decimal())
    lines = [":20:S-1", f":25:{account}", f":28C:{number}/1", ":60F:C260301EUR0,00"]
    for place, (amount, text) in enumerate(entries):
        lines += [
            f":61:2603020302C{amount.replace('.', ',')}NTRFNONREF//B{number}-{place}",
            f":86:166?20SVWZ+{text}",
        ]
    lines.append(f":62F:C260302EUR{closing:.2f}".replace(".", ","))
    return "\r\n".join([*lines, "-", ""]).encode()


def approve(project: Pipeline, invoices: Mapping[str, str]) -> None:
    rows = "".join(f"{number},{amount},EUR,2026-03-02\n" for number, amount in invoices.items())
    part = project.root / "office" / ".approved.part"
    part.write_text(f"invoice,amount,currency,approved_on\n{rows}")
    part.rename(part.with_name("approved.csv"))


def heal(project: Pipeline) -> None:
    project.ok("watch", "--once")
    project.ok("work", "--once", "--wait-retries")


def told(project: Pipeline, what: str) -> list[str]:
    """By invoice or payment, in order, the facts of this type."""
    found = project.rows(f"SELECT key FROM events WHERE type = 'ingest.invoice.{what}.v1' ORDER BY position")
    return [key for (key,) in found]


def sums(project: Pipeline, table: str) -> dict[str, int]:
    found = project.rows(f"SELECT account, sum(amount_minor) FROM {table} GROUP BY account")
    return {account: int(minor) for account, minor in found}


def test_two_accounts_at_once_come_to_what_their_statements_say_and_to_what_a_correction_leaves(
    project: Pipeline,
) -> None:
    many = [("1.00", f"payment {place}") for place in range(PAGE + 1)]  # in two pages
    first, second = ACCOUNTS
    project.drop("first.sta", statement(first, [*many, ("10.00", "INV-1001"), ("20.00", "INV-1002")]))
    project.drop("second.sta", statement(second, [("5.00", "INV-1003"), ("5.00", "INV-1003 the rest")]))
    approve(project, {"INV-1001": "10.00", "INV-1002": "20.00", "INV-1003": "10.00"})
    heal(project)

    worth = {first: 100 * len(many) + 3000, second: 1000}
    assert sums(project, "movements") == worth
    assert sums(project, "ledger_postings") == {**worth, "clearing:EUR": -sum(worth.values())}
    assert sorted(told(project, "paid")) == ["INV-1001", "INV-1002", "INV-1003"]

    project.drop("first.sta", statement(first, [*many[1:], *many[:1], ("10.00", "INV-1001")]))
    heal(project)

    left = {first: 100 * len(many) + 1000, second: 1000}
    assert sums(project, "movements") == left
    assert sums(project, "ledger_postings") == {**left, "clearing:EUR": -sum(left.values())}
    assert told(project, "reopened") == ["INV-1002"]
    assert project.rows("SELECT count(*) FROM dead") == [(0,)]
