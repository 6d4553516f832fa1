"""Reads the second version from the beginning."""

from ingest import Context, processor, table
from processors.facts import OrderPlaced

SUMS = table("late_sums", order_id=str, total=str)


@processor(accepts=OrderPlaced, version="1")
def late(event: OrderPlaced, ctx: Context) -> None:
    """One row an order."""
    ctx.insert(SUMS, {"order_id": event.order_id, "total": f"{event.amount} {event.currency}"})
