"""How a process came to its end, in words."""

from __future__ import annotations

import signal


def in_words(returncode: int) -> str:
    """What `Popen.returncode` says: `killed by SIGSEGV`, `exited with status 3`."""
    if returncode < 0:
        return f"killed by {_name(-returncode)}"
    return f"exited with status {returncode}"


def unrepeated(printed: int) -> str:
    """That a process printed so many bytes, to follow what is said of it; what it was may be a secret."""
    return f"; it printed {printed} bytes, not repeated here" if printed else ""


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
