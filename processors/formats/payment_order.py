"""One order of a payment message, with what its group says for all orders in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from processors.formats.iso20022 import (
    MAX_NAME,
    NOT_PROVIDED,
    Notes,
    Parts,
    account_of,
    amount_of,
    day_in,
    joined,
    must_have,
    part_at,
    parts_of,
    party_of,
    reference,
    remittance_of,
    text_in,
    text_of_part,
)
from processors.formats.payment_message import Order

if TYPE_CHECKING:
    from lxml import etree

_DIRECT_DEBIT = "pain.008"  # there it is the creditor who orders
_DAYS = ("ReqdExctnDt", "ReqdColltnDt", "IntrBkSttlmDt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orderer:
    """Who orders, and when: what a group, or a message between banks, says for all its orders."""

    message: str
    message_id: str
    group: str = ""
    account: str = ""
    name: str = ""
    requested: date | None = None

    @property
    def side(self) -> str:
        """Which side of a payment orders."""
        return "Cdtr" if self.message == _DIRECT_DEBIT else "Dbtr"


def orderer_of(parts: Parts, known: Orderer, where: str, notes: Notes) -> Orderer:
    """What `parts` of a group, or of an order, say of who orders; else what is `known`."""
    side = known.side
    day = next((parts[name] for name in _DAYS if name in parts), None)
    return Orderer(
        message=known.message,
        message_id=known.message_id,
        group=reference(text_of_part(parts, "PmtInfId"), where) or known.group,
        account=reference(account_of(parts.get(f"{side}Acct")), where) or known.account,
        name=party_of(parts.get(side)) or known.name,
        requested=day_in(day, "the day of an order", where, notes) or known.requested,
    )


def order_of(element: etree._Element, known: Orderer, where: str, notes: Notes) -> Order:
    """The order that `element` is. Raises `Refused` where its amount cannot be read."""
    parts = parts_of(element)
    orderer = orderer_of(parts, known, where, notes)
    amount, currency = amount_of(_amount(parts, where), where, notes)
    other = "Dbtr" if orderer.side == "Cdtr" else "Cdtr"
    ids = parts.get("PmtId")
    end_to_end = reference(text_in(ids, "EndToEndId"), where)
    if not end_to_end:
        notes.missing("PmtId/EndToEndId", where)
    if not orderer.account and orderer.message.startswith("pain"):
        notes.missing(f"{orderer.side}Acct/Id", where)
    return Order(
        where=where,
        message=orderer.message,
        message_id=orderer.message_id,
        group=orderer.group,
        account=orderer.account,
        orderer=orderer.name,
        amount=-amount if orderer.side == "Cdtr" else amount,
        currency=currency,
        requested=orderer.requested,
        instruction=reference(text_in(ids, "InstrId"), where),
        end_to_end="" if end_to_end == NOT_PROVIDED else end_to_end,
        transaction=reference(text_in(ids, "TxId"), where),
        counterparty=party_of(parts.get(other)),
        counterparty_account=account_of(parts.get(f"{other}Acct"))[:MAX_NAME],
        text=joined(remittance_of(parts.get("RmtInf"))),
    )


def _amount(parts: Parts, where: str) -> etree._Element:
    """Where the amount stands: between banks, of a direct debit, of a transfer, or of its equivalent."""
    choice = parts.get("Amt")
    found = (
        parts.get("IntrBkSttlmAmt"),
        parts.get("InstdAmt"),
        part_at(choice, "InstdAmt"),
        part_at(choice, "EqvtAmt", "Amt"),
    )
    for element in found:
        if element is not None:
            return element
    raise must_have("the amount of an order", where)
