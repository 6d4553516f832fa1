"""What our own processors make of a file, in the figures that the manifest knows."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any, BinaryIO

from ingest.contract import Processor
from ingest.testing import HandedOver, hand_over
from ingest.vetting import Refused, json_document, json_values, xml_pieces
from processors.formats import tables_csv, tables_excel
from processors.formats.csv_records import Dialect
from tests.corpus.manifest import Known

Figures = dict[str, Decimal]
_ENCODINGS = {"raiffeisen-cmi.sta": "cp852"}  # as its source would declare it


@dataclass(frozen=True, slots=True)
class Reader:
    """A processor with the options under which a format is read, and how its rows become figures."""

    use: str
    options: Mapping[str, Any]
    figures: Callable[[HandedOver], Figures]

    def processor(self) -> Processor:
        module, function = self.use.split(":")
        found = getattr(import_module(f"processors.{module}"), function)
        assert isinstance(found, Processor)
        return found

    def read(self, data: bytes, *, name: str) -> Figures:
        """What these bytes come to; raises as the processor does."""
        encoding = _ENCODINGS.get(name.rpartition("/")[2], "utf-8")
        handed = hand_over(self.processor(), data, name=name, encoding=encoding, options=self.options)
        return self.figures(handed)


def _rows(handed: HandedOver, table: str) -> list[Mapping[str, Any]]:
    return [row.values for row in handed.rows if row.table == table]


def _amount(row: Mapping[str, Any], column: str = "amount_minor") -> Decimal:
    return Decimal(int(row[column])).scaleb(-int(row["exponent"]))


def _sums(amounts: Sequence[Decimal]) -> Figures:
    return {
        "n_records": Decimal(len(amounts)),
        "sum_amount": sum(amounts, Decimal(0)),
        "sum_credit": sum((each for each in amounts if each > 0), Decimal(0)),
        "sum_debit": -sum((each for each in amounts if each < 0), Decimal(0)),
    }


def _of_statements(handed: HandedOver) -> Figures:
    figures = _sums([_amount(row) for row in _rows(handed, "transactions")])
    for row in _rows(handed, "statements"):
        if row["opening_minor"] is not None:
            figures.setdefault("opening", _amount(row, "opening_minor"))
        if row["closing_minor"] is not None:
            figures.setdefault("closing", _amount(row, "closing_minor"))
    return figures


def _of_orders(handed: HandedOver) -> Figures:
    amounts = [abs(_amount(row)) for row in _rows(handed, "payment_orders")]
    statuses = [row for row in _rows(handed, "payment_statuses") if row["level"] == "order"]
    return {"n_records": Decimal(len(amounts) or len(statuses)), "sum_amount": sum(amounts, Decimal(0))}


def _of_invoices(handed: HandedOver) -> Figures:
    invoice = _rows(handed, "invoices")[0]
    return {"n_records": Decimal(invoice["lines"]), "sum_amount": _amount(invoice, "payable_minor")}


def _of_members(handed: HandedOver) -> Figures:
    return {"n_records": Decimal(len(handed.facts))}


@dataclass(frozen=True, slots=True)
class Vetting:
    """What vetting alone makes of a content that no processor is for."""

    vet: Callable[[BinaryIO], object]

    def read(self, data: bytes, *, name: str) -> Figures:  # noqa: ARG002  # as a reader is asked
        """How many values it holds; raises `Refused`."""
        found = self.vet(io.BytesIO(data))
        return {"n_records": Decimal(len(list(found)) if isinstance(found, Iterator) else 1)}


def _of_messages(handed: HandedOver) -> Figures:
    """Of MT940 the manifest knows the last balances of a file."""
    figures = _sums([_amount(row) for row in _rows(handed, "transactions")])
    balances = _rows(handed, "statement_balances")
    return figures | {row["kind"]: _amount(row) for row in balances if row["kind"] in {"opening", "closing"}}


def _of_reports(handed: HandedOver) -> Figures:
    """Of BAI2 the manifest knows sums without signs, in minor units."""
    minor = [abs(int(row["amount_minor"])) for row in _rows(handed, "transactions")]
    return {"n_records": Decimal(len(minor)), "sum_amount": Decimal(sum(minor))}


def _of_table(handed: HandedOver) -> Figures:
    return {"n_records": Decimal(len(_rows(handed, "rows")))}


def _of_ach(handed: HandedOver) -> Figures:
    entries = _rows(handed, "ach_entries")
    figures = _sums([_amount(row) for row in entries])
    for direction in ("credit", "debit"):
        one_way = (_amount(row) for row in entries if row["direction"] == direction)
        figures[f"sum_{direction}"] = sum(one_way, Decimal(0))
    return figures


def _all_sheets(file: BinaryIO) -> Iterator[object]:
    """The rows of every sheet of a workbook, as its first row were no header."""
    for number in itertools.count(1):
        try:
            sheet = tables_excel.read(file, sheet=str(number), names=("a",))
            rows = [row for batch in sheet.batches for row in batch.rows]
        except Refused as refused:
            if refused.rule == "sheet" and number > 1:
                return
            raise
        yield from rows


def _delimited(file: BinaryIO) -> Iterator[object]:
    """The rows of a CSV file, whose delimiter a person sees in its first line."""
    head = file.readline()
    file.seek(0)
    delimiter = ";" if head.count(b";") > head.count(b",") else ","
    sheet = tables_csv.read(file, encoding="utf-8", dialect=Dialect(delimiter=delimiter))
    yield from (row for batch in sheet.batches for row in batch.rows)


def format_of(known: Known) -> str:
    """The format of a file as we tell them apart: messages of ISO 20022 by their kind."""
    name = known.row["format"]
    if name == "iso20022":
        messages = [kind for kind in ("camt.05", "pain", "pacs") if kind in known.row["notes"]]
        return {"camt.05": "camt", "pain": "payments_xml", "pacs": "payments_xml", "": "other"}[
            min(messages or [""])
        ]
    return name


# A total that is off is a property of the file, no reason to refuse it here; pieces name no currency.
_WARN = {"on_mismatch": "warn"}
# Of a file of which no contract is known, every column is kept as it is.
_OPEN = {"format": "csv", "table": "rows", "columns": [{"name": "none"}]}
_PIECES = {**_WARN, "strictness": "lenient", "currency": "EUR"}
FORMATS: dict[str, Reader | Vetting] = {
    "ach": Reader("ach:ach", {}, _of_ach),
    "camt": Reader("statements:statements", _WARN, _of_statements),
    "mt940": Reader("statements:statements", _PIECES, _of_messages),
    "bai2": Reader("statements:statements", {"strictness": "lenient"}, _of_reports),
    "ofx": Reader("statements:statements", {"strictness": "lenient"}, _of_statements),
    "payments_xml": Reader("payment_orders:payment_orders", _WARN, _of_orders),
    "ubl_invoice": Reader("invoices:invoices", _WARN, _of_invoices),
    "cii_invoice": Reader("invoices:invoices", _WARN, _of_invoices),
    "xml_attack": Vetting(lambda file: [*xml_pieces(file, whole=["root"])]),
    "json": Vetting(json_document),
    "jsonl": Vetting(partial(json_values, is_lenient=True)),
    "excel": Vetting(_all_sheets),
    "csv": Reader("tabular:tabular", _OPEN, _of_table),
    "payments_csv": Vetting(_delimited),
    "zip": Reader("unpack:unpack", {}, _of_members),
}
