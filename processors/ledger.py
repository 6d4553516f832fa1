"""Double entry: whatever is posted is two postings that cancel out.

It knows the facts and nothing of who emits them, so it can be added years
later and is then caught up from the first of them on.

A payment that settled is posted to its account. Where it is reversed, the same
is posted with the other sign. One that a bank returned is posted to accounts of
its own: the bank books it on a statement, too, and that is what moves the account.
"""

from __future__ import annotations

from ingest import Context, processor, table
from processors.facts import PaymentReturned, PaymentReversed, PaymentSettled
from processors.money import minor_units

POSTINGS = table("ledger_postings", payment_id=str, account=str, currency=str, amount_minor=int)


@processor(accepts=(PaymentSettled, PaymentReturned, PaymentReversed), version="2")
def ledger(event: PaymentSettled | PaymentReturned | PaymentReversed, ctx: Context) -> None:
    """One account holds the amount, a clearing account of its currency the negative."""
    if event.amount is None or not event.currency:
        return  # the bank does not say how much came back
    minor = minor_units(event.amount, event.currency)
    match event:
        case PaymentSettled():
            _post(ctx, event, event.account, f"clearing:{event.currency}", minor)
        case PaymentReversed():
            _post(ctx, event, event.account, f"clearing:{event.currency}", -minor)
        case PaymentReturned():
            _post(ctx, event, f"returned:{event.account}", f"clearing:returned:{event.currency}", minor)


def _post(
    ctx: Context,
    event: PaymentSettled | PaymentReturned | PaymentReversed,
    account: str,
    clearing: str,
    minor: int,
) -> None:
    for name, amount in ((account, minor), (clearing, -minor)):
        ctx.insert(
            POSTINGS,
            {
                "payment_id": event.payment_id,
                "account": name,
                "currency": event.currency,
                "amount_minor": amount,
            },
        )
