"""How long a key may be: what is short enough stands in an index of either store.

A row of an index on a PostgreSQL server holds 2,704 bytes, and other columns
stand beside a key. A file would hold more, but a store moves from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.domain.naming import encode_attribute
from ingest.errors import PermanentError, UsageError

LONGEST_KEY = 2500  # bytes, those of all columns of a key together
_MOST_COLUMNS = 16  # of one key
_LONGEST_NAME = 50  # characters of a table's: the names of its indexes are made of it
_WIDEST = 4  # bytes of a character
_ESCAPED = 3  # bytes that one of a path may become


def partition_key(text: str) -> str:
    """`text` as the partition key of a fact; raises `PermanentError` for one that is too long."""
    key = encode_attribute(text)
    size = _size([key])
    if size > LONGEST_KEY:
        raise PermanentError(
            f"the partition key of a fact has {size} bytes, more than {LONGEST_KEY}",
            hint="let the processor use a digest of it, or reject the row",
        )
    return key


def path_key(source: str, subject: str) -> str:
    """The partition key of a path of `source` whose attribute form is `subject`."""
    return f"{source}/{subject}"


def fits(source: str, path: bytes) -> bool:
    """True of a path that can be a key; whatever else is made of one is shorter."""
    if len(source) + 1 + len(path) * _ESCAPED <= LONGEST_KEY:
        return True
    return _size([path_key(source, encode_attribute(path))]) <= LONGEST_KEY


def are_short(columns: Sequence[Sequence[str | None]]) -> bool:
    """True where no row can have too long a key, by the longest text of each column of the key."""
    return sum(max(map(len, filter(None, texts)), default=0) for texts in columns) * _WIDEST <= LONGEST_KEY


def refuse_long_key(table: str, texts: Sequence[str | None]) -> None:
    """Raise `PermanentError` where the unique key of a row, as it is kept, is too long."""
    size = _size(texts)
    if size > LONGEST_KEY:
        raise PermanentError(
            f"the unique key of a row of table {table!r} has {size} bytes, more than {LONGEST_KEY}",
            hint="let the processor reject such rows, or keep a digest in the key",
        )


def refuse_unfit_table(name: str, unique: Sequence[str]) -> None:
    """Raise `UsageError` for a table whose indexes could not be made on a server."""
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"the name of table {name!r} is longer than {_LONGEST_NAME} characters",
            hint="give it a shorter name",
        )
    if len(unique) > _MOST_COLUMNS:
        raise UsageError(
            f"the unique key of table {name!r} has more than {_MOST_COLUMNS} columns",
            hint="keep a digest of some of them in one column",
        )


def _size(texts: Iterable[str | None]) -> int:
    """The bytes of the texts together; that of short ones is not asked for, and given as 0."""
    there = [text for text in texts if text is not None]
    if sum(map(len, there)) * _WIDEST <= LONGEST_KEY:
        return 0
    return sum(len(text.encode()) for text in there)
