"""The tables that processors own: typed columns, and how a row is bound for the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.domain.columns import BINDS, bind_column
from ingest.domain.keys import are_short, refuse_long_key
from ingest.errors import PermanentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A typed column of a processor's table."""

    name: str
    type: type
    is_nullable: bool

    def bind(self, value: Any) -> Any:
        """`value` as the database keeps it: text, a 64-bit integer or None.

        Decimal and date become text, a moment microseconds UTC, a dict or list
        canonical JSON. Raises `PermanentError` for a value of another type.
        """
        if value is None and self.is_nullable:
            return None
        bind = BINDS[self.type]
        try:
            return bind(value)
        except (TypeError, ValueError, AttributeError) as error:
            raise PermanentError(
                f"column {self.name!r} cannot hold this {self.type.__name__}: {error}"
                if isinstance(value, self.type) and str(error)
                else f"column {self.name!r} takes {self.type.__name__}, not {type(value).__name__}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table a processor owns; rows carry the event that caused them in `event_id`."""

    name: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...]
    module: str  # where it was declared
    names: frozenset[str]  # of the columns
    changeable: tuple[int, ...]  # places of the columns whose values could be changed after they are given
    keyed: tuple[int, ...]  # places of the unique columns that are kept as text

    def __hash__(self) -> int:
        return hash(self.name)

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """One row in column order as the database keeps it.

        Raises `PermanentError` naming a column that is unknown, missing or of
        another type, and for a unique key that no index can hold.
        """
        if not values.keys() <= self.names:
            unknown = sorted(values.keys() - self.names)
            raise PermanentError(f"table {self.name!r} has no column {unknown[0]!r}")
        return self._short_enough(tuple([column.bind(values.get(column.name)) for column in self.columns]))

    def snapshot(self, row: Mapping[str, Any] | Sequence[Any]) -> tuple[Any, ...]:
        """The values of a row in column order, which no later change of `row` reaches; not yet bound.

        What could change inside is bound at once. Raises as `bind` does.
        """
        if type(row) is not tuple and isinstance(row, Mapping):
            if not row.keys() <= self.names:
                return self.bind(row)  # which says what is wrong
            row = tuple([row.get(column.name) for column in self.columns])
        elif len(row) != len(self.columns):
            raise PermanentError(f"table {self.name!r} has {len(self.columns)} columns, the row {len(row)}")
        if not self.changeable:
            return tuple(row)
        values = list(row)
        for place in self.changeable:
            value = values[place]
            values[place] = "{}" if value == {} else self.columns[place].bind(value)
        return tuple(values)

    def bind_snapshots(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """Rows of `snapshot`, as the database keeps them; raises as `bind` does, at the first wrong row."""
        try:
            return self._bind_columns(rows, bound=self.changeable)
        except PermanentError:
            return map(self._bind_snapshot, rows)

    def bind_all(self, rows: Sequence[Any]) -> Sequence[tuple[Any, ...]] | None:
        """What `bind` makes of `rows`; None where they are not all tuples, or one of them is wrong."""
        if set(map(type, rows)) != {tuple} or set(map(len, rows)) != {len(self.columns)}:
            return None
        try:
            return list(self._bind_columns(rows))
        except PermanentError:
            return None

    def _bind_columns(
        self, rows: Sequence[tuple[Any, ...]], *, bound: Collection[int] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """Raises `PermanentError` where one of `rows` is wrong; which one is not said."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place, (column, values) in enumerate(zip(self.columns, columns, strict=True)):
            if place not in bound:
                whole = bind_column(column.type, values)
                columns[place] = tuple(map(column.bind, values)) if whole is None else whole
        if not are_short([columns[place] for place in self.keyed]):
            for row in zip(*columns, strict=True):
                self._short_enough(row)
        return zip(*columns, strict=True)

    def _bind_snapshot(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        cells = enumerate(zip(self.columns, row, strict=True))
        return self._short_enough(
            tuple([v if place in self.changeable else column.bind(v) for place, (column, v) in cells])
        )

    def _short_enough(self, bound: tuple[Any, ...]) -> tuple[Any, ...]:
        """The row; raises `PermanentError` where its unique key is longer than an index can hold."""
        refuse_long_key(self.name, [bound[place] for place in self.keyed])
        return bound
