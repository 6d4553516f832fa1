"""The `Context` a processor is given: it collects what the processor hands over and applies nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, BinaryIO

from ingest.contract import Call, Column, Table
from ingest.domain import codec, naming
from ingest.domain.calls import Register
from ingest.domain.events import Event, FileExtracted, FileLanded
from ingest.domain.instants import moment
from ingest.domain.keys import partition_key
from ingest.domain.showing import show
from ingest.errors import IngestError
from ingest.store.handover import PIECE, Facts, Piece, Rejects, Rows
from ingest.store.outbox import Draft, draft
from ingest.work.outages import OUTAGES
from ingest.work.spool import Spool

RAW_CHARS = 200
FACT_CHARS = 1_048_576  # of facts in one piece: a fact may tell of hundreds of entries
Opener = Callable[[str, Event], BinaryIO]  # by the digest of the file at the root, what an event is about
Reader = Callable[[Table, dict[str, Any]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a context needs of the engine, besides the event."""

    processor: str
    options: Mapping[str, Any]
    open: Opener
    select: Reader
    clock: Callable[[], datetime]


class Collector:
    """Implements `ingest.contract.Context` for one event; `seal` gives what was handed over."""

    def __init__(
        self,
        event: Event,
        *,
        origin: str,
        content: str | None,
        around: Surroundings,
        calls: Callable[[], Mapping[str, Call]] = dict,
    ) -> None:
        self.event = event
        self.spool = Spool()
        self._origin, self._content, self._around = origin, content, around
        self._register = Register(calls)
        self._table: Table | None = None
        self._unbound: list[tuple[Any, ...]] = []  # rows of the table that follow those bound
        self._rows: list[tuple[Any, ...]] = []
        self._row_facts: list[Draft | None] = []
        self._facts: list[Draft] = []
        self._fact_chars = 0  # of their bodies
        self._rejects: list[tuple[int | None, str | None, str, str]] = []
        self.outage: IngestError | None = None  # stands even if the processor caught it: rows may be missing

    @property
    def options(self) -> Mapping[str, Any]:
        """The processor's options."""
        return self._around.options

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The archived bytes of the file that the event is about, or `ArchiveDamaged`."""
        if self._content is None:
            msg = "no file stands at the root of this event"
            raise ValueError(msg)
        with self._noted():
            return self._around.open(self._content, self.event)

    def insert(
        self, table: Table, values: Mapping[str, Any], *, fact: object = None, key: str = "", name: str = ""
    ) -> None:
        """Hand over one row, and the fact that is emitted only if the row is booked."""
        row = table.bind(values)
        drafted = None if fact is None else self._draft(fact, key=key, name=name)
        self._add_row(table, row, drafted)

    def insert_many(self, table: Table, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Hand over many rows: mappings, or sequences in column order."""
        if type(rows) is list and (bound := table.bind_all(rows)) is not None:
            self._add_rows(table, bound)
            return
        try:
            for row in rows:
                self._turn_to(table)
                self._unbound.append(table.snapshot(row))
                if len(self._unbound) + len(self._rows) >= PIECE:
                    self._seal_rows()
        finally:  # also the rows before one that is wrong were handed over
            self._bind_rows()

    def emit(self, fact: object, *, key: str, name: str) -> None:
        """Hand over a fact that depends on no row."""
        drafted = self._draft(fact, key=key, name=name)
        self._facts.append(drafted)
        self._fact_chars += len(drafted.body)
        if len(self._facts) >= PIECE or self._fact_chars >= FACT_CHARS:
            self._seal_facts()

    def reject(
        self, *, rule: str, line: int | None = None, column: str | None = None, raw: str | bytes = ""
    ) -> None:
        """Refuse one row of the input, with a bounded piece of it."""
        named = None if column is None else show(column)
        self._rejects.append((line, named, show(rule), show(raw[:RAW_CHARS])))
        self.spool.rows_in += 1
        self.spool.rejected += 1
        if len(self._rejects) >= PIECE:
            self._seal_rejects()

    def once(self, name: str, call: Call, request: Any) -> None:
        """Register a call; it is made once what was handed over stands."""
        self.spool.register(self._register.add(name, call, request))

    def select(self, table: Table, /, **equal: Any) -> list[dict[str, Any]]:
        """Rows that stand committed where every named column equals its value, or one of a set of values."""
        columns = {column.name: column for column in table.columns}
        bound = {name: _bound(columns[name], value) for name, value in equal.items()}
        with self._noted():
            found = self._around.select(table, bound)
        return [as_declared(table, row) for row in found]

    def seal(self) -> Spool:
        """All that was handed over, complete."""
        self._seal_rows()
        self._seal_facts()
        self._seal_rejects()
        return self.spool

    def _draft(self, fact: Any, *, key: str, name: str) -> Draft:
        if not key or not name:
            msg = "a fact needs a key that orders it and a name that makes its id"
            raise ValueError(msg)
        cause = self.event
        event = codec.new_event(
            fact,
            cause=cause,
            id=naming.fact_id(self._around.processor, cause.id, fact.type, name),
            source=f"{cause.source.rsplit('#', 1)[0]}#{self._around.processor}",
            subject=naming.encode_attribute(name),
            time=self._around.clock(),
            partitionkey=key if key == cause.partitionkey else partition_key(key),
        )
        self.spool.facts += 1
        return draft(
            event,
            origin=self._origin,
            producer=self._around.processor,
            supersedes=self._former(fact.type, name),
            content=self._content,
        )

    def _former(self, type_: str, name: str) -> str | None:
        """The id of a member of this name in the former content of the container that landed."""
        former = self.event.data.get("supersedes")
        if type_ != FileExtracted.type or self.event.type != FileLanded.type or not former:
            return None
        return naming.fact_id(self._around.processor, former, type_, name)

    def _add_row(self, table: Table, row: tuple[Any, ...], fact: Draft | None) -> None:
        self._turn_to(table)
        self._bind_rows()
        self._rows.append(row)
        self._row_facts.append(fact)
        self.spool.rows_in += 1
        if len(self._rows) >= PIECE:
            self._seal_rows()

    def _add_rows(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        self._turn_to(table)
        self.spool.rows_in += len(rows)
        at = 0
        while at < len(rows):
            some = rows[at : at + PIECE - len(self._rows)]
            self._rows.extend(some)
            self._row_facts.extend([None] * len(some))
            at += len(some)
            if len(self._rows) >= PIECE:
                self._seal_rows()

    def _turn_to(self, table: Table) -> None:
        if table is not self._table:
            self._seal_rows()
            self._table = table

    def _bind_rows(self) -> None:
        if self._table is None or not self._unbound:
            return
        unbound, self._unbound = self._unbound, []
        before = len(self._rows)
        try:
            self._rows.extend(self._table.bind_snapshots(unbound))
        finally:  # those before a row that is wrong
            added = len(self._rows) - before
            self._row_facts.extend([None] * added)
            self.spool.rows_in += added

    def _seal_rows(self) -> None:
        self._bind_rows()
        if self._table is None or not self._rows:
            return
        facts = self._row_facts if any(self._row_facts) else []
        marks = ("rows", self._table.name, self._rows, [fact and _mark(fact) for fact in facts])
        self._spool(Rows(self._table, self._rows, facts), marks)
        self._rows, self._row_facts = [], []

    def _seal_facts(self) -> None:
        if self._facts:
            self._spool(Facts(self._facts), ("facts", [_mark(fact) for fact in self._facts]))
            self._facts, self._fact_chars = [], 0

    def _seal_rejects(self) -> None:
        if self._rejects:
            self._spool(Rejects(self._rejects), ("rejects", self._rejects))
            self._rejects = []

    def _spool(self, piece: Piece, marks: Any) -> None:
        with self._noted():
            self.spool.add(piece, marks)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """An outage in the block is raised, and kept."""
        try:
            yield
        except OUTAGES as error:
            self.outage = error
            raise


def _bound(column: Column, value: Any) -> Any:
    """What a column is asked for, as the database keeps it: a value, or a set of them."""
    if isinstance(value, set | frozenset):
        return {column.bind(each) for each in value}
    return column.bind(value)


def _mark(fact: Draft) -> tuple[str, str, str]:
    """What the digest of a handover says of a fact: which one it is, and what of it counts."""
    return fact.id, fact.key, codec.data_of(fact.body)


def as_declared(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the database with its values as the processor's types."""
    columns = {column.name: column for column in table.columns}
    return {name: _unbound(columns[name], value) if name in columns else value for name, value in row.items()}


def _unbound(column: Column, value: Any) -> Any:
    """A database value as the processor's type."""
    if value is None:
        return None
    if column.type is datetime:
        return moment(value)
    if column.type in (Decimal, bool):
        return column.type(value)
    if column.type in (dict, list):
        return codec.loads(value)
    return column.type.fromisoformat(value) if hasattr(column.type, "fromisoformat") else value
