"""The files of the corpus that INGEST_CORPUS names, and what others established about each of them.

They are real files of public projects, kept outside this repository.
"""

from __future__ import annotations

import csv
import gzip
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

VARIABLE = "INGEST_CORPUS"
MANIFEST = "MANIFEST.csv"


@dataclass(frozen=True)
class Known:
    """A file, and its row of the manifest."""

    folder: Path
    row: dict[str, str]

    @property
    def is_valid(self) -> bool:
        """Whether it should be taken."""
        return self.row["expected"] == "valid"

    def content(self) -> bytes:
        """Its bytes, unpacked where it is a `.gz`."""
        data = (self.folder / self.row["path"]).read_bytes()
        return gzip.decompress(data) if self.row["path"].endswith(".gz") else data

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.folder / self.row["path"]

    def figure(self, column: str) -> Decimal | None:
        """A figure of the manifest; None where it knows none."""
        try:
            return Decimal(self.row[column]) if self.row[column] else None
        except ArithmeticError:
            return None

    def minor(self, column: str) -> int:
        """An amount of the manifest in cents."""
        return int(Decimal(self.row[column]) * 100)

    def __str__(self) -> str:
        return self.row["path"].rpartition("/")[2]


def rows_of(folder: Path) -> list[Known]:
    """All files of a corpus."""
    with (folder / MANIFEST).open(newline="", encoding="utf-8") as manifest:
        return [Known(folder, row) for row in csv.DictReader(manifest)]


def known(*formats: str) -> list[Known]:
    """All files of these formats; a test module that asks for them is skipped where there is no corpus."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"{VARIABLE} does not say where the corpus is", allow_module_level=True)
    return [each for each in rows_of(Path(folder)) if each.row["format"] in formats]
