"""Reads the first version."""

from ingest import Context, processor, table
from processors.facts import OrderPlaced

SUMS = table("sums", order_id=str, total=str)


@processor(accepts=OrderPlaced, version="1")
def sums(event: OrderPlaced, ctx: Context) -> None:
    """One row an order."""
    ctx.insert(SUMS, {"order_id": event.order_id, "total": event.total})
