"""Logs go to stderr, one line a record: text for people, JSON for machines.

No content can forge a line, and the password of no address is told.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingest.cli.output import one_line
from ingest.config.masking import mask_url
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.cli.given import Given

LEVELS = ("debug", "info", "warning", "error")
FORMATS = ("auto", "text", "json")


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in typeshed only
    """Writes to stderr; whoever closed it does not stop the work."""

    @property
    def stream(self) -> Any:
        """What stderr is now: while a progress bar is drawn, a record stands above it."""
        return sys.stderr

    @stream.setter
    def stream(self, stream: Any) -> None:
        """It is always stderr."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Nobody is left to tell."""


class TextLines(logging.Formatter):
    """`12:30:01 warning watch.loop: what happened`."""

    def format(self, record: logging.LogRecord) -> str:
        """One printable line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        name = record.name.removeprefix("ingest.")
        return one_line(
            f"{at} {record.levelname.lower():7} {name}: {_said(record)}{_trace(self, record, ' | ')}"
        )


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        said = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _said(record),
        }
        trace = _trace(self, record, "")
        return json.dumps({**said, "trace": trace} if trace else said)


def set_up(given: Given | None) -> None:
    """Records at the chosen level go to stderr; of what libraries tell, warnings only."""
    level, form = _level(given), (given.log_format if given else None) or "auto"
    if form not in FORMATS:
        raise UsageError(f"--log-format {form!r} is not known", hint=f"it is one of {', '.join(FORMATS)}")
    is_text = sys.stderr.isatty() if form == "auto" else form == "text"
    handler = _Handler()
    handler.setFormatter(TextLines() if is_text else JsonLines())
    everything = logging.getLogger()
    everything.handlers = [handler]
    everything.setLevel(level)
    for chatty in ("alembic", "sqlalchemy", "watchdog"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def _level(given: Given | None) -> int:
    if given is None:
        return logging.INFO
    if given.log_level is not None:
        if given.log_level.lower() not in LEVELS:
            raise UsageError(
                f"--log-level {given.log_level!r} is not known", hint=f"it is one of {', '.join(LEVELS)}"
            )
        return int(logging.getLevelNamesMapping()[given.log_level.upper()])
    if given.verbose:
        return logging.DEBUG
    return logging.WARNING if given.quieter else logging.INFO


def _said(record: logging.LogRecord) -> str:
    return mask_url(record.getMessage())


def _trace(formatter: logging.Formatter, record: logging.LogRecord, before: str) -> str:
    if not record.exc_info:
        return ""
    return before + mask_url(formatter.formatException(record.exc_info)).replace("\n", " | ")
