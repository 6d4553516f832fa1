"""What readers of invoices share: which document is open, and the parts of it that are kept for its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from ingest.vetting import Refused, local_name
from processors.formats.invoice import InvoiceLine
from processors.formats.invoice_sums import add
from processors.formats.invoice_values import Values

if TYPE_CHECKING:
    from lxml import etree

MAX_KEPT = 10_000  # elements of one document, besides its lines


class Document:
    """One invoice that is being read: lines pass by, everything else that is known by name is kept."""

    def __init__(self, element: etree._Element, number: int, names: Collection[str]) -> None:
        self.element = element
        self.values = Values(f"invoice {number}")
        self._names = names
        self._kept: defaultdict[str, list[etree._Element]] = defaultdict(list)
        self._count = 0
        self.lines = 0
        self.line_sum = Decimal(0)

    def keep(self, element: etree._Element) -> None:
        """Keep an element, if its name is known. Raises `Refused` for a document of too many."""
        name = local_name(element)
        if name in self._names:
            self._count += 1
            if self._count > MAX_KEPT:
                message = f"more than {MAX_KEPT:,} elements besides its lines"
                raise Refused(message, rule="size", where=self.values.where)
            self._kept[name].append(element)

    def keep_content(self, element: etree._Element) -> None:
        """Keep what stands in an element that will be emptied; it is empty at once."""
        kept = element.makeelement(element.tag)
        kept.extend(list(element))
        self.keep(kept)

    def all_of(self, name: str) -> list[etree._Element]:
        """The kept elements of this name."""
        return self._kept.get(name, [])

    def one_of(self, name: str) -> etree._Element | None:
        """The first kept element of this name, or None."""
        return next(iter(self.all_of(name)), None)

    def text_of(self, *names: str) -> str:
        """The text of the first kept element of the first of these names that has one."""
        texts = ((element.text or "").strip() for name in names for element in self.all_of(name))
        return next(filter(None, texts), "")

    def next_line(self) -> str:
        """The place of the line that follows."""
        self.lines += 1
        return f"{self.values.where}, line item {self.lines}"

    def counted(self, line: InvoiceLine) -> Iterator[InvoiceLine]:
        """The line, whose amount counts."""
        self.line_sum = add(self.line_sum, line.amount)
        yield line
