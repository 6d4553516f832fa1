"""The open store, whichever database it is in, and its two kinds of transaction.

A write commits when its block ends; a read sees committed data and can write
nothing. `sqlite.engine` and `postgresql.engine` have what is behind them.
"""

from __future__ import annotations

import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import Connection, inspect, text

from ingest.errors import Contended, StoreUnusable
from ingest.store.moved import MOVED, refusal
from ingest.store.schema import REVISION

Tx = Connection

_log = logging.getLogger(__name__)

_AGAIN = 5  # times
_PAUSE = (0.001, 0.02)  # seconds
_OLDER = ("older", "run `ingest db upgrade`")


class Changes(Protocol):
    """Tells one process whether others may have committed since it last asked."""

    def has_moved(self) -> bool:
        """True when something was, or may have been, committed since the last call; always at the first."""

    def expect(self) -> int:
        """A handle that is readable once the store is written to; -1 where no hints are given.

        Ask for it before you look, and take what it said before first: a hint
        that comes in between stands, for what it hints at may not be seen yet.
        """

    def take_hint(self) -> bool:
        """True when the store was written to since it was last asked to be hinted at."""

    def close(self) -> None:
        """Give back what it takes to tell."""


class Store(ABC):
    """An open database: `write()` and `read()` give the transactions every function here takes."""

    dialect: str  # sqlite | postgresql
    url: str
    path: Path  # of the database's file; of one on a server, where no file is and none will be

    @property
    def local(self) -> Path:
        """The directory on this host in which those who use the store show that they are alive."""
        return self.path.parent

    @abstractmethod
    def write(self) -> AbstractContextManager[Tx]:
        """A transaction that may write; it commits unless the block raises."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Tx]:
        """A transaction over one consistent state, that can only read."""

    @abstractmethod
    def removing(self) -> AbstractContextManager[None]:
        """While the block runs, its objects are removed by this process alone, and `is_removing` says so.

        It ends with the process, and keeps nobody from writing.
        """

    @abstractmethod
    def is_removing(self, tx: Tx) -> bool:
        """True while a process is in `removing`; who enters it later sees what `tx` commits."""

    @abstractmethod
    def now(self) -> datetime:
        """Now, in UTC, by the clock that all who share the store go by."""

    @abstractmethod
    def witness(self, tx: Tx) -> None:
        """Raise `StoreReplaced` where the store lacks what this host saw committed; what it has is noted.

        To be called now and then, in a transaction that appends nothing; each
        new connection to a server is looked at anyhow.
        """

    @abstractmethod
    def changes(self) -> Changes:
        """What tells, at next to no cost, whether another connection has committed since."""

    @abstractmethod
    def close(self) -> None:
        """Let go of every connection, those of other threads too."""

    def refuse_other_schema(self) -> None:
        """Raise `StoreUnusable` unless the schema is the one this version speaks."""
        with self.read() as tx:
            check_revision(tx)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def beside_others(step: Callable[[], None]) -> None:
    """`step`, a transaction, was done; again where what others did at the same moment stood in its way.

    Raises `Contended` where that happened time after time.
    """
    for _ in range(_AGAIN):
        try:
            return step()
        except Contended as error:
            _log.debug("%s; again", error.message)
            time.sleep(random.uniform(*_PAUSE))  # noqa: S311  # spreads those that met, hides nothing
    return step()


def check_revision(tx: Tx) -> None:
    """Raise `StoreUnusable` unless the schema is the one this version speaks."""
    found = revision_in(tx)
    if found == MOVED:
        raise refusal(tx)
    if found != REVISION:
        age, hint = ("newer", "upgrade ingest") if found and found > REVISION else _OLDER
        said = f"the store's schema ({found or 'none'}) is {age} than this ingest ({REVISION})"
        raise StoreUnusable(said, hint=hint)


def revision_in(tx: Tx) -> str | None:
    """The migration the store stands at, as `tx` sees it; None for an empty database."""
    if not inspect(tx).has_table("alembic_version"):
        return None
    return tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
