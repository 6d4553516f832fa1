"""One SELECT, compiled once, that finds rows by many keys.

An expanding IN list is compiled anew at every execution, which costs more than
the search. Here lists come in a few lengths, each compiled once; a short list
is filled up by repeating its last key, which finds nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Select, bindparam

_LENGTHS = (8, 64, 512)


class Lookup:
    """Executes `statement`, where its column `key` is one of the keys given.

    `fixed` are the statement's other bind parameters, in the order in which
    `run` is given their values. As with `Batch`, values are plain (integers,
    text, bytes), and so are those of the rows.
    """

    def __init__(self, statement: Select[Any], key: ColumnElement[Any], fixed: str = "") -> None:
        self._statement = statement
        self._key = key
        self._fixed = fixed.split()
        self._compiled: dict[tuple[str, int], tuple[str, bool]] = {}

    def run(self, tx: Connection, keys: Sequence[Any], *fixed: Any) -> Iterator[tuple[Any, ...]]:
        """The rows whose key is one of `keys`."""
        cursor = tx.connection.cursor()  # the driver's own: SQLAlchemy's results cost more than the search
        for start in range(0, len(keys), _LENGTHS[-1]):
            part = keys[start : start + _LENGTHS[-1]]
            length = next(n for n in _LENGTHS if n >= len(part))
            sql, is_positional = self._compiled.get((tx.dialect.name, length)) or self.compile(
                tx.dialect, length
            )
            values = (*fixed, *part, *[part[-1]] * (length - len(part)))
            named = values if is_positional else dict(zip(self._names(length), values, strict=True))
            cursor.execute(sql, named)
            yield from cursor.fetchall()
        cursor.close()

    def compile(self, dialect: Dialect, length: int) -> tuple[str, bool]:
        """The SQL for `dialect` and a list of this length, and whether its parameters are positional."""
        keys = [bindparam(name, type_=self._key.type) for name in self._names(length)[len(self._fixed) :]]
        compiled = self._statement.where(self._key.in_(keys)).compile(dialect=dialect)
        order = compiled.positiontup
        if order is not None and list(order) != self._names(length):
            msg = f"a lookup takes its values in the order {self._fixed}, then the keys"
            raise TypeError(msg)
        self._compiled[dialect.name, length] = str(compiled), order is not None
        return self._compiled[dialect.name, length]

    def _names(self, length: int) -> list[str]:
        return [*self._fixed, *(f"key_{n}" for n in range(length))]
