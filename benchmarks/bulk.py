"""The processor that books a large payments file; the project of `large_csv` gets a copy of it."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from ingest import Context, FileLanded, PermanentError, processor, table

PAYMENTS = table(
    "payments",
    unique="payment_id",
    payment_id=str,
    account=str,
    amount=Decimal,
    currency=str,
    value_date=date,
    counterparty=str,
    reference=str,
    extra=dict,
)
HEADER = ["payment_id", "account", "amount", "currency", "value_date", "counterparty", "reference"]


@processor(accepts=FileLanded, version="1", tables=[PAYMENTS])
def bulk(event: FileLanded, ctx: Context) -> None:
    """Hand over every row of the file, its amount and date parsed, and no fact."""
    with ctx.open() as file:
        ctx.insert_many(PAYMENTS, _rows(file, encoding=event.encoding))


def _rows(file: BinaryIO, *, encoding: str) -> Iterator[tuple[Any, ...]]:
    reader = csv.reader(io.TextIOWrapper(file, encoding=encoding, newline=""), strict=True)
    if next(reader, None) != HEADER:
        raise PermanentError("the header is not that of a payments file")
    for payment_id, account, amount, currency, value_date, counterparty, reference in reader:
        yield (
            payment_id,
            account,
            Decimal(amount),
            currency,
            date.fromisoformat(value_date),
            counterparty,
            reference,
            {},
        )
