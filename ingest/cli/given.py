"""The global flags, taken before and after the command: every command has them as `ctx.obj`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer import Option

from ingest.cli import output
from ingest.errors import UsageError

_MAY_SAY_NOTHING = ("--reason",)


@dataclass(slots=True, kw_only=True)
class Given:
    """What the global flags said, wherever on the line they stood."""

    config: str | None = None
    verbose: int = 0
    quieter: bool = False
    log_level: str | None = None
    log_format: str | None = None
    no_color: bool = False


def refuse_nothing(argv: Sequence[str]) -> None:
    """Raise `UsageError` for an argument that says nothing, or that no file or name can hold."""
    for former, argument in zip(("", *argv), argv, strict=False):
        if "\0" in argument:
            raise UsageError(
                "an argument holds a NUL character", hint="no file and no name can: leave it out"
            )
        is_of_flag = argument == "" and former.startswith("-")
        flag = former if is_of_flag else argument.removesuffix("=")
        says_nothing = argument == "" or (argument.startswith("--") and argument.endswith("="))
        if says_nothing and flag not in _MAY_SAY_NOTHING:
            raise UsageError(
                f"the value of {flag or 'an argument'} is empty", hint="leave it out, or write what is meant"
            )


def _remember(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    given = ctx.find_object(Given)
    if value and given is not None and param.name is not None:
        setattr(given, param.name, given.verbose + value if param.name == "verbose" else value)
    return value


def _colourless(ctx: typer.Context, param: typer.CallbackParam, value: bool) -> bool:
    if value:
        os.environ["NO_COLOR"] = "1"  # rich, and the processes we start, look there
    return bool(_remember(ctx, param, value))


def _version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        output.write(f"ingest {version('ingest')}\n")
        raise typer.Exit


def _kept(*names: str, says: str, callback: Any = _remember, **settings: Any) -> Any:
    return Option(*names, help=says, callback=callback, show_default=False, **settings)


Config = Annotated[
    str | None,
    _kept("-C", "--config", metavar="FILE", says="Where ingest.toml is; INGEST_CONFIG says it too."),
]
Verbose = Annotated[int, _kept("-v", count=True, says="Log details; show the traceback of an error.")]
Quieter = Annotated[bool, _kept("-q", says="Log warnings and errors only.")]
LogLevel = Annotated[str | None, _kept("--log-level", metavar="LEVEL", says="debug, info, warning or error.")]
LogFormat = Annotated[
    str | None, _kept("--log-format", metavar="FORMAT", says="auto, text or json; auto: text on a terminal.")
]
NoColor = Annotated[bool, _kept("--no-color", says="No colours; NO_COLOR says it too.", callback=_colourless)]
Version = Annotated[
    bool, _kept("--version", says="Show the version and leave.", callback=_version, is_eager=True)
]

NAMES = ("config", "verbose", "quieter", "log_level", "log_format", "no_color", "version")
