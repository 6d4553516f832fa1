"""The process that imports processors to see what they declare. Started as `python -m ingest.work.declare`.

Whatever a module does to its process when it is imported, it does here, and
ends nobody else. There are two of them: one imports, and one waits for it, so
that a module that kills its parent does not kill who asked.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays, as in a child

import json
import os
import sys
from pathlib import Path
from typing import Any

from ingest.errors import IngestError
from ingest.work.declared import Declared
from ingest.work.leftovers import die_with
from ingest.work.loading import load
from ingest.work.spec import REPORT_FD
from ingest.work.started import Reporter, end_with, leave_no_core, own_handle


def main() -> int:
    """Every processor asked for was imported and has been reported, or the first that could not be."""
    asked = json.loads(sys.stdin.readline())
    report = Reporter(own_handle(REPORT_FD))
    die_with(asked["parent"])
    leave_no_core()
    waiting = os.getpid()
    importing = os.fork()
    if importing:
        _end_as(os.waitpid(importing, 0)[1])
    die_with(waiting)
    _declare(asked, report)
    return 0


def _declare(asked: dict[str, Any], report: Reporter) -> None:
    local = None if asked["processors_dir"] is None else Path(asked["processors_dir"])
    for each in asked["processors"]:
        name = each["name"]
        report.say(kind="loading", name=name)
        try:
            found = load(each["use"], local=local, memory_max=each["memory_max"])
            found.processor.check_options(name, each["options"])
            declared = Declared.of(found.processor, name, each["options"], origin=found.origin)
        except IngestError as error:
            report.say(kind="refused", name=name, error=error.message, hint=error.hint)
            return
        report.say(kind="declared", name=name, declared=declared.to_json())


def _end_as(status: int) -> None:
    """This process ends as the one it waited for has."""
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    end_with(main)
