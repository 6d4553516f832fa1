"""Asking before something is repeated or destroyed; and who it is that asks."""

from __future__ import annotations

import os
import pwd
import socket

from ingest.cli import output
from ingest.errors import NotConfirmed


def confirm(what: str, *, is_sure: bool) -> None:
    """The user wants `what`: said so with --yes, or when asked on a terminal; else raises `NotConfirmed`."""
    if is_sure:
        return
    if not output.is_terminal():
        raise NotConfirmed(f"{what} needs --yes where nobody can be asked", hint="look first with --dry-run")
    if output.ask(f"{what}? [y/N]: ").lower() not in ("y", "yes"):
        raise NotConfirmed("not confirmed: nothing was done")


def who() -> str:
    """The person at the command line, as far as the system knows."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    behind = os.environ.get("SUDO_USER", "")
    person = f"{behind} as {name}" if behind and behind != name else name
    return f"{output.one_line(person)}@{socket.gethostname()}"
