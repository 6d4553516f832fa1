"""What a report says of one order, of a group, or of a whole message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from processors.formats.iso20022 import (
    NOT_PROVIDED,
    Notes,
    Parts,
    account_of,
    amount_of,
    joined,
    part_at,
    parts_of,
    reference,
    text_in,
    text_of_part,
)
from processors.formats.payment_message import Status

if TYPE_CHECKING:
    from lxml import etree

_STATUS = {"message": "GrpSts", "group": "PmtInfSts", "order": "TxSts"}
_CODE = re.compile(r"[A-Z0-9]{4}")
_DIRECT_DEBITS = ("pain.008", "pacs.003")
_ENDS = ("OrgnlEndToEndId", "OrgnlInstrId", "OrgnlTxId")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Which report it is, and what it says for all that follows."""

    message: str
    message_id: str
    on: date | None
    original_message: str = ""
    original_kind: str = ""
    original_group: str = ""


def originals(parts: Parts, known: Report, where: str) -> Report:
    """What `parts` say of the message and the group that are reported on; else what is `known`."""
    inside = parts_of(parts["OrgnlGrpInf"]) if "OrgnlGrpInf" in parts else parts
    return Report(
        message=known.message,
        message_id=known.message_id,
        on=known.on,
        original_message=reference(text_of_part(inside, "OrgnlMsgId"), where) or known.original_message,
        original_kind=text_of_part(inside, "OrgnlMsgNmId")[:35] or known.original_kind,
        original_group=reference(text_of_part(parts, "OrgnlPmtInfId"), where) or known.original_group,
    )


def status_of(
    parts: Parts, report: Report, *, level: str, is_whole: bool, where: str, notes: Notes
) -> Status:
    """What is said at this `level`. Raises `Refused` for an amount that is none."""
    code = text_of_part(parts, _STATUS[level])
    if code and not _CODE.fullmatch(code):
        notes.broken("status", f"{_STATUS[level]} is no code of four letters", where)
        code = ""
    if level == "order" and not any(text_of_part(parts, name) for name in _ENDS):
        notes.missing("the reference of the order", where)
    amount, currency = _amount(parts, where, notes)
    reason, text = _reason(parts.get("StsRsnInf"))
    end_to_end = reference(text_of_part(parts, "OrgnlEndToEndId"), where)
    return Status(
        where=where,
        message=report.message,
        message_id=report.message_id,
        level=level,
        is_whole=is_whole,
        status=code,
        reason=reason,
        text=text,
        original_message=report.original_message,
        original_kind=report.original_kind,
        original_group=report.original_group,
        instruction=reference(text_of_part(parts, "OrgnlInstrId"), where),
        end_to_end="" if end_to_end == NOT_PROVIDED else end_to_end,
        transaction=reference(text_of_part(parts, "OrgnlTxId"), where),
        account=reference(_account(parts, report), where),
        amount=amount,
        currency=currency,
        on=report.on,
    )


def _amount(parts: Parts, where: str, notes: Notes) -> tuple[Decimal | None, str]:
    order = parts.get("OrgnlTxRef")
    for way in (("IntrBkSttlmAmt",), ("Amt", "InstdAmt"), ("InstdAmt",), ("Amt", "EqvtAmt", "Amt")):
        found = part_at(order, *way)
        if found is not None:
            return amount_of(found, where, notes)
    return None, ""


def _account(parts: Parts, report: Report) -> str:
    side = "CdtrAcct" if report.original_kind.startswith(_DIRECT_DEBITS) else "DbtrAcct"
    return account_of(part_at(parts.get("OrgnlTxRef"), side))


def _reason(element: etree._Element | None) -> tuple[str, str]:
    if element is None:
        return "", ""
    codes = (text_in(element, rule, kind) for rule in ("Rsn", "StsRsn") for kind in ("Cd", "Prtry"))
    return next(filter(None, codes), "")[:35], joined(list(_additions(element)))


def _additions(element: etree._Element) -> Iterator[str]:
    for name in ("AddtlInf", "AddtlStsRsnInf"):
        for found in element.iterchildren(f"{{*}}{name}"):
            yield (found.text or "").strip()
