"""Rows of any file as a contract in the options has them: read by a dialect, checked one by one, typed.

A row that breaks a rule is rejected, with its line, its column, the rule and
what stood there. A file that is broken as a file, or is not the one that was
agreed on, is refused as a whole. `docs/reference/processors/tabular.md` tells
the options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, BinaryIO

from ingest import Context, FileExtracted, FileLanded, PermanentError, Table, processor
from ingest.vetting import TEXTS, Refused, check_kind
from processors.columns import decimals_of
from processors.contracts import Contract, contract_of
from processors.formats.finding import SCHEMA, Finding
from processors.formats.tables import Batch, Sheet
from processors.formats.tables_csv import check_header
from processors.verdicts import JUDGING, Verdicts

_LENIENT = {"strictness": "lenient"}  # of the record: what is broken row by row is recorded, never refused


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that breaks a rule: the first rule, in the order of the contract's columns."""

    rule: str
    column: str | None = None  # as the file calls it
    raw: Any = None  # the cell; None: the whole row


@dataclass(slots=True)
class _Checked:
    """A batch once it is checked: its good rows, in column order, and the bad ones by their place in it."""

    rows: list[tuple[Any, ...]]
    rejects: dict[int, Reject] = field(default_factory=dict)


def tables_of(_: str, options: Mapping[str, Any]) -> Sequence[Table]:
    """The table of the rows, and that of the verdicts on their files."""
    contract = contract_of(options)
    return contract.table, contract.verdicts


def recognise(file: BinaryIO, options: Mapping[str, Any], encoding: str) -> str | None:
    """The format of the contract, where the content names its required columns, or all if none is.

    Else None: that it does not may be just what is wrong with it.
    """
    contract = contract_of(options)
    try:
        named = _named(contract, contract.read(file, encoding))
    except PermanentError:
        return None
    wanted = {each.source for each in contract.columns if each.is_required}
    wanted = wanted or {each.source for each in contract.columns}
    return contract.format if wanted <= named else None


def _named(contract: Contract, sheet: Sheet) -> set[str]:
    """The columns that the content itself names: in its header, or as members of its first object."""
    if contract.header_line:
        return set(_names(contract, sheet.header))
    if contract.format not in ("json", "jsonl"):
        return set()
    first = next((row for batch in sheet.batches for row in batch.rows), ())
    return {name for name, cell in zip(sheet.header, first, strict=False) if cell is not None}


