"""Which settled payments pay which approved invoices: by reference, currency and date.

Payments come under accounts, approvals under invoices, in any order and in
several workers at once. So whatever they name is told once more, as
`ReferenceGiven`, under one key: all of that is judged one after another, each
by what stood before it. A payment pays an invoice or not whatever else there
is, so the order in which they become known makes no difference.
"""

from __future__ import annotations

from ingest import Context, processor
from processors.facts import InvoiceApproved, PaymentReversed, PaymentSettled, ReferenceGiven
from processors.matching import Rules
from processors.reconciling import TABLES, Matching
from processors.references import name, names

_KEY = "reconcile"  # of all references: one run decides at a time
Known = PaymentSettled | PaymentReversed | InvoiceApproved | ReferenceGiven


@processor(
    accepts=(PaymentSettled, PaymentReversed, InvoiceApproved, ReferenceGiven),
    version="1",
    check=Rules,
    tables=TABLES,
)
def reconcile(event: Known, ctx: Context) -> None:
    """What the fact names is told under the one key; what is told there is matched."""
    if isinstance(event, ReferenceGiven):
        Matching(event, ctx).run()
    else:
        given = reference_given(event)
        ctx.emit(given, key=_KEY, name=f"{given.by}/{given.id}")


def reference_given(event: PaymentSettled | PaymentReversed | InvoiceApproved) -> ReferenceGiven:
    """By which names the payment or the invoice is known."""
    if isinstance(event, InvoiceApproved):
        return ReferenceGiven(
            by="approved",
            id=event.invoice_id,
            account="",
            amount=event.amount,
            currency=event.currency,
            dated=event.approved_on,
            due_on=event.due_on,
            reference=event.reference,
            names=sorted({name(event.reference), name(event.invoice_id)} - {""}),
        )
    return ReferenceGiven(
        by="settled" if isinstance(event, PaymentSettled) else "reversed",
        id=event.payment_id,
        account=event.account,
        amount=event.amount,
        currency=event.currency,
        dated=event.value_date,
        due_on=None,
        reference=event.reference,
        names=names(event.reference),
    )
