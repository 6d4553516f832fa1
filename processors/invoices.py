"""Invoices and credit notes: UBL 2.1 and the Cross Industry Invoice, in the terms of EN 16931.

Options: `format` is `ubl`, `cii` or `auto` (the default): the one that the
content has. `strictness` and `on_mismatch` are those of `processors.verdicts`:
unless told otherwise, an invoice whose sums do not come out is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from ingest import Context, FileExtracted, FileLanded, processor, table
from ingest.vetting import TEXTS, Refused, check_kind
from processors.currencies import DECIMALS
from processors.facts import InvoiceReceived
from processors.formats import cii, ubl
from processors.formats.finding import Finding
from processors.formats.invoice import Invoice, InvoiceLine, InvoicePart, InvoiceTax
from processors.money import minor_units
from processors.verdicts import (
    JUDGING,
    Verdicts,
    check_policy,
    declares,
    every_policy,
    findings_table,
    options_for,
)

AUTO = "auto"
_HEAD = 65_536  # bytes by which a format is known
MAX_KEY = 200  # characters of a supplier in the key of facts
_ROWS = 1_000  # lines that are collected before they are handed over

INVOICES = table(
    "invoices",
    invoice_id=str,
    supplier=str,
    supplier_id=str,
    customer=str,
    customer_id=str,
    kind=str,  # "invoice" | "credit_note"
    type_code=str,  # UNTDID 1001
    issued_on=date,
    due_on=date | None,
    currency=str,
    exponent=int,
    lines=int,
    line_total_minor=int | None,
    allowances_minor=int | None,
    charges_minor=int | None,
    without_tax_minor=int | None,
    tax_minor=int | None,
    with_tax_minor=int | None,
    prepaid_minor=int | None,
    rounding_minor=int | None,
    payable_minor=int,
    payment_reference=str,
    buyer_reference=str,
    order_reference=str,
    payee_account=str,
)

INVOICE_LINES = table(
    "invoice_lines",
    invoice_id=str,
    position=int,  # in its file, from 1
    line_id=str,
    name=str,
    quantity=Decimal | None,
    unit=str,
    price=Decimal | None,
    amount_minor=int,  # net of taxes
    exponent=int,
    currency=str,
    tax_category=str,
    tax_rate=Decimal | None,
)

INVOICE_TAXES = table(
    "invoice_taxes",
    invoice_id=str,
    supplier=str,
    category=str,
    rate=Decimal | None,
    taxable_minor=int,
    tax_minor=int,
    exponent=int,
    currency=str,
)

INVOICE_FINDINGS = findings_table("invoice_findings")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFormat:
    """How invoices of one format are known, and read."""

    is_it: Callable[[bytes], bool]  # of the first bytes of a content, without NUL
    read: Callable[[BinaryIO], Iterator[InvoicePart]]


FORMATS = {
    "ubl": InvoiceFormat(is_it=ubl.is_ubl, read=ubl.read),
    "cii": InvoiceFormat(is_it=cii.is_cii, read=cii.read),
}


def _check(options: Mapping[str, Any]) -> None:
    check_policy(options, ("format",))
    for each in every_policy(options):
        if each.get("format", AUTO) not in {AUTO, *FORMATS}:
            msg = f"format is {AUTO} or one of {', '.join(FORMATS)}"
            raise ValueError(msg)


def recognise(file: BinaryIO, options: Mapping[str, Any], _: str) -> str | None:
    """The name of the one format that the beginning of `file` is of; else "", or None if one is declared."""
    return _format_of(file) or (None if declares(options, "format", AUTO) else "")


def _format_of(file: BinaryIO) -> str:
    head = file.read(_HEAD).replace(b"\0", b"")  # of UTF-16
    found = [name for name, known in FORMATS.items() if known.is_it(head)]
    return found[0] if len(found) == 1 else ""


@processor(
    accepts=(FileLanded, FileExtracted), version="1", check=_check, recognises=recognise, judges=JUDGING
)
def invoices(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every invoice of the file becomes rows and a fact; one that is refused refuses the file."""
    options = options_for(event.source, ctx.options)
    verdicts = Verdicts(options)
    lines: list[tuple[Any, ...]] = []
    count = 0
    with ctx.open() as file:
        check_kind(file, TEXTS, called="text")
        name = _recognised(file, options.get("format", AUTO))
        for part in FORMATS[name].read(file):
            if isinstance(part, InvoiceLine):
                count += 1
                lines.append(_line(part, count))
                if len(lines) >= _ROWS:
                    ctx.insert_many(INVOICE_LINES, lines)
                    lines.clear()
            elif isinstance(part, Finding):
                verdicts.note(part)
            else:
                verdicts.is_balanced = True
                _hand_over(ctx, part)
    ctx.insert_many(INVOICE_LINES, lines)
    verdicts.hand_over(ctx, INVOICE_FINDINGS, format=name)


