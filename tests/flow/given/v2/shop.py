"""Emits the second version."""

from decimal import Decimal

from ingest import Context, FileLanded, processor, table
from processors.facts import OrderPlaced

ORDERS = table("orders", unique="order_id", order_id=str)


@processor(accepts=FileLanded, version="2")
def shop(event: FileLanded, ctx: Context) -> None:
    """One order a file."""
    with ctx.open() as file:
        order_id, amount, currency = file.read().decode().split(";")
    placed = OrderPlaced(order_id=order_id, amount=Decimal(amount), currency=currency)
    ctx.insert(ORDERS, {"order_id": order_id}, fact=placed, key="orders", name=order_id)
