"""Why a content is not what it was declared to be."""

from __future__ import annotations

from ingest.errors import PermanentError


class Refused(PermanentError):
    """A content breaks a rule of its format; it will never be right, however often it is tried.

    `where` is the place (`line 3`, `byte 17`, `entry 2 of batch 1`), `rule` the
    stable word of the rule, `message` says what was found. None of them quotes
    more of the content than a number or a word the format itself knows: they
    go to logs and to the screen.
    """

    def __init__(self, message: str, *, rule: str, where: str = "", hint: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.where = where
        self.rule = rule
