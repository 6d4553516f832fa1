"""What a NACHA file says, part by part, as its reader gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from processors.formats.finding import Finding

# Live, without an amount, without an amount but with remittance data, come back, the return refused, that
# refusal refused, a notice of change, an accounting advice.
KINDS = ("forward", "prenote", "remittance", "return", "dishonored", "contested", "notice", "advice")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """Who sends the file to whom."""

    where: str
    destination: str  # routing number
    origin: str
    destination_name: str
    origin_name: str
    created_on: date | None
    created_at: str  # HHMM, or ""
    modifier: str  # tells files of one day apart
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchHeader:
    """Who originates the entries of a batch, and what they are."""

    where: str
    number: int
    service_class: str
    company_name: str  # "" in a batch of international entries
    company_data: str  # at the company's discretion; of international entries the exchange and the country
    company_id: str
    entry_class: str
    description: str
    descriptive_date: str  # free text; of international entries the two currencies
    effective_on: date | None
    settlement_day: str  # of the year, set by the operator; or ""
    originator_status: str
    odfi: str  # eight digits
    is_international: bool
    is_in_order: bool  # its number is above that of the batch before


@dataclass(frozen=True, slots=True, kw_only=True)
class Addendum:
    """One addendum of an entry, its columns 4 on as they stand."""

    where: str
    type: str
    text: str


@dataclass(slots=True, kw_only=True)
class Entry:
    """One entry with its addenda; amounts are US cents."""

    where: str
    code: str  # transaction code
    is_credit: bool  # of the receiver's account
    routing: str  # of the receiver's bank, nine digits
    account: str  # of the receiver
    cents: int
    identification: str
    name: str  # of the receiver
    discretionary: str
    trace: str
    has_addenda: bool  # as the entry says
    is_in_order: bool = True  # its trace number is above that of the entry before
    stated_addenda: int | None = None
    kind: str = "forward"  # one of `KINDS`
    reason: str = ""  # R01, C01
    original_trace: str = ""
    corrected: str = ""  # what a notification of change asks for
    addenda: list[Addendum] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a control record states, or what was counted."""

    records: int  # entries and addenda
    entry_hash: int
    debit: int  # cents
    credit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnd:
    """The batch is complete; what was counted in it."""

    where: str
    entries: int
    totals: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEnd:
    """The file is complete; what was counted in it."""

    where: str
    batches: int
    totals: Totals


Part = FileHeader | BatchHeader | Entry | BatchEnd | FileEnd | Finding
