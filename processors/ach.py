"""ACH files of the Nacha rules: what was ordered, what came back, what is to be corrected.

A row in `ach_entries` is what that file says. A live entry becomes a
`PaymentOrdered`, a returned one a `PaymentReturned`; pre-notes, notices of
change, advices, and what banks dispute among themselves, stay in the table.
Amounts are in US dollars, as everywhere in these files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from ingest import Context, FileExtracted, FileLanded, processor, table
from ingest.vetting import TEXTS, Refused, check_kind, head_of
from processors.facts import PaymentOrdered, PaymentReturned
from processors.formats import nacha
from processors.formats.finding import Finding
from processors.formats.nacha_model import BatchEnd, BatchHeader, Entry, FileEnd, FileHeader, Part
from processors.formats.nacha_records import WIDTH
from processors.verdicts import JUDGING, Verdicts, check_policy, findings_table, options_for

CURRENCY, EXPONENT = "USD", 2
_HEADER = re.compile(r"101[ 0-9]{10}.{20}[A-Z0-9 ]094101")
_NOBODY = "ach"  # the key of facts whose batch names neither company nor bank

FILES = table(
    "ach_files",
    destination=str,
    destination_name=str,
    origin=str,
    origin_name=str,
    created_on=date | None,
    created_at=str,
    modifier=str,
    reference=str,
    batches=int,
    entries_and_addenda=int,
    debit_minor=int,
    credit_minor=int,
    currency=str,
    exponent=int,
)
BATCHES = table(
    "ach_batches",
    batch=int,
    entry_class=str,
    service_class=str,
    company_name=str,
    company_id=str,
    company_data=str,
    description=str,
    descriptive_date=str,
    effective_on=date | None,
    settlement_day=str,
    originator_status=str,
    odfi=str,
    entries=int,
    debit_minor=int,
    credit_minor=int,
    currency=str,
    exponent=int,
)
ENTRIES = table(
    "ach_entries",
    place=str,
    batch=int,
    entry_class=str,
    company_id=str,
    kind=str,
    transaction_code=str,
    direction=str,
    routing=str,
    account=str,
    amount_minor=int,
    currency=str,
    exponent=int,
    identification=str,
    name=str,
    discretionary=str,
    trace=str,
    reason=str,
    original_trace=str,
    corrected=str,
    addenda=list,
)
FINDINGS = findings_table("ach_findings")


def recognise(file: BinaryIO, _: Mapping[str, Any], encoding: str) -> str:
    """`nacha` for a content that begins with the header record of an ACH file."""
    return "nacha" if _HEADER.match(head_of(file, WIDTH, encoding=encoding)) else ""


@processor(
    accepts=(FileLanded, FileExtracted),
    version="1",
    tables=(FILES, BATCHES, ENTRIES, FINDINGS),
    check=check_policy,
    recognises=recognise,
    judges=JUDGING,
)
def ach(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every entry of the file is handed over, with the fact that it stands for."""
    booking = _Booking(ctx, Verdicts(options_for(event.source, ctx.options)))
    with ctx.open() as file:
        check_kind(file, TEXTS, called="text")
        for part in nacha.read(file, encoding=event.encoding):
            booking.take(part)
    booking.verdicts.hand_over(ctx, FINDINGS, format="nacha")


