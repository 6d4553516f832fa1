"""The fields of NACHA records, each read from its columns and held to its own rules."""

from __future__ import annotations

from collections.abc import Iterator

from processors.formats import nacha_codes as codes
from processors.formats.finding import Finding
from processors.formats.nacha_model import Addendum, BatchHeader, Entry, FileHeader, Totals
from processors.formats.nacha_records import Record

_ROUTING = 9
_INTERNATIONAL_NOTICE = "IATCOR"


def file_header(record: Record) -> FileHeader:
    """Record 1."""
    return FileHeader(
        where=record.where,
        destination=record.at(4, 13),
        origin=record.at(14, 23),
        destination_name=record.at(41, 63),
        origin_name=record.at(64, 86),
        created_on=record.day(24),
        created_at=record.at(30, 33),
        modifier=record.at(34, 34),
        reference=record.at(87, 94),
    )


def file_header_findings(record: Record, header: FileHeader) -> Iterator[Finding]:
    """What is wrong with record 1."""
    yield from _routing_findings(record, header.destination.removeprefix("0").zfill(_ROUTING), "destination")
    if not header.origin.strip("0"):
        yield record.broken("mandatory", "there is no immediate origin")
    if header.created_on is None:
        yield record.broken("date", "the file creation date is not a date")
    if not (header.modifier.isascii() and header.modifier.isalnum()):
        yield record.broken("file_id_modifier", "the file id modifier is not a letter or a digit")
    if record.at(35, 40) != "094101":
        yield record.broken("format", "record size, blocking factor and format code are not 094, 10 and 1")


def batch_header(record: Record, *, last_number: int) -> BatchHeader:
    """Record 5, of domestic and of international entries."""
    entry_class = record.at(51, 53)
    is_notice = entry_class == "COR" and record.at(5, 20) == _INTERNATIONAL_NOTICE
    is_international = entry_class == "IAT" or is_notice
    number = record.number(88, 94, "batch number")
    return BatchHeader(
        where=record.where,
        number=number,
        service_class=record.at(2, 4),
        company_name="" if is_international else record.at(5, 20),
        company_data=record.at(21, 40),
        company_id=record.at(41, 50),
        entry_class=entry_class,
        description=record.at(54, 63),
        descriptive_date=record.at(64, 69),
        effective_on=record.day(70),
        settlement_day=record.at(76, 78),
        originator_status=record.at(79, 79),
        odfi=record.at(80, 87),
        is_international=is_international,
        is_in_order=number > last_number,
    )


def batch_header_findings(record: Record, header: BatchHeader) -> Iterator[Finding]:
    """What is wrong with record 5."""
    if header.service_class not in codes.SERVICE_CLASSES:
        yield record.broken("service_class", "the service class is none of 200, 220, 225, 280")
    if header.entry_class not in codes.ENTRY_CLASSES:
        yield record.broken("entry_class", "the standard entry class is not known")
    if header.originator_status not in _statuses(header):
        yield record.broken("originator_status", "the originator status is not one its entry class may have")
    yield from _description_findings(record, header)
    if not (header.odfi.isascii() and header.odfi.isdecimal()):
        yield record.broken("routing_number", "the originating bank is not a number")
    if not header.is_in_order:
        yield record.broken("batch_number", f"batch number {header.number} is not above the one before")


def _description_findings(record: Record, header: BatchHeader) -> Iterator[Finding]:
    mandatory = [header.company_id, header.description, header.company_name or header.is_international]
    if not all(mandatory):
        yield record.broken("mandatory", "company name, company identification or description is missing")
    described = codes.DESCRIPTIONS.get(header.entry_class)
    if described is not None and header.description.upper() not in {described, codes.REVERSAL}:
        yield record.broken("description", f"the description of {header.entry_class} is {described}")
    if header.entry_class == "IAT" and record.at(21, 22) not in codes.EXCHANGE_INDICATORS:
        yield record.broken("exchange_indicator", "the foreign exchange indicator is none of FF, FV, VF")


def _statuses(header: BatchHeader) -> tuple[str, ...]:
    if header.entry_class == "DNE":
        return ("2",)
    return ("0", "1", "2") if header.entry_class == "ADV" or header.is_international else ("1", "2")


