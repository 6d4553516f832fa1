"""A store in a PostgreSQL database, which any number of hosts may share.

What SQLite has by its one write lock is had here by locks on what is written:
the landing of files is one at a time (`dialect.enter_landing`), the events of
a partition key are by the lock on its row of `event_keys`, and a lane is its
claimer's. A write sees at each statement what is committed by then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url

from ingest.domain.instants import moment
from ingest.errors import ExtraMissing, StoreUnusable
from ingest.store.dialect import enter_removal, is_removal_free
from ingest.store.engine import Store, Tx, check_revision
from ingest.store.postgresql.changes import CHANNEL, Notifications
from ingest.store.postgresql.translating import named, translated
from ingest.store.postgresql.witness import Witness
from ingest.store.schema import REVISION

LOCK_BOUND = 60  # seconds a statement waits for a lock before it gives up
_CONNECT_BOUND = 10  # seconds
_SILENCE_BOUND = 30  # seconds after which a server that says nothing is given up
_PAUSE_BOUND = 20  # seconds between two statements of a write, after which the server ends it
_CONNECTIONS = 3  # that one process keeps open; as many more where its threads need them at once
_ASK_EVERY = 5.0  # seconds between two looks at the server's clock
_NOTIFY_EVERY = 0.02  # seconds between two hints that a process gives
_CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_END_IN = "set_config('idle_in_transaction_session_timeout', '{}s', true)"  # where none is asked
_FIRST_WORDS = f"SELECT {_CLOCK}, version_num, {_END_IN.format(_PAUSE_BOUND)} FROM alembic_version"  # noqa: S608
_UP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the host sleeps


class PostgresqlStore(Store):
    """A database on a server; its connections are made when they are needed."""

    dialect = "postgresql"

    def __init__(self, url: str, local: Path) -> None:
        self.url = url
        self.path = local / "on-a-server"
        self._address = address(url)
        self._engine = _engine(self._address)
        self._reading = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._clock: tuple[float, datetime] | None = None  # the server's at a moment of this host's uptime
        self._notified_at = 0.0
        self._is_held = False  # to the schema of this version
        self._witness = Witness(local, named(self._address))
        event.listen(self._engine, "connect", self._meet)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction at READ COMMITTED; it commits unless the block raises.

        Raises `Unreachable` when the server does not answer, `TryAgain` when
        it could not be done beside what others did, `StoreUnusable` when the
        server refuses us or the schema is another one, `StoreReplaced` when it
        lacks what this host has seen, `CannotWrite` when its disk is full or it only reads.
        """
        with translated(self._address), self._engine.connect() as tx:
            tx.info.pop("news", None)
            with tx.begin():
                self._look(tx)
                yield tx
            last = tx.info.pop("news", None)
            if last is not None:
                self._witness.saw(last)
                self._hint(tx)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent snapshot, as of the first look, that can only be read; raises as `write` does."""
        with translated(self._address), self._reading.begin() as tx:
            self._look_at_clock(tx)
            yield tx

    @contextmanager
    def removing(self) -> Iterator[None]:
        """A transaction of its own holds a lock that no other takes, however long nothing is asked in it.

        Were it ended, a process that was suspended would go on removing what has landed again since.
        """
        with self.write() as tx:
            tx.exec_driver_sql(f"SELECT {_END_IN.format(0)}")
            enter_removal(tx)
            yield

    def is_removing(self, tx: Tx) -> bool:
        """As that lock says, which `tx` has until its end where it is free."""
        return not is_removal_free(tx)

    def now(self) -> datetime:
        """Now, by the server's clock; raises `Unreachable` where it was never seen."""
        if self._clock is None:
            with self.read():
                pass
        assert self._clock is not None  # noqa: S101  # any transaction looks at it
        at, then = self._clock
        return then + timedelta(seconds=time.clock_gettime(_UP) - at)

    def witness(self, tx: Tx) -> None:
        """Raise `StoreReplaced` when the server has lost events that this host has seen."""
        self._witness.look(tx)

    def changes(self) -> Notifications:
        """What tells whether another connection may have committed since."""
        return Notifications(self._engine)

    def close(self) -> None:
        """Let go of every connection."""
        self._witness.keep()
        self._engine.dispose()

    def refuse_other_schema(self) -> None:
        """Raise `StoreUnusable` unless the schema is the one this version speaks, now and at each write."""
        super().refuse_other_schema()
        self._is_held = True

    def _meet(self, raw: Any, _record: object) -> None:
        """A new connection is to a server that has what this host has seen, or is none."""
        try:
            self._witness.meet(raw)
        except BaseException:
            raw.close()
            raise

    def _look(self, tx: Tx) -> None:
        """What the clock says, and that nobody changed the schema; a migration waits until `tx` ends.

        It ends, too, where its process is suspended in the middle: others wait for its locks.
        """
        if not self._is_held:
            self._look_at_clock(tx)
            return
        micros, revision, _ = tx.exec_driver_sql(_FIRST_WORDS).one()
        self._clock = time.clock_gettime(_UP), moment(micros)
        if revision != REVISION:
            check_revision(tx)

    def _look_at_clock(self, tx: Tx) -> None:
        at = time.clock_gettime(_UP)
        if self._clock is None or at - self._clock[0] > _ASK_EVERY:
            micros = tx.exec_driver_sql(f"SELECT {_CLOCK}").scalar_one()
            self._clock = time.clock_gettime(_UP), moment(micros)

    def _hint(self, tx: Tx) -> None:
        """Who waits is told that something was committed; some are left out, and found by looking."""
        at = time.monotonic()
        if at - self._notified_at >= _NOTIFY_EVERY:
            self._notified_at = at
            with tx.begin():
                tx.exec_driver_sql(f"NOTIFY {CHANNEL}")


def address(url: str) -> URL:
    """The address with the driver that is used."""
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except Exception as error:
        raise StoreUnusable(
            "store.url cannot be read", hint="write postgresql://user@host:5432/database"
        ) from error


def _engine(where: URL) -> Engine:
    try:
        import psycopg  # noqa: F401, PLC0415  # an extra: nobody without such a store needs it
    except ImportError as error:
        raise ExtraMissing(
            "a store in PostgreSQL needs the extra `postgres`", hint="pip install 'ingest[postgres]'"
        ) from error
    return create_engine(
        where,
        use_native_hstore=False,  # we have none; to ask for its type is a look at the catalogue
        pool_size=_CONNECTIONS,
        max_overflow=_CONNECTIONS,
        connect_args={
            "connect_timeout": _CONNECT_BOUND,
            "keepalives_idle": _SILENCE_BOUND // 3,
            "keepalives_interval": 5,
            "tcp_user_timeout": _SILENCE_BOUND * 1000,
            "application_name": "ingest",
            "options": f"-c timezone=UTC -c lock_timeout={LOCK_BOUND}s -c synchronous_commit=on",
        },
    )
