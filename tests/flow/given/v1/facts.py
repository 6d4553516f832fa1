"""The facts of a shop, as they were first released."""

from dataclasses import dataclass
from typing import ClassVar

from ingest import fact


@fact("tests.order.placed", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """An order was booked for the first time."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    order_id: str
    total: str  # amount and currency
