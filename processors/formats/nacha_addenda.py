"""What the addenda of an entry mean, and the rules for an entry together with its addenda."""

from __future__ import annotations

from collections.abc import Iterator

from processors.formats import nacha_codes as codes
from processors.formats.finding import SCHEMA, Finding
from processors.formats.nacha_model import Addendum, BatchHeader, Entry

INTERNATIONAL = ("10", "11", "12", "13", "14", "15", "16")  # each exactly once
_MOST = {"17": 2, "18": 5}
_NUMBERED = frozenset({"05", *INTERNATIONAL, *_MOST})  # they end with the sequence number of their entry
_OF_BANKS = frozenset({"13", "14", "18"})
_REASONS = codes.RETURN_REASONS | codes.DISHONORED_REASONS | codes.CONTESTED_REASONS
_MONTHS = frozenset(f"{month:02}" for month in range(1, 13))
_RETURN, _NOTICE = "99", "98"
_KEPT = {"CTX": {"05"}}  # addenda that a return may repeat
_LIMITED = {"ARC": 2_500_000, "BOC": 2_500_000, "POP": 2_500_000, "RCK": 250_000, "XCK": 250_000}  # cents


def settle(entry: Entry) -> None:
    """Kind, reason and original trace number of the entry are those its addenda give."""
    for item in entry.addenda:
        if item.type == _NOTICE:
            entry.kind, entry.reason = "notice", item.text[:3]
            entry.original_trace = item.text[3:18].strip()
            entry.corrected = item.text[32:61].strip()
        elif item.type == _RETURN:
            entry.kind, entry.reason = _return_kind(item.text[:3]), item.text[:3]
            entry.original_trace = item.text[3:18].strip()


def _return_kind(reason: str) -> str:
    if reason in codes.DISHONORED_REASONS:
        return "dishonored"
    return "contested" if reason in codes.CONTESTED_REASONS else "return"


def entry_findings(entry: Entry, batch: BatchHeader) -> Iterator[Finding]:
    """What is wrong with an entry whose addenda are all there."""
    if bool(entry.addenda) != entry.has_addenda:
        yield _broken(entry.where, "addenda_indicator", "the addenda indicator does not say what follows")
    for item in entry.addenda:
        yield from _addendum_findings(item, entry)
    if entry.kind == "advice":
        return
    if batch.entry_class == "COR" or entry.kind == "notice":
        yield from _notice_findings(entry, batch)
    elif entry.kind in {"return", "dishonored", "contested"}:
        yield from _return_findings(entry, batch)
    elif batch.is_international:
        yield from _international_findings(entry)
        yield from _amount_findings(entry, batch)
    else:
        yield from _forward_findings(entry, batch)
        yield from _amount_findings(entry, batch)


def _broken(where: str, rule: str, message: str) -> Finding:
    return Finding(verdict=SCHEMA, rule=rule, message=message, where=where)


def _addendum_findings(item: Addendum, entry: Entry) -> Iterator[Finding]:
    """The fields of one addendum."""
    if item.type == _RETURN:
        if item.text[:3] not in _REASONS:
            yield _broken(item.where, "return_reason", "the return reason code is not known")
    elif item.type == _NOTICE:
        yield from _change_findings(item)
    elif item.type == "10":
        if item.text[:3] not in codes.TRANSACTION_TYPES:
            yield _broken(item.where, "transaction_type", "the transaction type is not known")
    elif item.type in _OF_BANKS and item.text[35:37] not in codes.ID_QUALIFIERS:
        yield _broken(item.where, "id_qualifier", "the qualifier of the bank's number is none of 01, 02, 03")
    if item.type in _NUMBERED and item.text[84:91] != entry.trace[8:]:
        yield _broken(item.where, "addenda_trace", "the addendum names the sequence number of another entry")


def _change_findings(item: Addendum) -> Iterator[Finding]:
    if item.text[:3] not in codes.CHANGE_REASONS:
        yield _broken(item.where, "change_code", "the change code is not known")
    if not item.text[32:61].strip():
        yield _broken(item.where, "mandatory", "the corrected data are missing")