@processor(
    accepts=(FileLanded, FileExtracted),
    version="1",
    tables=tables_of,
    check=contract_of,
    recognises=recognise,
    judges=replace(JUDGING, lenient={}),  # a bad row is rejected anyhow, and lenient reads other cells
)
def tabular(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every row that keeps the contract is handed over, and its fact; every other one is rejected."""
    contract = contract_of(ctx.options)
    verdicts = Verdicts(_LENIENT)
    count = 0
    with ctx.open() as file:
        if contract.format != "excel":  # which are vetted as what they are
            check_kind(file, TEXTS, called="text")
        sheet = contract.read(file, event.encoding)
        checking = _Checking(contract, sheet.header)
        for batch in sheet.batches:
            checked = checking.check(batch)
            count += len(batch.rows)
            _hand_over(ctx, contract, checked.rows)
            _reject(ctx, verdicts, batch, checked.rejects)
    if count < contract.min_rows:
        raise Refused(f"{count:,} rows; the contract wants {contract.min_rows:,} at least", rule="min_rows")
    verdicts.is_balanced = contract.states_count
    verdicts.hand_over(ctx, contract.verdicts, format=contract.format)


def _hand_over(ctx: Context, contract: Contract, rows: Sequence[tuple[Any, ...]]) -> None:
    if contract.fact is None:
        ctx.insert_many(contract.table, rows)
        return
    names = [column.name for column in contract.table.columns]
    for row in rows:
        values = dict(zip(names, row, strict=True))
        told = contract.fact.of(values)
        if told is None:
            ctx.insert(contract.table, values)
        else:
            fact, key, name = told
            ctx.insert(contract.table, values, fact=fact, key=key, name=name)


def _reject(ctx: Context, verdicts: Verdicts, batch: Batch, rejects: Mapping[int, Reject]) -> None:
    places = batch.places() if rejects else ()
    for at in sorted(rejects):
        found, place = rejects[at], places[at]
        raw = place.raw if found.raw is None else str(found.raw)
        ctx.reject(line=place.line, column=found.column, rule=found.rule, raw=raw)
        message = f"column {found.column!r}: {found.rule}" if found.column else found.rule
        where = f"line {place.line}"
        verdicts.note(Finding(verdict=SCHEMA, rule=found.rule, message=message, where=where))


class _Checking:
    """Holds batches of rows below one header to a contract."""

    def __init__(self, contract: Contract, header: tuple[str, ...]) -> None:
        """Raises `PermanentError` for a header that is not the contract's."""
        self._contract = contract
        self._width = len(header)
        names = _names(contract, header)
        self._at = [names.index(each.source) if each.source in names else None for each in contract.columns]
        sources = {each.source for each in contract.columns}
        self._unknown = [(at, name) for at, name in enumerate(names) if name not in sources]
        if self._unknown and not contract.keeps_unknown:
            places = ", ".join(str(at + 1) for at, _ in self._unknown[:10])
            raise Refused(f"the header has columns that the contract does not know: {places}", rule="unknown")

    def check(self, batch: Batch) -> _Checked:
        """The rows, typed; each bad one is told with the first rule that it breaks."""
        rejects: dict[int, Reject] = {}
        rows, kept = self._whole_rows(batch.rows, rejects)
        if not rows:
            return _Checked(rows=[], rejects=rejects)
        cells: list[Sequence[Any]] = list(zip(*rows, strict=True))
        if self._contract.is_lenient:
            cells = [[c.strip() if isinstance(c, str) else c for c in column] for column in cells]
        values, broken = self._values(cells, len(rows), is_text=batch.is_text)
        if self._contract.keeps_unknown:
            values.append(self._extra(cells, batch, kept))
        elif batch.rest:
            unknown = {at: Reject("unknown") for at, place in enumerate(kept) if batch.rest[place]}
            broken = unknown | broken
        rejects |= {kept[at]: found for at, found in broken.items()}
        good = zip(*values, strict=False)  # what keeps nothing unknown repeats it without end
        return _Checked(
            rows=[row for at, row in enumerate(good) if at not in broken] if broken else list(good),
            rejects=rejects,
        )

    def _whole_rows(
        self, rows: Sequence[Sequence[Any]], rejects: dict[int, Reject]
    ) -> tuple[Sequence[Sequence[Any]], Sequence[int]]:
        """The rows with as many cells as there are columns, and where each of them was."""
        if set(map(len, rows)) <= {self._width}:
            return rows, range(len(rows))
        found = [_fitted(row, self._width) if self._contract.is_lenient else row for row in rows]
        kept = [at for at, row in enumerate(found) if len(row) == self._width]
        rejects.update({at: Reject("columns") for at, row in enumerate(found) if len(row) != self._width})
        return [found[at] for at in kept], kept

    def _values(
        self, cells: Sequence[Sequence[Any]], count: int, *, is_text: bool
    ) -> tuple[list[Sequence[Any] | Iterator[Any]], dict[int, Reject]]:
        columns = list(zip(self._contract.columns, self._at, strict=True))
        decimals: dict[str, Sequence[int | None]] = {}
        broken: dict[int, Reject] = {}
        of_currencies = {each.currency for each, _ in columns if each.currency}
        for each, at in columns:
            if each.name in of_currencies:
                column = cells[at] if at is not None else [""] * count
                decimals[each.name], unknown = decimals_of(column)
                broken |= {place: Reject(rule, each.source, column[place]) for place, rule in unknown.items()}
        found: list[Sequence[Any] | Iterator[Any]] = []
        for each, at in columns:
            if at is None:
                found.append([None] * count)
                continue
            values, wrong = each.values(cells[at], decimals.get(each.currency), is_text=is_text)
            found.append(values)
            for place, rule in wrong.items():
                broken.setdefault(place, Reject(rule, each.source, cells[at][place]))
        return found, broken

    def _extra(
        self, cells: Sequence[Sequence[Any]], batch: Batch, kept: Sequence[int]
    ) -> Sequence[Mapping[str, Any]] | Iterator[Mapping[str, Any]]:
        if batch.rest:
            return [batch.rest[place] for place in kept]
        if not self._unknown:
            return repeat({})
        names = [name for _, name in self._unknown]
        beside = zip(*(cells[at] for at, _ in self._unknown), strict=True)
        return [dict(zip(names, map(_plain, row), strict=True)) for row in beside]


def _names(contract: Contract, header: tuple[str, ...]) -> list[str]:
    """The columns by the names that the contract has for them."""
    if not contract.header_line:
        return list(header)
    required = [each.source for each in contract.columns if each.is_required]
    names = list(header)
    if contract.is_lenient:
        known = {each.source.strip().casefold(): each.source for each in contract.columns}
        names = [known.get(name.strip().casefold(), name.strip()) for name in names]
        names = [name or f"column {at}" for at, name in enumerate(names, start=1)]
    check_header(tuple(names), required, line=contract.header_line, delimiter=contract.delimiter or ",")
    return names


def _fitted(row: Sequence[Any], width: int) -> Sequence[Any]:
    """The row with empty cells added, or those beyond `width` taken away."""
    if not row or (len(row) > width and any(cell not in ("", None) for cell in row[width:])):
        return row
    return [*row[:width], *[""] * (width - len(row))]


def _plain(cell: Any) -> Any:
    """A cell as JSON has it, every number as text."""
    return cell if cell is None or isinstance(cell, str | bool) else str(cell)
