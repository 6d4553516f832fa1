"""The facts of a shop, the second version of one, and the way from the first to it and back."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from ingest import downgrade, fact, upcast


@fact("tests.order.placed", version=2)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """An order was booked for the first time."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    order_id: str
    amount: Decimal
    currency: str


@upcast("tests.order.placed", to=2)
def _total_in_parts(data: dict[str, Any]) -> dict[str, Any]:
    amount, currency = data["total"].split(" ")
    return {"order_id": data["order_id"], "amount": amount, "currency": currency}


@downgrade("tests.order.placed", to=1)
def _total_as_text(data: dict[str, Any]) -> dict[str, Any]:
    return {"order_id": data["order_id"], "total": f"{data['amount']} {data['currency']}"}
