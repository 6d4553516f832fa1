"""The errors of PostgreSQL and of its driver, in our words and with the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from ingest.errors import CannotWrite, Contended, IngestError, StoreUnusable, TryAgain, Unreachable

# The classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONTENDED = ("40001", "40P01")  # serialization failure, deadlock
_BUSY = ("55P03", "57014")  # lock not available, cancelled
# connection, shutdown, starting up, too many, taken back because its process was suspended
_GONE = ("08", "57P01", "57P02", "57P03", "57P05", "53300", "25P03")
_REFUSED = ("28", "3D000", "42501")  # authorization, no such database, no such right
_FULL = ("53100", "53200", "53400", "25006", "58")  # disk, memory, limits, only reading, the system's errors


@contextmanager
def translated(where: URL) -> Iterator[None]:
    """Errors of the server, in our words, whether SQLAlchemy has wrapped them or not."""
    try:
        yield
    except DBAPIError as error:
        raise _in_our_words(error.orig, where, is_cut=error.connection_invalidated) or error from error
    except PendingRollbackError as error:  # the connection went in the middle, and somebody went on
        raise _unreachable(where, "the connection was lost") from error
    except _driver_error() as error:  # of statements that are run by the driver's own cursor
        raise _in_our_words(error, where) or error from error


def named(where: URL) -> str:
    """The database and its server, without user and password."""
    host = where.query.get("host") or where.host or "this host"
    port = f":{where.port}" if where.port else ""
    return f"the database {where.database} at {host if isinstance(host, str) else host[0]}{port}"


def _driver_error() -> type[Exception]:
    """The root of the driver's errors; asked for only once something was raised."""
    import psycopg  # noqa: PLC0415  # an extra: it is there where such a store is open

    return psycopg.Error


def _in_our_words(error: BaseException | None, where: URL, *, is_cut: bool = False) -> IngestError | None:
    state = getattr(error, "sqlstate", None) or ""
    said = str(error).strip().partition("\n")[0]
    if state.startswith(_CONTENDED):
        return Contended(f"{named(where)} was busy: {said}", hint="try again")
    if state.startswith(_BUSY):
        return TryAgain(f"{named(where)} was busy: {said}", hint="try again")
    if state.startswith(_REFUSED) or (not state and _is_refusal(said)):
        return StoreUnusable(
            f"{named(where)} refuses us: {said}", hint="see store.url in ingest.toml, and the server's log"
        )
    if state.startswith(_FULL):
        return CannotWrite(f"{named(where)} cannot write: {said}", hint="see to the server; nothing was lost")
    if state.startswith(_GONE) or (not state and (is_cut or _is_connection(error))):
        return _unreachable(where, said)
    return None


def _unreachable(where: URL, said: str) -> Unreachable:
    return Unreachable(
        f"{named(where)} does not answer: {said}",
        hint="start the server, or see store.url; nothing was lost",
    )


def _is_connection(error: BaseException | None) -> bool:
    """True where the driver speaks of the connection, and the server said nothing."""
    return type(error).__name__ in ("OperationalError", "ConnectionTimeout", "InterfaceError")


def _is_refusal(said: str) -> bool:
    """While a connection is made there is no code, only the server's words."""
    return "authentication failed" in said or "does not exist" in said or "no pg_hba.conf entry" in said