def _recognised(file: BinaryIO, declared: str) -> str:
    found = _format_of(file) if declared == AUTO else declared
    file.seek(0)
    if not found:
        raise Refused(
            "the content does not tell in which format its invoices are",
            rule="format",
            hint="declare `format`, if it holds invoices at all",
        )
    return found


def _hand_over(ctx: Context, invoice: Invoice) -> None:
    ctx.insert_many(INVOICE_TAXES, [_tax(invoice, tax) for tax in invoice.taxes])
    fact = InvoiceReceived(
        invoice_id=invoice.invoice_id,
        supplier=invoice.supplier.name,
        supplier_id=invoice.supplier.number,
        kind=invoice.kind,
        issued_on=invoice.issued_on,
        due_on=invoice.due_on,
        currency=invoice.currency,
        total=invoice.totals.payable if invoice.totals.with_tax is None else invoice.totals.with_tax,
        payable=invoice.totals.payable,
        reference=invoice.payment_reference,
    )
    supplier = invoice.supplier.number or invoice.supplier.name or "unknown"
    key = f"{supplier[:MAX_KEY]}/{invoice.invoice_id}"
    # The place tells apart two documents of one number in one file.
    ctx.insert(INVOICES, _invoice(invoice), fact=fact, key=key, name=f"{key}/{invoice.where}")


def _invoice(invoice: Invoice) -> dict[str, Any]:
    totals = invoice.totals

    def minor(amount: Decimal | None) -> int | None:
        return None if amount is None else minor_units(amount, invoice.currency)

    return {
        "invoice_id": invoice.invoice_id,
        "supplier": invoice.supplier.name,
        "supplier_id": invoice.supplier.number,
        "customer": invoice.customer.name,
        "customer_id": invoice.customer.number,
        "kind": invoice.kind,
        "type_code": invoice.type_code,
        "issued_on": invoice.issued_on,
        "due_on": invoice.due_on,
        "currency": invoice.currency,
        "exponent": DECIMALS[invoice.currency],
        "lines": invoice.lines,
        "line_total_minor": minor(totals.lines),
        "allowances_minor": minor(totals.allowances),
        "charges_minor": minor(totals.charges),
        "without_tax_minor": minor(totals.without_tax),
        "tax_minor": minor(totals.tax),
        "with_tax_minor": minor(totals.with_tax),
        "prepaid_minor": minor(totals.prepaid),
        "rounding_minor": minor(totals.rounding),
        "payable_minor": minor(totals.payable),
        "payment_reference": invoice.payment_reference,
        "buyer_reference": invoice.buyer_reference,
        "order_reference": invoice.order_reference,
        "payee_account": invoice.payee_account,
    }


def _line(line: InvoiceLine, position: int) -> tuple[Any, ...]:
    return (
        line.invoice_id,
        position,
        line.line_id,
        line.name,
        line.quantity,
        line.unit,
        line.price,
        minor_units(line.amount, line.currency),
        DECIMALS[line.currency],
        line.currency,
        line.tax_category,
        line.tax_rate,
    )


def _tax(invoice: Invoice, tax: InvoiceTax) -> tuple[Any, ...]:
    return (
        invoice.invoice_id,
        invoice.supplier.name,
        tax.category,
        tax.rate,
        minor_units(tax.taxable, invoice.currency),
        minor_units(tax.tax, invoice.currency),
        DECIMALS[invoice.currency],
        invoice.currency,
    )
