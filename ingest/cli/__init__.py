"""The command line: it parses, calls one function, prints, and answers with an exit code.

This package is the one place that prints. Nothing heavy is imported until a
command needs it: each command is a module of `ingest.cli.commands` that is
loaded when it is asked for, and its own imports stand in its body.

`frame` is what every command hangs in, and `wiring` makes settings, store and
archive. What a command shows is gathered and laid out in a module whose name
ends in `view`, in the figures of `words` and the JSON keys of `shapes`.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import NoReturn

_MANY_OBJECTS = 50_000  # new ones between two looks for garbage


def main() -> NoReturn:
    """Do what the command line says and leave with its exit code."""
    if os.getpid() == 1:
        from ingest.cli import first

        first.stand_before()
    # What has not begun, and what is through, may end anywhere, and without a word.
    is_interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_interruptible:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Importing makes a hundred thousand objects and no garbage: looking for it took an eighth of each start.
    gc.set_threshold(_MANY_OBJECTS)
    from ingest.cli.frame import run

    if is_interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run(sys.argv[1:])
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(code)
