"""Reading every row of a database, as far as the server can."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError


def unreadable(tx: Connection) -> Iterator[str]:
    """The tables of which some row cannot be read, and why: a page that fails its checksum, for one.

    `tx` may be of no use any more once one was found.
    """
    quote = tx.dialect.identifier_preparer.quote
    for name in sorted(inspect(tx).get_table_names()):
        table = quote(name)
        try:
            # The whole row is made text, so that what lies outside of its page is read too.
            tx.execute(text(f"SELECT max(length(CAST({table} AS text))) FROM {table}")).scalar()  # noqa: S608  # a quoted name
        except DBAPIError as error:
            yield f"table {name}: {str(error.orig).strip().partition(chr(10))[0]}"
            return
