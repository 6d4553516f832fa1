"""The PostgreSQL database that a store is moved to: it was empty, and all of it stands or nothing does.

The tables are made, filled and compared in the transaction that commits them:
a copy that was killed is none, and nobody ever sees half of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Table, inspect, text

from ingest.errors import StoreUnusable, VerificationFailed
from ingest.store.dialect import enter_migration
from ingest.store.engine import Tx
from ingest.store.migrate import upgrade
from ingest.store.schema import metadata

_PATIENT = ("statement_timeout", "idle_in_transaction_session_timeout")


def refuse_unfit(tx: Tx) -> None:
    """Raise `StoreUnusable` where the database holds anything, or cannot hold every text."""
    looked = inspect(tx)
    found = [*looked.get_table_names(), *looked.get_view_names()]
    if found:
        raise StoreUnusable(
            f"the database to copy to is not empty: it holds {', '.join(sorted(found)[:3])}",
            hint="name a new database; `createdb` makes one",
        )
    encoding = tx.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreUnusable(
            f"the database to copy to keeps text as {encoding}",
            hint="make one with `createdb --encoding=UTF8`",
        )


def begin(tx: Tx, owned: Iterable[Table]) -> None:
    """The tables stand, empty; nobody else migrates the database, and no pause is too long for the server."""
    for setting in _PATIENT:
        tx.exec_driver_sql(f"SET LOCAL {setting} = 0")
    enter_migration(tx)
    refuse_unfit(tx)
    upgrade(tx)
    for table in owned:
        table.create(tx)


def fill(
    tx: Tx, table: Table, pieces: Iterable[list[tuple[Any, ...]]], advance: Callable[[int], None]
) -> None:
    """The rows stand in the table; raises `StoreUnusable` naming it for one that it does not take."""
    quote = tx.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    driver: Any = tx.connection.driver_connection
    with _refusals_named(table), driver.cursor() as cursor:
        # Frozen: nobody can see these rows before this transaction ends, and no vacuum has to go over them.
        with cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN WITH (FREEZE)") as copy:
            for piece in pieces:
                for row in piece:
                    copy.write_row(row)
                advance(len(piece))
        cursor.execute(f"ANALYZE {quote(table.name)}")


def count_on(tx: Tx, table: Table, column: str, last: int) -> None:
    """The next row of the table gets a number beyond `last`."""
    where = {"table": table.name, "column": column, "last": max(last, 1), "is_used": last > 0}
    tx.execute(text("SELECT setval(pg_get_serial_sequence(:table, :column), :last, :is_used)"), where)


def counted(table: Table) -> Column[Any] | None:
    """The column that the database numbers by itself."""
    return table.autoincrement_column if table.name in metadata.tables else None


def refuse_other_count(tx: Tx, table: Table, rows: int) -> None:
    """Raise `VerificationFailed` unless as many rows stand as were read."""
    quote = tx.dialect.identifier_preparer.quote
    found = tx.exec_driver_sql(f"SELECT count(*) FROM {quote(table.name)}").scalar_one()  # noqa: S608  # a quoted name
    if found != rows:
        raise VerificationFailed(
            f"table {table.name}: {rows} rows were read and {found} stand in the copy",
            hint="nothing was copied; try again, and report it",
        )


@contextmanager
def _refusals_named(table: Table) -> Iterator[None]:
    import psycopg  # noqa: PLC0415  # an extra; it is there where such a database is open

    try:
        yield
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:  # too long for an index
        said = str(error).strip().partition("\n")[0]
        raise StoreUnusable(
            f"table {table.name}: PostgreSQL does not take a row: {said}",
            hint="mend that row, then copy again",
        ) from error
