"""One entry of a camt message, with the payments listed inside it, as one `Transaction`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.vetting import Refused
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
    parts_of,
    party_of,
    reference,
    remittance_of,
    text_in,
    text_of_part,
)
from processors.formats.statement import Transaction

if TYPE_CHECKING:
    from lxml import etree

_STATUSES = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending", "INFO": "information"}
_COUNT = re.compile(r"[0-9]{1,15}")
_TRUE = frozenset({"true", "1"})


def transaction_of(
    entry: etree._Element, *, where: str, currency: str, kind: str, notes: Notes
) -> Transaction:
    """The movement that `entry` states; `currency` is that of the account.

    Raises `Refused` where amount or direction cannot be read.
    """
    parts = parts_of(entry)
    if "Amt" not in parts:
        raise must_have("Amt", where)
    amount, currency = amount_of(parts["Amt"], where, notes, fallback=currency)
    is_credit = is_credit_in(parts, where)
    is_reversal = text_of_part(parts, "RvslInd") in _TRUE
    payments = _payments(entry, parts)
    only = parts_of(payments[0]) if len(payments) == 1 else {}
    refs = only.get("Refs")
    name, account = _counterparty(only, is_payer=is_credit != is_reversal)
    end_to_end = reference(text_in(refs, "EndToEndId"), where)
    return Transaction(
        where=where,
        amount=amount if is_credit else -amount,
        currency=currency,
        booked=day_in(parts.get("BookgDt"), "BookgDt", where, notes),
        value=day_in(parts.get("ValDt"), "ValDt", where, notes),
        status=_status(parts, kind, where, notes),
        is_reversal=is_reversal,
        reference=reference(text_of_part(parts, "AcctSvcrRef") or text_in(refs, "AcctSvcrRef"), where),
        end_to_end="" if end_to_end == NOT_PROVIDED else end_to_end,
        counterparty=name,
        counterparty_account=account,
        code=_code(parts.get("BkTxCd"), where, notes) or _code(only.get("BkTxCd")),
        text=_text(parts, payments, only),
        parts=max(len(payments), _batched(entry, parts), 1),
    )


def is_credit_in(parts: Parts, where: str) -> bool:
    """True for money that comes in. Raises `Refused` where that is not said."""
    indicator = text_of_part(parts, "CdtDbtInd")
    if indicator == "CRDT":
        return True
    if indicator == "DBIT":
        return False
    if not indicator:
        raise must_have("CdtDbtInd", where)
    raise Refused("CdtDbtInd is neither CRDT nor DBIT", rule="direction", where=where)


def _status(parts: Parts, kind: str, where: str, notes: Notes) -> str:
    element = parts.get("Sts")
    code = text_in(element, "Cd") or text_of_part(parts, "Sts")
    if code in _STATUSES:
        return _STATUSES[code]
    if code:
        notes.broken("status", "Sts is no status of an entry", where)
        return "information"
    if text_in(element, "Prtry"):
        return "information"
    notes.missing("Sts", where)
    # By its definition a statement tells what is booked; a report or a notification may not.
    return "booked" if kind == "booked" else "pending"


def _payments(entry: etree._Element, parts: Parts) -> list[etree._Element]:
    """The payments inside; version 1 had them right in the entry."""
    if "NtryDtls" in parts:
        return [payment for d in entry.iterchildren("{*}NtryDtls") for payment in d.iterchildren("{*}TxDtls")]
    return list(entry.iterchildren("{*}TxDtls")) if "TxDtls" in parts else []


def _batched(entry: etree._Element, parts: Parts) -> int:
    """How many payments the batches of an entry are said to have."""
    batches = list(entry.iterchildren("{*}Btch")) if "Btch" in parts else []
    if "NtryDtls" in parts:
        batches += [batch for d in entry.iterchildren("{*}NtryDtls") for batch in d.iterchildren("{*}Btch")]
    counts = [text_in(batch, "NbOfTxs") for batch in batches]
    return sum(int(count) for count in counts if _COUNT.fullmatch(count))


def _counterparty(payment: Parts, *, is_payer: bool) -> tuple[str, str]:
    """Name and account of the other side: of the payer, or of who is paid."""
    if "RltdPties" not in payment:
        return "", ""
    parties = parts_of(payment["RltdPties"])
    side = "Dbtr" if is_payer else "Cdtr"
    name = party_of(parties.get(side)) or party_of(parties.get(f"Ultmt{side}"))
    return name, account_of(parties.get(f"{side}Acct"))[:MAX_NAME]


def _code(element: etree._Element | None, where: str = "", notes: Notes | None = None) -> str:
    """The code of a kind of movement: `PMNT-RCDT-ESCT`, else the bank's own."""
    if element is None:
        if notes is not None:
            notes.missing("BkTxCd", where)
        return ""
    kinds = parts_of(element)
    if "Domn" in kinds:
        domain = parts_of(kinds["Domn"])
        family = domain.get("Fmly")
        codes = text_of_part(domain, "Cd"), text_in(family, "Cd"), text_in(family, "SubFmlyCd")
        return "-".join(filter(None, codes))[:MAX_NAME]
    return text_in(kinds.get("Prtry"), "Cd")[:MAX_NAME]


def _text(parts: Parts, payments: list[etree._Element], only: Parts) -> str:
    if only:
        texts = remittance_of(only.get("RmtInf")) or [text_of_part(only, "AddtlTxInf")]
    else:
        texts = [text for payment in payments for text in remittance_of(parts_of(payment).get("RmtInf"))]
    return joined(texts) or joined([text_of_part(parts, "AddtlNtryInf")])
