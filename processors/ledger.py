"""Double entry: whatever is posted is two postings that cancel out.

It knows the facts and nothing of who emits them, so it can be added years
later and is then caught up from the first of them on.

A payment that settled is posted to its account. Where it is reversed, the same
is posted with the other sign. One that a bank returned is posted in a table of
its own: the bank books it on a statement, too, and that is what moves the account.
A return that is told again, by a file that was sent again, is the same return.
"""

from __future__ import annotations

from ingest import Context, processor, table
from processors.digests import digest
from processors.facts import PaymentReturned, PaymentReversed, PaymentSettled
from processors.money import minor_units

POSTINGS = table("ledger_postings", payment_id=str, account=str, currency=str, amount_minor=int)
RETURNS = table(
    "ledger_returns",
    unique=("returned", "account"),
    returned=str,  # 32 hexadecimal digits: which return of which payment
    payment_id=str,
    account=str,
    currency=str,
    amount_minor=int,
)


@processor(accepts=(PaymentSettled, PaymentReturned, PaymentReversed), version="3")
def ledger(event: PaymentSettled | PaymentReturned | PaymentReversed, ctx: Context) -> None:
    """One account holds the amount, a clearing account of its currency the negative."""
    if event.amount is None or not event.currency:
        return  # the bank does not say how much came back
    minor = minor_units(event.amount, event.currency)
    match event:
        case PaymentSettled():
            _post(ctx, event, minor)
        case PaymentReversed():
            _post(ctx, event, -minor)
        case PaymentReturned():
            _post_return(ctx, event, minor)


def _post(ctx: Context, event: PaymentSettled | PaymentReversed, minor: int) -> None:
    rows = [(event.payment_id, account, event.currency, amount) for account, amount in _sides(event, minor)]
    ctx.insert_many(POSTINGS, rows)


def _post_return(ctx: Context, event: PaymentReturned, minor: int) -> None:
    # The subject tells two returns of one message apart; another amount or reason is no other return.
    of = digest(event.account, event.payment_id, event.reference, ctx.event.subject), event.payment_id
    ctx.insert_many(
        RETURNS, [(*of, account, event.currency, amount) for account, amount in _sides(event, minor)]
    )


def _sides(
    event: PaymentSettled | PaymentReturned | PaymentReversed, minor: int
) -> tuple[tuple[str, int], tuple[str, int]]:
    return (event.account, minor), (f"clearing:{event.currency}", -minor)
