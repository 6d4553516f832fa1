"""Facts about payments, published for any processor to react to.

An event says what already happened. Once written it is read for years, so a
field may be added but not renamed; what changes its meaning is a new version.
The schemas of these facts lie in `processors/schemas`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from ingest import fact


@fact("ingest.payment.settled", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSettled:
    """A partner says that a payment is settled, and it was booked here for the first time."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    payment_id: str  # unique among all partners
    account: str
    amount: Decimal  # with exactly the decimals of its currency; negative for a refund
    currency: str  # ISO 4217
    value_date: date
    counterparty: str  # may be empty
    reference: str  # may be empty
