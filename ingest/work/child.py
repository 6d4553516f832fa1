"""The child process: it alone runs processor code. Started as `python -m ingest.work.child`.

It is told what to do on standard input, woken through one pipe, and says what
it did through another. It dies with its supervisor, and at its own end it
waits for nothing that a processor may have left to be done at exit.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for what of it could go takes an eighth of that time

import json
import logging
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from ingest.archive import Archive
from ingest.config import location
from ingest.domain.showing import show
from ingest.errors import IngestError
from ingest.store.engine import Store
from ingest.store.opening import open_store
from ingest.store.presence import board_at
from ingest.work.cycle import Cycle
from ingest.work.keeper import Keeper
from ingest.work.leftovers import die_with
from ingest.work.loading import load
from ingest.work.outages import LONGEST_PAUSE, OUTAGES, PAUSE
from ingest.work.outfit import Assignment, fit_out
from ingest.work.spec import LOG_FD, REPORT_FD, WAKE_FD, ChildSpec
from ingest.work.stage import Stage
from ingest.work.started import Reporter, end_with, leave_no_core, own_handle
from ingest.work.trade import Trade

_LOG_CHARS = 2000  # of one record
_MANY_OBJECTS = 10_000  # new ones between two looks for garbage: looking is a tenth of the reading of a table
_GLANCE = 0.05  # seconds between two looks at whether to stop
_stopping = False


def main() -> int:
    """Work until told to stop; 0 when that was so."""
    spec = ChildSpec.from_json(sys.stdin.readline())
    die_with(spec.parent)  # where the kernel does not offer that, the closed pipe tells
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the supervisor's affair
    leave_no_core()
    wake, report_to, log_to = (own_handle(name) for name in (WAKE_FD, REPORT_FD, LOG_FD))
    _log_to(log_to, spec.log_level)
    report = Reporter(report_to)
    try:
        trades = _trades(spec)  # first: whatever an import does, nothing of ours is open yet
        report.say(kind="loaded")
        with open_store(spec.store_url, Path(spec.store_local)) as store, board_at(Path(spec.lock)) as board:
            archive = Archive(store, location(spec.archive))  # before any limit holds
            stage = Stage(board=board, slot=spec.slot, keeper=_settle_in(spec, store))
            assignment = Assignment(
                worker=spec.worker, child=spec.child, limit=spec.limit, is_stopping=lambda: _stopping
            )
            cycle = fit_out(store, archive, trades, stage=stage, assignment=assignment)
            report.say(kind="ready")
            _work(cycle, wake, report)
    except IngestError as error:
        report.say(kind="failed", error=error.message, hint=error.hint, exit=error.exit_code)
        return error.exit_code
    return 0


def _settle_in(spec: ChildSpec, store: Store) -> Keeper:
    """The process as processors are to find it, with everything open that the engine keeps open."""
    with store.write(), store.read():
        pass
    sys.path[:] = [os.path.abspath(folder) for folder in sys.path]  # noqa: PTH100  # entries are text
    for stream in (sys.__stdout__, sys.__stderr__):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # both are text files
    tempfile.tempdir = spec.room  # where that is full it is said, and no other place is taken
    return Keeper(Path(spec.room))


def _work(cycle: Cycle, wake: int, report: Reporter) -> None:
    refusals = 0  # one after the other
    while not _stopping and not cycle.has_spent_limit() and not cycle.stage.keeper.is_worn():
        try:
            has_worked = cycle.turn()
        except OUTAGES as error:
            refusals += 1
            report.say(kind="refused", error=error.message, hint=error.hint, exit=error.exit_code)
            _give_back(cycle)
            _pause(min(PAUSE * 2 ** min(refusals - 1, 10), LONGEST_PAUSE))
            continue
        refusals = 0
        if has_worked:
            _tell(cycle, report)
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
        except OUTAGES:
            cycle.abandon()
            if _stopping:
                return
            _pause(PAUSE)
        else:
            return


def _pause(seconds: float) -> None:
    """So many seconds are over, or the child is to stop."""
    until = time.monotonic() + seconds
    while not _stopping and time.monotonic() < until:
        time.sleep(_GLANCE)


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


def _trades(spec: ChildSpec) -> dict[str, Trade]:
    """The code of every processor, imported."""
    local = None if spec.processors_dir is None else Path(spec.processors_dir)
    return {
        p.name: Trade.of(p, load(p.use, local=local, memory_max=p.memory_max).processor)
        for p in spec.processors
    }


def _stop(_signal: int, _frame: object) -> None:
    global _stopping  # noqa: PLW0603  # what a signal handler can reach
    _stopping = True


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps({"level": record.levelname, "message": show(record.getMessage()[:_LOG_CHARS])})


def _log_to(handle: int, level: int) -> None:
    """Log records go to the supervisor, which writes them in the format that was asked for."""
    handler = logging.StreamHandler(os.fdopen(handle, "w", buffering=1))
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(_MANY_OBJECTS)
    gc.enable()
    end_with(main)
