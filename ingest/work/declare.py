"""The process that imports processors to see what they declare. Started as `python -m ingest.work.declare`.

Whatever a module does to its process when it is imported, it does here, and
ends nobody else. There are two of them: one imports, and one waits for it, so
that a module that kills its parent does not kill who asked.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import traceback
from pathlib import Path
from typing import Any

from ingest.errors import IngestError
from ingest.work.declared import Declared
from ingest.work.leftovers import die_with
from ingest.work.loading import load
from ingest.work.spec import REPORT_FD


def main() -> None:
    """Every processor asked for was imported and has been reported, or the first that could not be."""
    asked = json.loads(sys.stdin.readline())
    report = int(os.environ.pop(REPORT_FD))
    os.set_inheritable(report, False)  # noqa: FBT003  # the name says it
    die_with(asked["parent"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold whatever a module reads
    waiting = os.getpid()
    importing = os.fork()
    if importing:
        _end_as(os.waitpid(importing, 0)[1])
    die_with(waiting)
    _declare(asked, report)


def _declare(asked: dict[str, Any], report: int) -> None:
    local = None if asked["processors_dir"] is None else Path(asked["processors_dir"])
    for each in asked["processors"]:
        name = each["name"]
        _say(report, kind="loading", name=name)
        try:
            found = load(each["use"], local=local, memory_max=each["memory_max"])
            found.processor.check_options(name, each["options"])
            said = Declared.of(found.processor, origin=found.origin).to_json()
        except IngestError as error:
            _say(report, kind="refused", name=name, error=error.message, hint=error.hint)
            return
        _say(report, kind="declared", name=name, declared=said)


def _say(report: int, **message: Any) -> None:
    os.write(report, json.dumps(message).encode() + b"\n")


def _end_as(status: int) -> None:
    """This process ends as the one it waited for has."""
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def _end() -> None:
    """Declare, then end at once: nothing that a module registered for the exit can hold the process up."""
    try:
        main()
    except BaseException:  # noqa: BLE001  # whoever asked is told that it ended
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    _end()
