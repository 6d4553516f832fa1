"""What our own processors make of a file, in the figures that the manifest knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from ingest.contract import Processor
from ingest.testing import HandedOver, hand_over
from tests.corpus.manifest import Known

Figures = dict[str, Decimal]


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

    def read(self, data: bytes, *, name: str = "file", **options: Any) -> HandedOver:
        """What it hands over for these bytes; raises as the processor does."""
        return hand_over(self.processor(), data, name=name, options={**self.options, **options})


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


STATEMENTS = Reader("statements:statements", {"on_mismatch": "warn"}, _of_statements)


def format_of(known: Known) -> str:
    """The format of a file as we tell them apart: messages of ISO 20022 by their kind."""
    name = known.row["format"]
    if name == "iso20022":
        return "camt" if "camt.05" in known.row["notes"] else "payments_xml"
    return name


FORMATS: dict[str, Reader] = {"camt": STATEMENTS}
