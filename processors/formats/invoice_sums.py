"""The sums that EN 16931 asks for, each to a cent: what does not come out is a finding of arithmetic.

A tax is compared with its rate to a whole unit, as in the checks that are
published with the standard: many are rounded line by line, or to whole units.

BR-CO-10 to BR-CO-17 of the European standard on electronic invoicing, in our
words. https://ec.europa.eu/digital-building-blocks/sites/display/DIGITAL/Obtaining+a+copy+of+the+European+standard+on+eInvoicing
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal

from processors.currencies import DECIMALS
from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.invoice import Invoice

_EXACT = Context(prec=80)
_HUNDRED = Decimal(100)
_WHOLE = Decimal(1)


def add(*amounts: Decimal | None) -> Decimal:
    """The exact sum; None counts as nothing."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, amount or Decimal(0))
    return total


def checked(invoice: Invoice) -> Iterator[Finding]:
    """Every sum that does not come out."""
    cent = Decimal(f"1E-{DECIMALS[invoice.currency]}")
    for rule, name, stated, comes_to in _sums(invoice):
        near = _WHOLE if rule == "tax" else cent
        if stated is not None and abs(_EXACT.subtract(stated, comes_to)) > near:
            yield Finding(
                verdict=ARITHMETIC,
                rule=rule,
                message=f"{name} is {stated}, what it is made of comes to {comes_to:f}",
                where=invoice.where,
            )


def _sums(invoice: Invoice) -> Iterator[tuple[str, str, Decimal | None, Decimal]]:
    """Rule, name, what is stated, and what it should be."""
    totals = invoice.totals
    yield "line_total", "the total of the lines", totals.lines, invoice.line_sum
    yield "allowances", "the total of allowances", add(totals.allowances), invoice.document_allowances
    yield "charges", "the total of charges", add(totals.charges), invoice.document_charges
    net = add(totals.lines, _minus(totals.allowances), totals.charges)
    if totals.lines is not None:
        yield "net_total", "the total without taxes", totals.without_tax, net
    if invoice.taxes:
        taxes = add(*(tax.tax for tax in invoice.taxes))
        yield "tax_total", "the total of taxes", totals.tax, taxes
    for tax in invoice.taxes:
        if tax.rate is not None:
            owed = _EXACT.divide(_EXACT.multiply(tax.taxable, tax.rate), _HUNDRED)
            yield "tax", "a tax", tax.tax, owed
    if totals.without_tax is not None:
        yield "gross_total", "the total with taxes", totals.with_tax, add(totals.without_tax, totals.tax)
    if totals.with_tax is not None:
        due = add(totals.with_tax, _minus(totals.prepaid), totals.rounding)
        yield "payable", "the payable amount", totals.payable, due


def _minus(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else _EXACT.minus(amount)
