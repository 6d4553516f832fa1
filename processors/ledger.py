"""Double entry: whatever is posted is two postings that cancel out.

It knows the facts and nothing of who emits them, so it can be added years
later and is then caught up from the first of them on.

A payment that settled is posted to its account. Where it is reversed, the same
is posted with the other sign. One that a bank returned is posted in a table of
its own: the bank books it on a statement, too, and that is what moves the account.
A return that is told again, by a file that was sent again, is the same return; where
it is told with another amount, the difference is posted. Each row stands under the
`keyseq` of its fact, and a run reads rows below its own only.
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter

from ingest import Context, processor, table
from processors.digests import digest
from processors.facts import PaymentReturned, PaymentReversed, PaymentSettled
from processors.money import minor_units
from processors.sequence import keyseq_of

POSTINGS = table("ledger_postings", payment_id=str, account=str, currency=str, amount_minor=int)
RETURNS = table(
    "ledger_returns",
    unique=("returned", "account", "currency", "keyseq"),
    returned=str,  # 32 hexadecimal digits: which return of which payment
    keyseq=int,  # of the fact, within its account
    payment_id=str,
    account=str,
    currency=str,
    amount_minor=int,  # what it changes: a corrected return, by the difference
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
    sides = _sides(event.account, event.currency, minor)
    rows = [(event.payment_id, account, event.currency, amount) for account, amount in sides]
    ctx.insert_many(POSTINGS, rows)


def _post_return(ctx: Context, event: PaymentReturned, minor: int) -> None:
    if event.return_id is None:  # the subject tells two returns of one message apart
        returned = digest(event.account, event.payment_id, event.reference, ctx.event.subject)
    else:
        returned = digest(event.account, event.return_id)
    at = keyseq_of(ctx)
    stands, told = Counter[str](), set[tuple[str, int]]()
    rows = ctx.select(RETURNS, returned=returned, account=event.account)
    for row in sorted(rows, key=itemgetter("keyseq")):
        if row["keyseq"] < at:
            stands[row["currency"]] += row["amount_minor"]
            told.add((row["currency"], stands[row["currency"]]))
    if (event.currency, minor) in told:
        return  # told again; also where it was corrected since
    changes = Counter({event.currency: minor})
    changes.subtract(stands)
    ctx.insert_many(
        RETURNS,
        [
            (returned, at, event.payment_id, account, currency, amount)
            for currency, change in changes.items()
            if change
            for account, amount in _sides(event.account, currency, change)
        ],
    )


def _sides(account: str, currency: str, minor: int) -> tuple[tuple[str, int], tuple[str, int]]:
    return (account, minor), (f"clearing:{currency}", -minor)
