"""Reads ACH files as the Nacha rules lay them out: records of 94 columns, in batches, with control totals.

The order of records, and figures that are none, refuse the file. Every other
rule that is broken is a finding: fields and codes of the schema, counts, hash
and sums of the arithmetic. Memory holds one entry with its addenda.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ingest.vetting import Refused
from processors.formats import nacha_addenda as addenda
from processors.formats import nacha_fields as fields
from processors.formats.finding import ARITHMETIC, Finding
from processors.formats.nacha_model import BatchEnd, BatchHeader, Entry, FileEnd, Part, Totals
from processors.formats.nacha_records import PADDING, Record, records

MAX_ADDENDA = 9_999  # of an entry; the field that counts them has four digits
BLOCKING = 10  # records of a block
_HASH = 10_000_000_000  # the last ten digits are kept
_ADVICE = "ADV"
_FOLLOWS = {  # the types of record that may stand after one of each type; "": at the beginning
    "": "1",
    "1": "59",
    "5": "68",
    "6": "678",
    "7": "678",
    "8": "59",
    "9": "",
}


def read(file: BinaryIO, *, encoding: str = "ascii") -> Iterator[Part]:
    """The file's header, its batches with their entries, and its end; findings where they are found.

    Raises `Refused`: `record_order`, `record_type`, `record_length`, `digits`,
    `addenda_count`, `empty`, and what `Text` refuses.
    """
    reader = _Reader()
    where = ""
    for record in records(file, encoding=encoding):
        where = record.where
        yield from reader.take(record)
    if reader.last != "9":
        what = "ends before its file control record" if reader.last else "has no records"
        raise Refused(f"the file {what}", rule="record_order" if reader.last else "empty", where=where)


class _Tally:
    """Counts what control records state."""

    def __init__(self) -> None:
        self.entries = self.records = self.entry_hash = self.debit = self.credit = 0

    def totals(self) -> Totals:
        return Totals(
            records=self.records, entry_hash=self.entry_hash % _HASH, debit=self.debit, credit=self.credit
        )

    def add_entry(self, entry: Entry) -> None:
        self.entries += 1
        self.records += 1
        # The eight digits of the bank, without the check digit.
        if entry.routing[:8].isascii() and entry.routing[:8].isdecimal():
            self.entry_hash += int(entry.routing[:8])
        if entry.is_credit:
            self.credit += entry.cents
        else:
            self.debit += entry.cents

    def add(self, other: _Tally) -> None:
        self.entries += other.entries
        self.records += other.records
        # Control records add up the hashes of the batches as they are stated there: ten digits each.
        self.entry_hash += other.entry_hash % _HASH
        self.debit += other.debit
        self.credit += other.credit


class _Reader:
    """Where in a file the reading is."""

    def __init__(self) -> None:
        self.last = ""  # type of the record before
        self._records = 0
        self._file = _Tally()
        self._batch = _Tally()
        self._batches = 0
        self._number = 0  # of the batch
        self._trace = ""
        self._header: BatchHeader | None = None
        self._entry: Entry | None = None
        self._has_advices = False
        self._take = {
            "1": self._file_header,
            "5": self._batch_header,
            "6": self._entry_detail,
            "7": self._addendum,
            "8": self._batch_control,
            "9": self._file_control,
        }

    def take(self, record: Record) -> Iterator[Part]:
        kind = record.text[0]
        if self.last == "9" and record.text == PADDING:
            return
        self._check_order(kind, record)
        self._records += 1
        if not (record.text.isascii() and record.text.isprintable()):
            yield record.broken("characters", "a character that is not printable ASCII")
        if kind != "7":
            yield from self._finish_entry()
        self.last = kind
        yield from self._take[kind](record)

    def _check_order(self, kind: str, record: Record) -> None:
        if kind not in self._take:
            raise Refused(
                "not the type of a record: 1, 5, 6, 7, 8 or 9", rule="record_type", where=record.where
            )
        if kind not in _FOLLOWS[self.last]:
            after = f"after one of type {self.last}" if self.last else "at the beginning"
            raise Refused(
                f"a record of type {kind} cannot stand {after}", rule="record_order", where=record.where
            )

    def _file_header(self, record: Record) -> Iterator[Part]:
        header = fields.file_header(record)
        yield from fields.file_header_findings(record, header)
        yield header

    def _batch_header(self, record: Record) -> Iterator[Part]:
        header = fields.batch_header(record, last_number=self._number)
        yield from fields.batch_header_findings(record, header)
        self._header, self._number = header, header.number
        self._batch, self._trace = _Tally(), ""
        self._batches += 1
        self._has_advices |= header.entry_class == _ADVICE
        yield header

    def _entry_detail(self, record: Record) -> Iterator[Part]:
        batch = self._current()
        entry = fields.entry(record, batch)
        entry.is_in_order = entry.trace > self._trace
        self._trace = entry.trace
        self._entry = entry
        self._batch.add_entry(entry)
        yield from fields.entry_findings(record, entry, batch)

    def _addendum(self, record: Record) -> Iterator[Part]:
        if self._entry is None:
            raise Refused("an addendum without an entry", rule="record_order", where=record.where)
        if len(self._entry.addenda) == MAX_ADDENDA:
            raise Refused(
                f"an entry with more than {MAX_ADDENDA:,} addenda", rule="addenda_count", where=record.where
            )
        self._entry.addenda.append(fields.addendum(record))
        self._batch.records += 1
        yield from ()

    def _finish_entry(self) -> Iterator[Part]:
        if self._entry is None:
            return
        entry, self._entry = self._entry, None
        addenda.settle(entry)
        yield from addenda.entry_findings(entry, self._current())
        yield entry

    def _batch_control(self, record: Record) -> Iterator[Part]:
        batch = self._current()
        if not self._batch.entries:
            yield record.broken("empty", "a batch without entries")
        is_advice = batch.entry_class == _ADVICE
        yield from _control_findings(record, batch)
        stated = fields.batch_totals(record, is_advice=is_advice)
        counted = self._batch.totals()
        yield from _compare(record, "batch", stated, counted)
        self._file.add(self._batch)
        yield BatchEnd(where=record.where, entries=self._batch.entries, totals=counted)

    def _file_control(self, record: Record) -> Iterator[Part]:
        if not self._batches:
            yield record.broken("empty", "a file without batches")
        blocks = -(-self._records // BLOCKING)
        stated_batches = record.number(2, 7, "batch count")
        stated_blocks = record.number(8, 13, "block count")
        counted = self._file.totals()
        yield from _differs(record, "batch_count", "batches of the file", stated_batches, self._batches)
        if self._batches:
            yield from _differs(record, "block_count", "blocks of the file", stated_blocks, blocks)
        yield from _compare(record, "file", fields.file_totals(record, is_advice=self._has_advices), counted)
        yield FileEnd(where=record.where, batches=self._batches, totals=counted)

    def _current(self) -> BatchHeader:
        if self._header is None:
            raise Refused("an entry outside a batch", rule="record_order")
        return self._header


def _control_findings(record: Record, batch: BatchHeader) -> Iterator[Finding]:
    """Record 8 repeats what record 5 says."""
    repeated = [
        ("service class", record.at(2, 4), batch.service_class),
        ("originating bank", record.at(80, 87), batch.odfi),
        ("batch number", record.at(88, 94).lstrip("0"), f"{batch.number or ''}"),
    ]
    if not (batch.is_international or batch.entry_class == _ADVICE):
        repeated.append(("company identification", record.at(45, 54), batch.company_id))
    for name, stated, expected in repeated:
        if stated != expected:
            yield record.broken("batch_control", f"the {name} is not that of the batch header")


def _compare(record: Record, what: str, stated: Totals, counted: Totals) -> Iterator[Finding]:
    pairs = (
        ("entry_count", "entries and addenda", stated.records, counted.records),
        ("entry_hash", "entry hash", stated.entry_hash, counted.entry_hash),
        ("debit_total", "debits in cents", stated.debit, counted.debit),
        ("credit_total", "credits in cents", stated.credit, counted.credit),
    )
    for rule, name, expected, found in pairs:
        yield from _differs(record, rule, f"{name} of the {what}", expected, found)


def _differs(record: Record, rule: str, name: str, stated: int, counted: int) -> Iterator[Finding]:
    if stated != counted:
        yield Finding(
            verdict=ARITHMETIC,
            rule=rule,
            message=f"{name}: the control record states {stated}, counted are {counted}",
            where=record.where,
        )
