"""One entry of a camt message, with the payments listed inside it, as one `Transaction`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ingest.vetting import Refused, all_of
from processors.formats.iso20022 import (
    MAX_NAME,
    NOT_PROVIDED,
    Notes,
    account_of,
    amount_from,
    day_from,
    joined,
    must_have,
    part_at,
    party_of,
    reference,
    remittance_of,
    text_in,
)
from processors.formats.statement import Transaction
from processors.formats.xml_fields import Fields

if TYPE_CHECKING:
    from lxml import etree

_STATUSES = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending", "INFO": "information"}
_COUNT = re.compile(r"[0-9]{1,15}")
_TRUE = frozenset({"true", "1"})


class _Entry(NamedTuple):
    """What an entry says, as text."""

    amounts: str
    amount: str
    currency: str
    side: str
    reversal: str
    status: str
    own_status: str
    booked: str
    value: str
    reference: str
    codes: str
    domain: str
    family: str
    sub_family: str
    own_code: str
    more: str
    payments: str
    old_payments: str
    batches: str
    old_batches: str


class _Payment(NamedTuple):
    """What a payment inside an entry says, as text; the other side's name stands in one of two places."""

    reference: str
    end_to_end: str
    name: str
    new_name: str
    iban: str
    remittances: str
    text: str
    more: str


_ENTRY = Fields(
    _Entry,
    amounts="#Amt",
    amount="Amt",
    currency="Amt/@Ccy",
    side="CdtDbtInd",
    reversal="RvslInd",
    status="Sts",
    own_status="Sts/Prtry",
    booked="BookgDt",
    value="ValDt",
    reference="AcctSvcrRef",
    codes="#BkTxCd",
    domain="BkTxCd/Domn/Cd",
    family="BkTxCd/Domn/Fmly/Cd",
    sub_family="BkTxCd/Domn/Fmly/SubFmlyCd",
    own_code="BkTxCd/Prtry/Cd",
    more="AddtlNtryInf",
    payments="#NtryDtls/TxDtls",
    old_payments="#TxDtls",  # where version 1 had them
    batches="#NtryDtls/Btch",
    old_batches="#Btch",
)
_PAYMENT = {
    side: Fields(
        _Payment,
        reference="Refs/AcctSvcrRef",
        end_to_end="Refs/EndToEndId",
        name=f"RltdPties/{side}/Nm",
        new_name=f"RltdPties/{side}/Pty/Nm",
        iban=f"RltdPties/{side}Acct/Id/IBAN",
        remittances="#RmtInf/*",
        text="RmtInf/Ustrd",
        more="AddtlTxInf",
    )
    for side in ("Dbtr", "Cdtr")
}
_NO_PAYMENT = _Payment(*[""] * len(_Payment._fields))


def transaction_of(
    entry: etree._Element, *, where: str, currency: str, kind: str, notes: Notes
) -> Transaction:
    """The movement that `entry` states; `currency` is that of the account.

    Raises `Refused` where amount or direction cannot be read.
    """
    said = _ENTRY.of(entry)
    if said.amounts != "1":
        raise _no_single_amount(said.amounts, where)
    amount, currency = amount_from(said.amount, said.currency, where, notes, fallback=currency)
    is_credit = is_credit_by(said.side, where)
    is_reversal = said.reversal in _TRUE
    payments = _payments(entry, said)
    side = "Dbtr" if is_credit != is_reversal else "Cdtr"
    only = _PAYMENT[side].of(payments[0]) if len(payments) == 1 else _NO_PAYMENT
    name, account = _counterparty(payments[0], side, only) if len(payments) == 1 else ("", "")
    return Transaction(
        where=where,
        amount=amount if is_credit else -amount,
        currency=currency,
        booked=day_from(said.booked, "BookgDt", where, notes),
        value=day_from(said.value, "ValDt", where, notes),
        status=_status(said, kind, where, notes),
        is_reversal=is_reversal,
        reference=reference(said.reference or only.reference, where),
        end_to_end="" if only.end_to_end == NOT_PROVIDED else reference(only.end_to_end, where),
        counterparty=name,
        counterparty_account=account,
        code=_code(said, payments, where, notes),
        text=_text(said, payments, only),
        parts=max(len(payments), _batched(entry, said), 1),
    )


def _no_single_amount(amounts: str, where: str) -> Refused:
    if amounts == "0":
        return must_have("Amt", where)
    return Refused(f"{amounts} amounts where there is one", rule="amount", where=where)


def is_credit_by(indicator: str, where: str) -> bool:
    """True for money that comes in. Raises `Refused` where that is not said."""
    if indicator == "CRDT":
        return True
    if indicator == "DBIT":
        return False
    if not indicator:
        raise must_have("CdtDbtInd", where)
    raise Refused("CdtDbtInd is neither CRDT nor DBIT", rule="direction", where=where)


def _status(said: _Entry, kind: str, where: str, notes: Notes) -> str:
    if said.status in _STATUSES and not said.own_status:
        return _STATUSES[said.status]
    if said.own_status:
        return "information"
    if said.status:
        notes.broken("status", "Sts is no status of an entry", where)
        return "information"
    notes.missing("Sts", where)
    # By its definition a statement tells what is booked; a report or a notification may not.
    return "booked" if kind == "booked" else "pending"


def _payments(entry: etree._Element, said: _Entry) -> list[etree._Element]:
    if said.payments != "0":
        return all_of(entry, "NtryDtls/TxDtls")
    return all_of(entry, "TxDtls") if said.old_payments != "0" else []


def _batched(entry: etree._Element, said: _Entry) -> int:
    """How many payments the batches of an entry are said to have."""
    if said.batches == said.old_batches == "0":
        return 0
    batches = [*all_of(entry, "NtryDtls/Btch"), *all_of(entry, "Btch")]
    counts = [text_in(batch, "NbOfTxs") for batch in batches]
    return sum(int(count) for count in counts if _COUNT.fullmatch(count))


def _counterparty(payment: etree._Element, side: str, only: _Payment) -> tuple[str, str]:
    """Name and account of the other side."""
    name = only.name or only.new_name
    parties = None if name and only.iban else part_at(payment, "RltdPties")
    if parties is None:
        return name[:MAX_NAME], only.iban[:MAX_NAME]
    found = name or party_of(part_at(parties, side)) or party_of(part_at(parties, f"Ultmt{side}"))
    return found[:MAX_NAME], account_of(part_at(parties, f"{side}Acct"))[:MAX_NAME]


def _code(said: _Entry, payments: list[etree._Element], where: str, notes: Notes) -> str:
    """The code of a kind of movement: `PMNT-RCDT-ESCT`, else the bank's own."""
    if said.codes == "0":
        notes.missing("BkTxCd", where)
    code = _joined(said.domain, said.family, said.sub_family) or said.own_code
    if not code and len(payments) == 1:
        inside = part_at(payments[0], "BkTxCd")
        family = part_at(inside, "Domn", "Fmly")
        domain = text_in(inside, "Domn", "Cd"), text_in(family, "Cd"), text_in(family, "SubFmlyCd")
        code = _joined(*domain) or text_in(inside, "Prtry", "Cd")
    return code[:MAX_NAME]


def _joined(*codes: str) -> str:
    return "-".join(filter(None, codes))


def _text(said: _Entry, payments: list[etree._Element], only: _Payment) -> str:
    if only.remittances == "1" and only.text:
        return joined([only.text])
    texts = [text for payment in payments for text in remittance_of(part_at(payment, "RmtInf"))]
    return joined(texts) or joined([only.more or said.more])
