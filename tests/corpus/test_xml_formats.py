"""XML that banks and other projects published, each file judged as those who published it say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

import pytest

from ingest.vetting import Refused
from processors.formats import camt, cii, payment_messages, ubl
from processors.formats.finding import SCHEMA, Finding
from processors.formats.invoice import Invoice, InvoiceLine
from processors.formats.payment_message import Order, Status
from processors.formats.statement import Balance, Transaction
from tests.corpus.manifest import known

FILES = known("iso20022", "ubl_invoice", "cii_invoice", "xml_attack")
CORPUS = FILES[0].folder
NO_READER = ("acmt.", "auth.", "reda.", "camt.055")  # messages that nothing of ours reads

ROWS = [each.row for each in FILES]
VALID = [row for row in ROWS if row["expected"] in {"valid", "unknown"} and row["format"] != "xml_attack"]
REFUSED = [
    row
    for row in ROWS
    if row["expected"] == "attack" or (row["expected"] == "invalid" and row["lenient"] != "valid")
]


@dataclass(slots=True)
class Said:
    """What a file comes to."""

    records: int = 0
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    balances: frozenset[tuple[str, Decimal]] = frozenset()
    payable: Decimal | None = None


def _parts(file: BinaryIO, head: bytes) -> Iterator[Any]:
    if ubl.is_ubl(head):
        return ubl.read(file)
    if cii.is_cii(head):
        return cii.read(file)
    return camt.read(file) if camt.is_camt(head) else payment_messages.read(file)


def _read(path: str, *, is_strict: bool = False) -> Said:
    said = Said()
    with (CORPUS / path).open("rb") as file:
        head = file.read(65_536)
        file.seek(0)
        for part in _parts(file, head):
            if is_strict and isinstance(part, Finding) and part.verdict == SCHEMA:
                raise Refused(part.message, rule=part.rule)
            _count(said, part)
    return said


def _count(said: Said, part: Any) -> None:
    if isinstance(part, Balance):
        said.balances |= {(part.kind, part.amount)}
    elif isinstance(part, Invoice):
        said.payable = part.totals.payable
    elif isinstance(part, Transaction | Order | InvoiceLine):
        said.records += 1
        if isinstance(part, Transaction) and part.amount > 0:
            said.credit += part.amount
        else:
            said.debit += abs(part.amount)
    elif isinstance(part, Status) and part.level == "order":
        said.records += 1


@pytest.mark.parametrize("row", VALID, ids=lambda row: row["path"])
def test_what_is_valid_has_the_records_the_sums_and_the_balances_that_are_known(row: dict[str, str]) -> None:
    if any(number in row["notes"] for number in NO_READER):
        pytest.skip("a message that nothing of ours reads")

    said = _read(row["path"])

    assert said.records == int(row["n_records"] or 0)
    assert not row["sum_credit"] or said.credit == Decimal(row["sum_credit"])
    if row["sum_amount"] and "invoice" in row["format"]:
        assert said.payable == Decimal(row["sum_amount"])
    elif row["sum_amount"] or row["sum_debit"]:
        assert said.debit == Decimal(row["sum_debit"] or row["sum_amount"])
    for column in ("opening", "closing"):
        assert not row[column] or (column, Decimal(row[column])) in said.balances


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row["path"])
def test_what_is_invalid_or_hostile_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(Refused):
        _read(row["path"], is_strict=True)