class _Booking:
    """Turns the parts of a file into rows and facts."""

    def __init__(self, ctx: Context, verdicts: Verdicts) -> None:
        self.verdicts = verdicts
        self._ctx = ctx
        self._file: FileHeader | None = None
        self._batch: BatchHeader | None = None

    def take(self, part: Part) -> None:
        if isinstance(part, Entry):
            self._book(part, self._of_batch())
        elif isinstance(part, Finding):
            self.verdicts.note(part)
        elif isinstance(part, BatchHeader):
            self._batch = part
        elif isinstance(part, BatchEnd):
            self._ctx.insert(BATCHES, _batch_row(self._of_batch(), part))
        elif isinstance(part, FileHeader):
            self._file = part
        elif self._file is not None:
            self.verdicts.is_balanced = True
            self._ctx.insert(FILES, _file_row(self._file, part))

    def _of_batch(self) -> BatchHeader:
        if self._batch is None:
            raise Refused("an entry outside a batch", rule="record_order")
        return self._batch

    def _book(self, entry: Entry, batch: BatchHeader) -> None:
        fact = self._fact(entry, batch)
        if fact is None:
            self._ctx.insert(ENTRIES, _entry_row(entry, batch))
            return
        self._ctx.insert(
            ENTRIES,
            _entry_row(entry, batch),
            fact=fact,
            key=batch.company_id or batch.odfi or _NOBODY,
            name=_name(entry, batch),
        )

    def _fact(self, entry: Entry, batch: BatchHeader) -> PaymentOrdered | PaymentReturned | None:
        amount = Decimal(f"{entry.cents}E-{EXPONENT}")
        if entry.kind == "return":
            return PaymentReturned(
                payment_id=entry.original_trace,
                account=batch.company_id,
                amount=amount,
                currency=CURRENCY,
                reason=entry.reason,
                reference=entry.trace,
                returned_on=None if self._file is None else self._file.created_on,
                return_id=_return_id(entry, batch),
            )
        if entry.kind != "forward" or not entry.cents:
            return None
        return PaymentOrdered(
            payment_id=entry.trace,
            account=batch.company_id,
            amount=amount if entry.is_credit else -amount,
            currency=CURRENCY,
            requested_on=batch.effective_on,
            counterparty=entry.name,
            counterparty_account=entry.account,
            reference=entry.identification,
        )


def _name(entry: Entry, batch: BatchHeader) -> str:
    """What tells an entry from all others of its file: banks number batches, and entries within one."""
    name = f"{batch.number}/{entry.trace}"
    # Where a lenient source lets numbers stand that do not ascend, only the place is sure to be another.
    return name if entry.is_in_order and batch.is_in_order else f"{name}/{entry.where}"


def _return_id(entry: Entry, batch: BatchHeader) -> str:
    """The same in every file that tells of this return; traces alone come again, many a day begins with 1."""
    day = "" if batch.effective_on is None else batch.effective_on.isoformat()
    return f"{day}/{_name(entry, batch)}/{entry.original_trace}"


def _entry_row(entry: Entry, batch: BatchHeader) -> dict[str, object]:
    return {
        "place": entry.where,
        "batch": batch.number,
        "entry_class": batch.entry_class,
        "company_id": batch.company_id,
        "kind": entry.kind,
        "transaction_code": entry.code,
        "direction": "credit" if entry.is_credit else "debit",
        "routing": entry.routing,
        "account": entry.account,
        "amount_minor": entry.cents,
        "currency": CURRENCY,
        "exponent": EXPONENT,
        "identification": entry.identification,
        "name": entry.name,
        "discretionary": entry.discretionary,
        "trace": entry.trace,
        "reason": entry.reason,
        "original_trace": entry.original_trace,
        "corrected": entry.corrected,
        "addenda": [[item.type, item.text.rstrip()] for item in entry.addenda],
    }


def _batch_row(batch: BatchHeader, end: BatchEnd) -> dict[str, object]:
    return {
        "batch": batch.number,
        "entry_class": batch.entry_class,
        "service_class": batch.service_class,
        "company_name": batch.company_name,
        "company_id": batch.company_id,
        "company_data": batch.company_data,
        "description": batch.description,
        "descriptive_date": batch.descriptive_date,
        "effective_on": batch.effective_on,
        "settlement_day": batch.settlement_day,
        "originator_status": batch.originator_status,
        "odfi": batch.odfi,
        "entries": end.entries,
        "debit_minor": end.totals.debit,
        "credit_minor": end.totals.credit,
        "currency": CURRENCY,
        "exponent": EXPONENT,
    }


def _file_row(header: FileHeader, end: FileEnd) -> dict[str, object]:
    return {
        "destination": header.destination,
        "destination_name": header.destination_name,
        "origin": header.origin,
        "origin_name": header.origin_name,
        "created_on": header.created_on,
        "created_at": header.created_at,
        "modifier": header.modifier,
        "reference": header.reference,
        "batches": end.batches,
        "entries_and_addenda": end.totals.records,
        "debit_minor": end.totals.debit,
        "credit_minor": end.totals.credit,
        "currency": CURRENCY,
        "exponent": EXPONENT,
    }
