"""The frame every command hangs in: global flags before or after it, loading on demand, one way to fail."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from keyword import iskeyword
from typing import Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ingest.cli import answers, completing, given, output
from ingest.cli.asgiven import take_as_given
from ingest.cli.catalogue import COMMANDS, LATER, SECTIONS
from ingest.cli.given import Given
from ingest.domain.nearest import nearest
from ingest.errors import UsageError

INTERRUPTED = 130

_F = TypeVar("_F", bound=Callable[..., Any])
_CONTEXT = {"help_option_names": ["-h", "--help"]}
_NAME_WIDTH = max(map(len, COMMANDS))


class Command(TyperCommand):
    """A command that also takes the global flags; what it returns is its exit code."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, then hidden twins of the global flags."""
        return take_as_given([*super().get_params(ctx), *_twins(self, ctx)])

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What is left of `args`; an error knows the command whose help is to be seen."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if getattr(error, "ctx", ctx) is None:
                vars(error)["ctx"] = ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        """The exit code; logging was set up as the flags say."""
        from ingest.cli import logs

        logs.set_up(ctx.obj)
        _refuse_bytes(ctx)
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # not of our own output: that is `OutputClosed`
            raise RuntimeError("a process that this command talked to is gone") from error


class Group(TyperGroup):
    """A group of commands that also takes the global flags."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its own parameters, then hidden twins of the global flags."""
        return take_as_given([*super().get_params(ctx), *_twins(self, ctx)])

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Its commands, each with a whole sentence: nothing is cut off."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_sentence(self.get_command(ctx, name))) for name in self.list_commands(ctx)]
            )

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` begin with; raises `UsageError` when there is none."""
        if self.get_command(ctx, args[0]) is None:
            _refuse(f"{ctx.command_path} {{}}", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


class Root(TyperGroup):
    """All commands; the module of one is imported only when it is asked for."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The global flags."""
        return take_as_given(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # typer's signature
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # typer's signature
        """The command, loaded; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        return get_command(import_module(f"ingest.cli.commands.{module}").app)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that `args` begin with; raises `UsageError` when there is none."""
        name = args[0]
        if name in LATER:
            raise UsageError(f"`ingest {name}` is not built yet", hint="see `ingest --help` for what is")
        if name not in COMMANDS:
            _refuse("ingest {}", name, COMMANDS)
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The commands by section, then the global flags."""
        for section, commands in SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(_NAME_WIDTH), line) for name, line in commands.items()])
        with formatter.section("Flags of every command"):
            formatter.write_dl(
                [found for param in self.get_params(ctx) if (found := param.get_help_record(ctx))]
            )


class App(typer.Typer):
    """What a command's module hangs its command, or its group of commands, on."""

    def __init__(self, group: str = "") -> None:
        super().__init__(
            cls=Group, help=group, add_completion=False, rich_markup_mode=None, context_settings=_CONTEXT
        )
        if group:
            self.callback(invoke_without_command=True, cls=Group, help=group)(_help_without_command)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[_F], _F]:
        """A command of this app."""
        return super().command(name, **{"cls": Command, "context_settings": _CONTEXT, **settings})


def run(argv: Sequence[str]) -> int:
    """Do what `argv` says; the exit code."""
    output.prepare()
    said = Given()
    try:
        given.refuse_nothing(argv)
        code = get_command(root).main(args=list(argv), prog_name="ingest", standalone_mode=False, obj=said)
        output.flush()
    except output.OutputClosed:
        output.give_up()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  # whatever it is, it becomes one line and an exit code
        if completing.is_asked():
            return 0
        return answers.answer(error, as_json="--json" in argv, with_trace=said.verbose > 0)
    return code if isinstance(code, int) else 0


def _refuse_bytes(ctx: Any) -> None:
    """Raise `UsageError` for a name, a key or an id that is no text; what names a file may be any bytes."""
    for param in ctx.command.params:
        found = ctx.params.get(param.name)
        texts = [found] if isinstance(found, str) else found if isinstance(found, list) else []
        said = param.metavar if param.param_type_name == "argument" else param.opts[-1]
        may_be_bytes = any(word in (param.metavar or "") for word in ("PATH", "FILE", "DIR"))
        if not may_be_bytes and any("\udc80" <= c <= "\udcff" for text in texts for c in text):
            raise UsageError(
                f"{said} is not UTF-8", hint="names, keys and ids are text: write it as it is shown"
            )


def _refuse(line: str, name: str, known: Iterable[str]) -> NoReturn:
    """There is no such command; `line` is the whole one with a gap for its name."""
    meant = nearest(name, known)
    hint = f"see `{line.format('--help')}`" if meant is None else f"did you mean `{line.format(meant)}`?"
    raise UsageError(f"there is no command {line.format(name).removeprefix('ingest ')!r}", hint=hint)


def _first_sentence(command: Any) -> str:
    return str(command.get_short_help_str(limit=sys.maxsize))


def _help_without_command(ctx: typer.Context) -> int | None:
    if ctx.invoked_subcommand is not None:
        return None
    output.write(ctx.get_help() + "\n")
    return UsageError.exit_code


def _twins(command: Any, ctx: Any) -> list[Any]:
    """Hidden copies of the global flags, made once for each command: typer knows parameters by identity."""
    made: list[Any] | None = getattr(command, "global_twins", None)
    if made is None:
        made = [copy.copy(option) for option in ctx.find_root().command.params if option.name in given.NAMES]
        for twin in made:
            twin.hidden, twin.expose_value = True, False
        command.global_twins = made
    return made


root = typer.Typer(cls=Root, rich_markup_mode=None, context_settings=_CONTEXT)


@root.callback(invoke_without_command=True)
def _root(
    ctx: typer.Context,
    config: given.Config = None,  # noqa: ARG001  # kept in ctx.obj by its callback, like all that follow
    verbose: given.Verbose = 0,  # noqa: ARG001
    quieter: given.Quieter = False,  # noqa: ARG001
    log_level: given.LogLevel = None,  # noqa: ARG001
    log_format: given.LogFormat = None,  # noqa: ARG001
    no_color: given.NoColor = False,  # noqa: ARG001
    version: given.Version = False,  # noqa: ARG001
) -> int | None:
    """Files land, every processor handles each of them exactly once, and anything can be replayed."""
    return _help_without_command(ctx)
