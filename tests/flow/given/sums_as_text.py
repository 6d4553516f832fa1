"""Reads the first version, which it knows by name only, and imports no facts."""

from ingest import Context, Event, processor, table

SUMS = table("sums", order_id=str, total=str)


@processor(accepts="tests.order.placed.v1", version="1")
def sums(event: Event, ctx: Context) -> None:
    """One row an order."""
    ctx.insert(SUMS, {"order_id": event.data["order_id"], "total": event.data["total"]})
