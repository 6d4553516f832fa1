"""The command line: it parses, calls one function, prints, and answers with an exit code.

This package is the one place that prints. Nothing heavy is imported until a
command needs it: each command is a module of `ingest.cli.commands` that is
loaded when it is asked for, and its own imports stand in its body.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Do what the command line says and leave with its exit code."""
    from ingest.cli.frame import run

    sys.exit(run(sys.argv[1:]))
