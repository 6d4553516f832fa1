"""What every table is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Dialect, Index, Integer, MetaData, TypeDecorator, text

from ingest.domain.instants import micros, moment

metadata = MetaData()

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only an INTEGER primary key


class Instant(TypeDecorator[datetime]):
    """A moment, kept as whole microseconds since 1970 UTC; refuses a naive one."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # its signature
        """Microseconds for a moment."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # its signature
        """A moment for microseconds."""
        return None if value is None else moment(value)


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index over the rows for which `where` holds; PostgreSQL is told so by the migrations."""
    return Index(name, *columns, sqlite_where=text(where))
