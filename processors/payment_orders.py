"""Payment orders, and what banks report of them: messages of ISO 20022.

Options are those of `processors.verdicts`: unless told otherwise, a message
whose number or sum of orders is not what it states is refused as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, BinaryIO

from ingest import Context, FileExtracted, FileLanded, processor, table
from ingest.vetting import TEXTS, check_kind
from processors.currencies import DECIMALS
from processors.digests import digest
from processors.facts import PaymentOrdered, PaymentReturned
from processors.formats import payment_messages
from processors.formats.finding import Finding
from processors.formats.payment_message import Order, Status
from processors.money import minor_units
from processors.movements import is_no_reference
from processors.verdicts import JUDGING, Verdicts, check_policy, findings_table, options_for

REJECTED = "RJCT"
UNKNOWN = "unknown"  # the key of facts about no account
_HEAD = 65_536  # bytes by which a message is known
_ROWS = 1_000  # that are collected before they are handed over

PAYMENT_ORDERS = table(
    "payment_orders",
    message=str,  # "pain.001" | "pain.008" | "pacs.008"
    message_id=str,
    payment_group=str,
    account=str,
    orderer=str,
    amount_minor=int,  # positive: the account pays; negative: it collects
    exponent=int,
    currency=str,
    requested_on=date | None,
    instruction=str,
    end_to_end=str,
    transaction_id=str,
    counterparty=str,
    counterparty_account=str,
    text=str,
)

PAYMENT_STATUSES = table(
    "payment_statuses",
    message=str,  # "pain.002" | "pacs.002"
    message_id=str,
    level=str,  # "message" | "group" | "order"
    is_whole=bool,  # nothing more exact is said of what is inside
    status=str,
    reason=str,
    text=str,
    original_message=str,
    original_kind=str,
    original_group=str,
    instruction=str,
    end_to_end=str,
    transaction_id=str,
    account=str,
    amount_minor=int | None,
    exponent=int | None,
    currency=str,
    reported_on=date | None,
)

PAYMENT_ORDER_FINDINGS = findings_table("payment_order_findings")


def recognise(file: BinaryIO, _: Mapping[str, Any], __: str) -> str:
    """`iso20022` for a content that begins as one of these messages."""
    head = file.read(_HEAD).replace(b"\0", b"")  # of UTF-16
    return "iso20022" if payment_messages.is_message(head) else ""


@processor(
    accepts=(FileLanded, FileExtracted), version="1", check=check_policy, recognises=recognise, judges=JUDGING
)
def payment_orders(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every order and status of the file becomes a row and, where something is to be known, a fact."""
    verdicts = Verdicts(options_for(event.source, ctx.options))
    desk = _Desk(ctx)
    with ctx.open() as file:
        check_kind(file, TEXTS, called="text")
        for part in payment_messages.read(file):
            if isinstance(part, Order):
                desk.order(part)
            elif isinstance(part, Status):
                desk.status(part)
            elif isinstance(part, Finding):
                verdicts.note(part)
            else:
                verdicts.is_balanced = verdicts.is_balanced or part.totals > 0
    desk.flush()
    verdicts.hand_over(ctx, PAYMENT_ORDER_FINDINGS, format="iso20022")


class _Desk:
    """Turns orders and statuses into rows and facts."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._told: Counter[tuple[str, str]] = Counter()
        self._returned: Counter[str] = Counter()
        self._orders: list[tuple[Any, ...]] = []
        self._statuses: list[tuple[Any, ...]] = []

    def order(self, order: Order) -> None:
        """An order is a row, and told under the account of who orders."""
        self._orders.append(_order_row(order))
        fact = PaymentOrdered(
            payment_id=order.end_to_end or order.instruction or order.transaction,
            account=order.account,
            amount=order.amount,
            currency=order.currency,
            requested_on=order.requested,
            counterparty=order.counterparty,
            counterparty_account=order.counterparty_account,
            reference=order.text,
        )
        self._emit(fact, order.account, order.message_id, order.group, fact.payment_id)

    def status(self, status: Status) -> None:
        """A status is a row; what was rejected is told, an order or all of what it was in."""
        self._statuses.append(_status_row(status))
        if status.status == REJECTED and status.is_whole:
            inside = status.end_to_end or status.instruction or status.transaction
            fact = PaymentReturned(
                payment_id=inside or status.original_group or status.original_message,
                account=status.account,
                amount=status.amount,
                currency=status.currency,
                reason=status.reason,
                reference=status.message_id,
                returned_on=status.on,
                return_id=self._return_id(status),
            )
            self._emit(fact, status.account, status.message_id, status.original_group, fact.payment_id)

    def _return_id(self, status: Status) -> str | None:
        """The same in every report that says so of this order; None where nothing tells it from another."""
        own = [status.end_to_end, status.instruction, status.transaction]
        if not status.original_message or all(map(is_no_reference, own)):
            return None
        of = digest(status.original_message, status.original_group, *own)
        self._returned[of] += 1
        return f"{of}/{self._returned[of]}"

    def _emit(self, fact: PaymentOrdered | PaymentReturned, account: str, *names: str) -> None:
        name = "/".join(names)
        self._told[type(fact).__name__, name] += 1
        # Two orders of one reference are two orders.
        again = self._told[type(fact).__name__, name]
        self._ctx.emit(fact, key=account or UNKNOWN, name=f"{name}/{again}")
        if len(self._orders) + len(self._statuses) >= _ROWS:
            self.flush()

    def flush(self) -> None:
        """What was collected is handed over."""
        for rows, to in ((self._orders, PAYMENT_ORDERS), (self._statuses, PAYMENT_STATUSES)):
            self._ctx.insert_many(to, rows)
            rows.clear()


def _order_row(order: Order) -> tuple[Any, ...]:
    return (
        order.message,
        order.message_id,
        order.group,
        order.account,
        order.orderer,
        minor_units(order.amount, order.currency),
        DECIMALS[order.currency],
        order.currency,
        order.requested,
        order.instruction,
        order.end_to_end,
        order.transaction,
        order.counterparty,
        order.counterparty_account,
        order.text,
    )


def _status_row(status: Status) -> tuple[Any, ...]:
    return (
        status.message,
        status.message_id,
        status.level,
        status.is_whole,
        status.status,
        status.reason,
        status.text,
        status.original_message,
        status.original_kind,
        status.original_group,
        status.instruction,
        status.end_to_end,
        status.transaction,
        status.account,
        None if status.amount is None else minor_units(status.amount, status.currency),
        DECIMALS.get(status.currency),
        status.currency,
        status.on,
    )
