"""How a command that fails answers: one line, or one JSON object, and an exit code."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import Any

import typer

from ingest.cli import output
from ingest.domain.nearest import nearest
from ingest.errors import CannotWrite, IngestError, UsageError

_MOST_SAID = 200  # characters of a message that is not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What happened, what to do next, and the exit code."""

    code: str
    message: str
    hint: str
    exit_code: int


def answer(error: Exception, *, as_json: bool, with_trace: bool) -> int:
    """The error has been told on stderr, in one line; its exit code."""
    from ingest.config import mask_url  # not before something has gone wrong

    said = understood(error)
    if with_trace and not isinstance(error, typer.TyperException):
        trace = "".join(traceback.format_exception(error)).rstrip("\n")
        output.complain(mask_url(trace), is_block=True)
    output.complain(_as_json(said) if as_json else _as_text(said))
    return said.exit_code


def understood(error: Exception) -> Answer:
    """The answer to `error`, with passwords masked in it."""
    from ingest.config import mask_url
    from ingest.domain.scrubbing import scrub

    if isinstance(error, IngestError):
        message, hint = mask_url(error.message), mask_url(error.hint)
        return Answer(code=error.code, message=message, hint=hint, exit_code=error.exit_code)
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, typer.Abort):
        return Answer(code="aborted", message="aborted", hint="", exit_code=1)
    if isinstance(error, OSError) and error.errno in output.NO_ROOM:
        message = f"{error.filename or 'the disk'} cannot be written: {error.strerror}"
        return Answer(
            code=CannotWrite.code,
            message=message,
            hint="free or mend the disk",
            exit_code=CannotWrite.exit_code,
        )
    said = scrub(mask_url(str(error)))[:_MOST_SAID]  # it may quote data
    message = f"unexpected {type(error).__name__}: {said}".rstrip(": ")
    return Answer(code="unexpected", message=message, hint="run it again with -v to see where", exit_code=1)


def _usage(error: typer.TyperException) -> Answer:
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "ingest"
    has_own_hint = hasattr(error, "option_name")
    said = _number_wanted(error) or (error.message if has_own_hint else error.format_message())
    message = " ".join(said.split()).rstrip(".")
    return Answer(
        code=UsageError.code,
        message=message[:1].lower() + message[1:],
        hint=_meant(error, context) + f"see `{where} --help`",
        exit_code=UsageError.exit_code,
    )


def _number_wanted(error: typer.TyperException) -> str:
    """What an option takes that was given no number, or none that it can take; empty for any other error."""
    option = getattr(error, "param", None)
    if option is None:
        return ""
    flag = option.opts[-1]
    if "less than" in error.message or "exceeded maximum" in error.message:
        return f"the number of {flag} is too large"
    if "greater than" in error.message:
        return f"{flag} takes a whole number from {option.min} on"
    if "a valid integer" in error.message:
        return f"{flag} takes a whole number"
    return f"{flag} takes a number" if "a valid number" in error.message else ""


def _meant(error: typer.TyperException, context: Any) -> str:
    """Which option was probably meant by one that there is not."""
    wrong = getattr(error, "option_name", None)
    if not isinstance(wrong, str) or context is None:
        return ""
    known = [
        name for param in context.command.get_params(context) for name in (*param.opts, *param.secondary_opts)
    ]
    if wrong in known:
        return ""
    close = nearest(wrong, [name for name in known if name.startswith("--")])
    return "" if close is None else f"did you mean `{close}`? "


def _as_text(said: Answer) -> str:
    return f"error: {said.message}" + (f" — {said.hint}" if said.hint else "")


def _as_json(said: Answer) -> str:
    error = {"code": said.code, "message": said.message, "hint": said.hint, "exit": said.exit_code}
    return json.dumps({"v": 1, "error": error})
