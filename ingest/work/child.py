"""The child process: it alone runs processor code. Started as `python -m ingest.work.child`.

It is told what to do on standard input, woken through one pipe, and says what
it did through another. It dies with its supervisor.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest.archive import Archive
from ingest.domain.showing import show
from ingest.errors import CannotWrite, IngestError, TryAgain
from ingest.registry import find
from ingest.store import booking
from ingest.store.engine import Store, open_store
from ingest.store.presence import Board
from ingest.work.context import Surroundings
from ingest.work.cycle import Cycle, wall_clock
from ingest.work.settle import Trade
from ingest.work.shelf import Shelf
from ingest.work.spec import LOG_FD, REPORT_FD, WAKE_FD, ChildSpec

_log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1  # prctl(2)
_RETRY_AFTER = 1.0  # seconds, when the disk refuses
_stopping = False


def main() -> int:
    """Work until told to stop; 0 when that was so."""
    spec = ChildSpec.from_json(sys.stdin.readline())
    _die_with(spec.parent)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the supervisor's affair
    _log_to(int(os.environ.pop(LOG_FD)), spec.log_level)
    wake, report = int(os.environ.pop(WAKE_FD)), Reporter(int(os.environ.pop(REPORT_FD)))
    try:
        with open_store(spec.store_url) as store, open(spec.lock, "r+b") as lock:  # noqa: PTH123  # a handle to map
            cycle = _cycle(spec, store, Board(lock.fileno()))
            report.say(kind="ready")
            _work(cycle, wake, report)
    except IngestError as error:
        report.say(kind="failed", error=error.message, hint=error.hint, exit=error.exit_code)
        return error.exit_code
    return 0


class Reporter:
    """What the child says to its supervisor: one JSON object a line."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def say(self, **message: Any) -> None:
        """The supervisor will read `message`; a supervisor that is gone takes us with it."""
        os.write(self._handle, json.dumps(message).encode() + b"\n")


def _work(cycle: Cycle, wake: int, report: Reporter) -> None:
    while not _stopping and not cycle.has_spent_limit():
        try:
            if cycle.turn():
                _tell(cycle, report)
                continue
        except (CannotWrite, TryAgain) as error:
            _log.error("%s: %s; trying again", error.message, error.hint)  # the trace says nothing more
            _give_back(cycle)
            continue
        report.say(kind="idle")
        _wait(wake)
    _give_back(cycle)
    _tell(cycle, report)


def _give_back(cycle: Cycle) -> None:
    """Everything held is settled or released, as soon as the store can be written again."""
    while True:
        try:
            cycle.release()
        except (CannotWrite, TryAgain):
            cycle.abandon()
            if _stopping:
                return
            time.sleep(_RETRY_AFTER)
        else:
            return


def _tell(cycle: Cycle, report: Reporter) -> None:
    if ended := cycle.take_ended():
        report.say(kind="ended", **ended)


def _wait(wake: int) -> None:
    """Return when the supervisor pokes; leave with it when it is gone."""
    while not _stopping:
        if select.select([wake], [], [], 1.0)[0]:
            if not os.read(wake, 4096):
                sys.exit(0)
            return


def _cycle(spec: ChildSpec, store: Store, board: Board) -> Cycle:
    shelf = Shelf(Archive(store, Path(spec.archive)))
    local = None if spec.processors_dir is None else Path(spec.processors_dir)
    trades = {p.name: Trade.of(p, find(p.use, local=local).processor) for p in spec.processors}

    def around(name: str, flush: Callable[[], None]) -> Surroundings:
        trade = trades[name]
        _limit_memory(trade.spec.memory_max)

        def read(table: Any, equal: dict[str, Any]) -> list[dict[str, Any]]:
            flush()
            with store.read() as tx:
                return booking.select_rows(tx, table, equal)

        return Surroundings(
            processor=name, options=trade.spec.options, open=shelf.open, select=read, clock=wall_clock
        )

    return Cycle(
        store=store,
        trades=trades,
        around=around,
        expect=shelf.expect,
        board=board,
        slot=spec.slot,
        worker=spec.worker,
        child=spec.child,
        is_stopping=lambda: _stopping,
        limit=spec.limit,
    )


def _limit_memory(bytes_: int) -> None:
    """Further memory is refused above `bytes_` of address space: the processor sees a MemoryError."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(
        resource.RLIMIT_AS, (bytes_ if hard == resource.RLIM_INFINITY else min(bytes_, hard), hard)
    )


def _die_with(parent: int) -> None:
    """SIGKILL reaches us when our supervisor dies (Linux; elsewhere the closed pipe tells us)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def _stop(_signal: int, _frame: object) -> None:
    global _stopping  # noqa: PLW0603  # what a signal handler can reach
    _stopping = True


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {"level": record.levelname, "logger": record.name, "message": show(record.getMessage())},
            ensure_ascii=False,
        )


def _log_to(handle: int, level: int) -> None:
    """Log records go to the supervisor, which writes them in the format that was asked for."""
    handler = logging.StreamHandler(os.fdopen(handle, "w", buffering=1))
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)


if __name__ == "__main__":
    sys.exit(main())
