"""The real command line, read from the program itself: every command with its flags."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from typer.main import get_command

from ingest.cli.frame import root

GLOBAL = frozenset(
    {"-C", "--config", "-v", "-q", "--log-level", "--log-format", "--no-color", "--version", "-h", "--help"}
)
_COMPLETION = frozenset({"--install-completion", "--show-completion"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag by all its names; `value` is what stands for its value, empty for a switch.

    `default` is what holds without it, empty where nothing does, or the settings.
    """

    names: tuple[str, ...]
    value: str
    is_repeated: bool
    is_required: bool
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command by its full name, such as `ingest events list`."""

    name: str
    flags: tuple[Flag, ...]
    arguments: tuple[str, ...]

    @property
    def flag_names(self) -> frozenset[str]:
        return frozenset(name for flag in self.flags for name in flag.names)


@cache
def commands() -> dict[str, Command]:
    """Every command that does something, by name."""
    return {command.name: command for command in _below(get_command(root), "ingest")}


def groups() -> frozenset[str]:
    """The names of all groups of commands, `ingest` itself included."""
    return frozenset(
        " ".join(name.split()[:depth]) for name in commands() for depth in range(1, len(name.split()))
    )


def root_flags() -> frozenset[str]:
    """The flags of `ingest` itself."""
    names = frozenset(name for param in get_command(root).params for name in param.opts)
    return (names | {"-h", "--help"}) - _COMPLETION


def _below(command: Any, name: str) -> Iterator[Command]:
    if not hasattr(command, "list_commands"):
        yield Command(name=name, flags=tuple(_flags(command)), arguments=tuple(_arguments(command)))
        return
    for below in command.list_commands(None):
        yield from _below(command.get_command(None, below), f"{name} {below}")


def _flags(command: Any) -> Iterator[Flag]:
    for param in command.params:
        if param.param_type_name == "option" and not param.hidden:
            value = "" if param.is_flag else param.metavar
            yield Flag(
                names=tuple(param.opts),
                value=value,
                is_repeated=param.multiple,
                is_required=param.required,
                default="" if param.is_flag or not param.default else str(param.default),
            )


def _arguments(command: Any) -> Iterator[str]:
    return (param.metavar for param in command.params if param.param_type_name == "argument")
