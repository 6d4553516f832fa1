r"""What may be kept of a message that nobody wrote for keeping, such as that of an unexpected exception.

Such messages quote what was being read: `invalid literal for int() with base
10: '4111…'`. Logs, the store and terminals are read by more people than the
files are, so what is quoted is taken out, and so are long numbers, which are
accounts and cards more often than anything else. Unquoted words stay: a
message can only be told from content where its author marked the content.
"""

from __future__ import annotations

import re

TAKEN_OUT = "…"
_MOST_READ = 2_000  # characters; nobody reads more of a message, and neither do we
# Opened where no word is going on, so not by an apostrophe; closed where none begins, or never: to the end.
_QUOTED = re.compile(r"""(?<![^\W_])(?:[bBuUrR]?)(["'`])(?:\\.|[^\\])*?(?:\1(?!\w)|\\?\Z)""", re.DOTALL)
_LONG_NUMBER = re.compile(r"\w*\d{7,}\w*")


def scrub(message: str) -> str:
    """The first line of `message` without what it quotes and without long numbers."""
    text = _QUOTED.sub(lambda found: f"{found[1]}{TAKEN_OUT}{found[1]}", message[:_MOST_READ])
    return _LONG_NUMBER.sub(TAKEN_OUT, text.partition("\n")[0])
