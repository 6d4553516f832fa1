"""The processor contract: everything a processor sees of the product.

A processor is a function of an event and a `Context`. It runs with no
transaction open and only hands results over; the engine applies rows, facts
and the outcome together, once. Raise `PermanentError` for a file that will
never be right, anything else for "try again".
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, BinaryIO, Protocol, get_args

from ingest.domain.calls import Call, call
from ingest.domain.columns import BINDS, INTEGERS, MUTABLE
from ingest.domain.events import Event
from ingest.domain.facts import fact, type_of
from ingest.domain.keys import refuse_unfit_table
from ingest.domain.showing import show
from ingest.domain.tables import Column, Table
from ingest.domain.upcast import downgrade, upcast
from ingest.errors import PermanentError, UsageError

__all__ = [
    "Call",
    "Column",
    "Context",
    "Judging",
    "PermanentError",
    "Processor",
    "Table",
    "call",
    "downgrade",
    "fact",
    "processor",
    "table",
    "upcast",
]

MAX_COLUMNS = 200
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
_Function = Callable[[Any, "Context"], None]
_Check = Callable[[Mapping[str, Any]], object]
_Tables = Callable[[str, Mapping[str, Any]], Sequence[Table]]
_Lenient = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_Recognise = Callable[[BinaryIO, Mapping[str, Any], str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How a processor judges a content as a whole; only `ingest inspect` asks.

    `schema` and `arithmetic` (verdicts: "ok", or in a word what is not) and
    `findings` (a list of `[where, rule, message]`) are columns of one of its
    tables, into which it hands over a row for each content; "" for what it has
    none of. `lenient` are the options under which it records what it would
    refuse under others, beside those that hold; or a pure function that makes
    all of them of those that hold.
    """

    schema: str = ""
    arithmetic: str = ""
    findings: str = ""
    lenient: Mapping[str, Any] | _Lenient = field(default_factory=dict)

    def leniently(self, options: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The options under which all is recorded, in place of `options`; None where there are none."""
        if callable(self.lenient):
            return self.lenient(options)
        return {**options, **self.lenient} if self.lenient else None

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it names."""
        return frozenset({self.schema, self.arithmetic, self.findings} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A function together with the facts it reacts to and the tables it owns."""

    function: _Function
    accepts: tuple[str, ...]  # event types
    version: str
    tables: tuple[Table, ...] | _Tables | None  # None: those declared in the function's module
    check: _Check | None = None  # of the options; raises ValueError
    recognises: _Recognise | None = None  # None: no content tells whether it is for this processor
    judges: Judging | None = None

    def __call__(self, event: Any, ctx: Context) -> None:
        """Run the function; what it hands over is in `ctx`."""
        self.function(event, ctx)

    def check_options(self, name: str, options: Mapping[str, Any]) -> None:
        """Raise `UsageError` where the processor, called `name`, cannot work with these options."""
        if self.check is not None:
            with _refused(name):
                self.check(options)

    def owned_tables(self, name: str, options: Mapping[str, Any]) -> tuple[Table, ...]:
        """The tables of the processor when it is called `name` and has these options.

        Those the decorator names, or makes of both, else those declared in the processor's module.
        Raises `UsageError` where it cannot make any of these options.
        """
        if callable(self.tables):
            with _refused(name):
                return tuple(self.tables(name, options))
        if self.tables is not None:
            return self.tables
        module = self.function.__module__
        found = self._globals().values()
        return tuple(item for item in found if isinstance(item, Table) and item.module == module)

    def owned_calls(self) -> dict[str, Call]:
        """The calls that the processor's module declares or imports, by their names there."""
        return {name: item for name, item in self._globals().items() if isinstance(item, Call)}

    def _globals(self) -> Mapping[str, Any]:
        return vars(sys.modules[self.function.__module__])


class Context(Protocol):
    """What a processor may ask for and hand over while it handles one event."""

    @property
    def event(self) -> Event:
        """The envelope of the event: id, time, partitionkey, keyseq, correlationid, causationid."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The processor's `options` from ingest.toml."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The archived bytes of the file at the root of the event, digest-checked, seekable."""

    def insert(
        self, table: Table, values: Mapping[str, Any], *, fact: object = None, key: str = "", name: str = ""
    ) -> None:
        """Hand over one row; `fact` is emitted, under `key` and `name`, only if the row is booked."""

    def insert_many(self, table: Table, rows: Iterable[Mapping[str, Any] | Sequence[Any]]) -> None:
        """Hand over many rows without facts: mappings, or sequences in column order."""

    def emit(self, fact: object, *, key: str, name: str) -> None:
        """Hand over a fact; `name` makes its id (a payment id, never an ordinal), `key` orders it."""

    def reject(
        self, *, rule: str, line: int | None = None, column: str | None = None, raw: str | bytes = ""
    ) -> None:
        """Refuse one row of the input, visibly; `raw` is kept bounded."""

    def once(self, name: str, call: Call, request: Any) -> None:
        """Register a call to the outside: made after the commit, under one key for (processor, event, name).

        Nothing is called now. `request` is JSON, kept with the rows; the key
        is never used with another one.
        """

    def select(self, table: Table, /, **equal: Any) -> list[dict[str, Any]]:
        """Rows that stand committed, in no promised order, where every named column equals its value.

        A set in place of a value means any of them.
        """


def processor(
    *,
    accepts: type | str | Sequence[type | str],
    version: str,
    tables: Sequence[Table] | _Tables | None = None,
    check: _Check | None = None,
    recognises: _Recognise | None = None,
    judges: Judging | None = None,
) -> Callable[[_Function], Processor]:
    """Declare a function as a processor of the facts it `accepts`.

    `version` is recorded with every outcome: raise it when results change.
    `tables` may be a pure function of the processor's name and its options.
    `check` is given the options before any work is done, and raises
    `ValueError` for those it cannot work with. `recognises` looks at the
    beginning of a content, at options that `check` let pass, and at the
    declared encoding, and answers with the name of its format where the
    processor can read it, with "" where it cannot, or None where the content
    does not tell; only `ingest inspect` asks, as it does for what the
    processor `judges`.
    Raises `UsageError` for a class that is not a fact.
    """
    accepted = (accepts,) if isinstance(accepts, type | str) else tuple(accepts)
    types = tuple(type_of(item) for item in accepted)
    if not types:
        raise UsageError(
            "a processor accepts no fact", hint="name at least one class or type string in accepts"
        )

    def declare(function: _Function) -> Processor:
        owned = tables if tables is None or callable(tables) else tuple(tables)
        return Processor(
            function=function,
            accepts=types,
            version=version,
            tables=owned,
            check=check,
            recognises=recognises,
            judges=judges,
        )

    return declare


@contextmanager
def _refused(name: str) -> Iterator[None]:
    """A `ValueError` in the block is about the options of the processor `name`."""
    try:
        yield
    except ValueError as error:
        raise UsageError(
            f"processor.{name}.options are refused: {show(str(error))}", hint="correct ingest.toml"
        ) from error


def table(table_name: str, /, *, unique: str | Sequence[str] = (), **columns: Any) -> Table:
    """Declare a table by its columns: str, int, bool, Decimal, date, datetime, dict or list, or one `| None`.

    `unique` names the column, or columns, by which the engine tells a booked
    row from a duplicate (same content) and a conflict (other content).
    Raises `UsageError` for a name that is not `[a-z][a-z0-9_]*` or another type.
    """
    names = (unique,) if isinstance(unique, str) else tuple(unique)
    for name in (table_name, *columns, *names):
        if not _IDENTIFIER.fullmatch(name) or name == "event_id":
            raise UsageError(
                f"{name!r} cannot name a table or column", hint="use [a-z][a-z0-9_]*, not event_id"
            )
    if not 0 < len(columns) <= MAX_COLUMNS or not set(names) <= set(columns):
        raise UsageError(f"table {table_name!r} needs 1 to {MAX_COLUMNS} columns, the unique ones among them")
    refuse_unfit_table(table_name, names)
    declared_in = sys._getframe(1).f_globals.get("__name__", "")  # noqa: SLF001  # a table belongs to its module
    made = tuple(_column(name, hint) for name, hint in columns.items())
    return Table(
        name=table_name,
        columns=made,
        unique=names,
        module=declared_in,
        names=frozenset(columns),
        changeable=tuple(place for place, column in enumerate(made) if column.type in MUTABLE),
        keyed=tuple(place for place, c in enumerate(made) if c.name in names and c.type not in INTEGERS),
    )


def _column(name: str, hint: Any) -> Column:
    is_nullable = isinstance(hint, UnionType) and NoneType in get_args(hint)
    inner = [a for a in get_args(hint) if a is not NoneType] if isinstance(hint, UnionType) else [hint]
    if len(inner) != 1 or inner[0] not in BINDS:
        raise UsageError(
            f"column {name!r} has a type no column can have: {hint}", hint="money is Decimal, never float"
        )
    return Column(name=name, type=inner[0], is_nullable=is_nullable)