def _forward_findings(entry: Entry, batch: BatchHeader) -> Iterator[Finding]:
    allowed = codes.ENTRY_CLASSES.get(batch.entry_class)
    if allowed is None:
        return
    count = len(entry.addenda)
    if any(item.type != allowed.addenda for item in entry.addenda):
        yield _broken(entry.where, "addenda_type", f"an addendum that {batch.entry_class} has none of")
    elif count > allowed.most or (allowed.must_have and not count):
        yield _broken(entry.where, "addenda_count", f"{count} addenda are not what {batch.entry_class} has")
    elif allowed.addenda == "05":
        yield from _sequence_findings(entry.addenda)
    if entry.stated_addenda is not None and entry.stated_addenda != count:
        message = f"the entry states {entry.stated_addenda} addenda, {count} follow"
        yield _broken(entry.where, "addenda_count", message)
    is_reversal = batch.description.upper() == codes.REVERSAL
    if allowed.direction and not is_reversal and entry.is_credit != (allowed.direction == "credit"):
        yield _broken(entry.where, "direction", f"{batch.entry_class} is for {allowed.direction}s only")
    if batch.entry_class == "SHR" and entry.identification[:2] not in _MONTHS:
        yield _broken(entry.where, "card_expiration", "the card's expiration has no month 01 to 12")


def _sequence_findings(addenda: list[Addendum]) -> Iterator[Finding]:
    for number, item in enumerate(addenda, start=1):
        if item.text[80:84] != f"{number:04}":
            yield _broken(item.where, "addenda_sequence", f"this addendum is not numbered {number}")
            return


def _international_findings(entry: Entry) -> Iterator[Finding]:
    types = [item.type for item in entry.addenda]
    if tuple(types[: len(INTERNATIONAL)]) != INTERNATIONAL:
        yield _broken(entry.where, "addenda_count", "the addenda 10 to 16 do not follow, each once")
    for kind, most in _MOST.items():
        numbered = [item for item in entry.addenda if item.type == kind]
        if len(numbered) > most:
            yield _broken(entry.where, "addenda_count", f"more than {most} addenda of type {kind}")
        yield from _sequence_findings(numbered)
    if set(types) - {*INTERNATIONAL, *_MOST}:
        yield _broken(entry.where, "addenda_type", "an addendum that IAT has none of")


def _return_findings(entry: Entry, batch: BatchHeader) -> Iterator[Finding]:
    others = {item.type for item in entry.addenda} - {_RETURN}
    kept = {*INTERNATIONAL, *_MOST} if batch.is_international else _KEPT.get(batch.entry_class, set())
    if others - kept:
        yield _broken(entry.where, "addenda_type", "an addendum that a return has none of")
    if batch.is_international and not set(INTERNATIONAL) <= others:
        yield _broken(entry.where, "addenda_count", "the addenda 10 to 16 do not follow, each once")


def _notice_findings(entry: Entry, batch: BatchHeader) -> Iterator[Finding]:
    others = {*INTERNATIONAL, *_MOST} if batch.is_international else set()
    types = [item.type for item in entry.addenda if item.type not in others]
    if types != [_NOTICE] or not (batch.entry_class == "COR" or batch.is_international):
        yield _broken(entry.where, "addenda_type", "a notice of change has one addendum 98, in a COR batch")
    if entry.code not in codes.RETURN_CODES:
        yield _broken(entry.where, "transaction_code", "the transaction code is not one its batch may have")
    if entry.cents:
        yield _broken(entry.where, "amount", "a notification of change has an amount")


def _amount_findings(entry: Entry, batch: BatchHeader) -> Iterator[Finding]:
    if entry.kind in {"prenote", "remittance"}:
        if entry.cents:
            yield _broken(entry.where, "amount", f"transaction code {entry.code} has an amount")
    elif entry.code in codes.LIVE_CODES and not entry.cents and batch.entry_class not in {"ENR", "DNE"}:
        yield _broken(entry.where, "amount", f"transaction code {entry.code} has no amount")
    limit = _LIMITED.get(batch.entry_class)
    if limit is not None and entry.cents > limit:
        yield _broken(entry.where, "amount", f"{batch.entry_class} is for at most {limit // 100} dollars")
