"""Double entry: every settled payment becomes two postings that cancel out.

It knows the fact `PaymentSettled` and nothing of who emits it, so it can be
added years later and is then caught up from the first payment on.
"""

from __future__ import annotations

from ingest import Context, processor, table
from processors.facts import PaymentSettled
from processors.money import minor_units

POSTINGS = table("ledger_postings", payment_id=str, account=str, currency=str, amount_minor=int)


@processor(accepts=PaymentSettled, version="1")
def ledger(event: PaymentSettled, ctx: Context) -> None:
    """The account holds the amount, the clearing account of its currency the negative."""
    minor = minor_units(event.amount, event.currency)
    for account, amount in ((event.account, minor), (f"clearing:{event.currency}", -minor)):
        ctx.insert(
            POSTINGS,
            {
                "payment_id": event.payment_id,
                "account": account,
                "currency": event.currency,
                "amount_minor": amount,
            },
        )