def entry(record: Record, batch: BatchHeader) -> Entry:
    """Record 6, as the batch it stands in has it."""
    if batch.entry_class == "ADV":
        return _advice(record)
    code = record.at(2, 3)
    columns = (40, 74, 0) if batch.is_international else (13, 29, 55)
    made = Entry(
        where=record.where,
        code=code,
        is_credit=code in codes.CREDIT_CODES,
        routing=record.at(4, 12),
        account=record.at(columns[0], columns[1]),
        cents=record.number(30, 39, "amount"),
        identification="" if batch.is_international else record.at(40, 54),
        name="" if batch.is_international else record.at(55, 76),
        discretionary=record.at(77, 78),
        trace=record.at(80, 94),
        has_addenda=record.at(79, 79) == "1",
    )
    if code in codes.PRENOTE_CODES:
        made.kind = "prenote"
    elif code in codes.REMITTANCE_CODES:
        made.kind = "remittance"
    if batch.entry_class in codes.COUNTED_CLASSES and not batch.is_international:
        made.name = record.at(59, 74)
        stated = record.at(55, 58)
        made.stated_addenda = int(stated) if stated.isascii() and stated.isdecimal() else None
    return made


def _advice(record: Record) -> Entry:
    code = record.at(2, 3)
    return Entry(
        where=record.where,
        code=code,
        is_credit=code in codes.ADVICE_CREDITS,
        routing=record.at(4, 12),
        account=record.at(13, 27),
        cents=record.number(28, 39, "amount"),
        identification=record.at(40, 48),
        name=record.at(55, 76),
        discretionary=record.at(77, 78),
        trace=record.at(80, 94),
        has_addenda=record.at(79, 79) == "1",
        kind="advice",
    )


def entry_findings(record: Record, made: Entry, batch: BatchHeader) -> Iterator[Finding]:
    """What is wrong with record 6 by itself."""
    is_advice = made.kind == "advice"
    if made.code not in (codes.ADVICE_CODES if is_advice else codes.ENTRY_CODES):
        yield record.broken("transaction_code", "the transaction code is not one its batch may have")
    elif not is_advice and not _fits_service_class(made, batch):
        yield record.broken("service_class", f"transaction code {made.code} in a batch of another direction")
    yield from _routing_findings(record, made.routing, "receiving bank")
    if not made.account:
        yield record.broken("mandatory", "there is no account number")
    if record.text[78] not in "01":
        yield record.broken("addenda_indicator", "the addenda indicator is not 0 or 1")
    if not is_advice:
        yield from _trace_findings(record, made, batch)


def _fits_service_class(made: Entry, batch: BatchHeader) -> bool:
    fitting = codes.CREDITS if made.is_credit else codes.DEBITS
    # Batches of international entries are widely sent as "credits" whatever is in them.
    return batch.is_international or batch.service_class in {codes.MIXED, fitting}


def _trace_findings(record: Record, made: Entry, batch: BatchHeader) -> Iterator[Finding]:
    if not (len(made.trace) == 15 and made.trace.isascii() and made.trace.isdecimal()):  # noqa: PLR2004
        yield record.broken("trace_number", "the trace number is not 15 digits")
    elif made.trace[:8] != batch.odfi.zfill(8):
        yield record.broken("trace_number", "the trace number does not begin with the originating bank")
    elif not made.is_in_order:
        yield record.broken("trace_order", "the trace number is not above that of the entry before")


def _routing_findings(record: Record, routing: str, what: str) -> Iterator[Finding]:
    if not (len(routing) == _ROUTING and routing.isascii() and routing.isdecimal()) or not routing.strip("0"):
        yield record.broken("routing_number", f"the routing number of the {what} is not 9 digits")
    elif codes.check_digit(routing) != int(routing[-1]):
        yield record.broken("check_digit", f"the check digit of the {what}'s routing number is wrong")


def addendum(record: Record) -> Addendum:
    """Record 7."""
    return Addendum(where=record.where, type=record.text[1:3], text=record.text[3:])


def batch_totals(record: Record, *, is_advice: bool) -> Totals:
    """What record 8 states."""
    middle, end = (40, 60) if is_advice else (32, 44)
    return Totals(
        records=record.number(5, 10, "entry and addenda count"),
        entry_hash=record.number(11, 20, "entry hash"),
        debit=record.number(21, middle, "total of debits"),
        credit=record.number(middle + 1, end, "total of credits"),
    )


def file_totals(record: Record, *, is_advice: bool) -> Totals:
    """What record 9 states."""
    middle, end = (51, 71) if is_advice else (43, 55)
    return Totals(
        records=record.number(14, 21, "entry and addenda count"),
        entry_hash=record.number(22, 31, "entry hash"),
        debit=record.number(32, middle, "total of debits"),
        credit=record.number(middle + 1, end, "total of credits"),
    )
