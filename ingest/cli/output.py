"""Everything that is printed: data to stdout, the rest to stderr, nothing that could move a cursor."""

from __future__ import annotations

import errno
import json
import logging
import os
import select
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ingest.domain.showing import show as shown
from ingest.errors import CannotWrite
from ingest.filesystems import give_name

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
Cell = str | int | float | None


class OutputClosed(Exception):
    """Whoever read our output is gone: there is nobody left to tell."""


def prepare() -> None:
    """Both streams stand and can take any text."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # started with the stream closed
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123  # for the whole process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """`text` is on stdout as it is."""
    with _told():
        sys.stdout.write(text)


def write_bytes(data: bytes) -> None:
    """`data` is on stdout as it is."""
    with _told():
        sys.stdout.buffer.write(data)


def document(value: Mapping[str, Any]) -> None:
    """One JSON document, on one line, pure ASCII."""
    write(json.dumps({"v": 1, **value}) + "\n")


def lines(values: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line."""
    for value in values:
        document(value)


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new private file at `path`, whole or not at all; raises `CannotWrite`, also where one stands."""
    part = path.parent / f".{path.name}.{os.getpid()}.part"
    try:
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield file
        give_name(part, path)
    except OSError as error:
        hint = (
            "name another file" if isinstance(error, FileExistsError) else "name a file that can be written"
        )
        raise CannotWrite(f"cannot write {shown(os.fsencode(path))}: {error.strerror}", hint=hint) from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def printing_aside() -> Iterator[None]:
    """What others print to stdout in the block, however they do it, goes to stderr."""
    flush()
    with ExitStack() as restored:
        with suppress(OSError):  # closed when we began: there is nothing to keep clean
            ours = os.dup(1)
            restored.callback(os.close, ours)
            restored.callback(os.dup2, ours, 1)
            restored.callback(_flush_what_others_left)
            os.dup2(2, 1)
        yield


def _flush_what_others_left() -> None:
    with suppress(OSError, ValueError):
        sys.stdout.flush()


def flush() -> None:
    """All that was written has reached whoever reads it."""
    with _told():
        sys.stdout.flush()


def is_unheard() -> bool:
    """False while somebody may read stdout; raises `OutputClosed` once nobody can, without writing to it."""
    asked = select.poll()
    asked.register(sys.stdout.fileno(), 0)  # an error is told unasked
    if any(told & select.POLLERR for _, told in asked.poll(0)):
        raise OutputClosed
    return False


def give_up() -> None:
    """Nothing more is written to stdout, not even when the interpreter ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str, *, is_block: bool = False) -> None:
    """`text` is on stderr: one line, unless it is a block; a closed stderr is no reason to fail."""
    with suppress(OSError, ValueError):
        said = "\n".join(map(one_line, text.split("\n"))) if is_block else one_line(text)
        sys.stderr.write(said + "\n")
        sys.stderr.flush()


def ask(question: str) -> str:
    """What a person answers in a line; empty where there is none. The question is on stderr."""
    line = ""
    try:
        sys.stderr.write(one_line(question))
        sys.stderr.flush()
        line = sys.stdin.buffer.readline().decode(errors="replace")
    finally:
        if not line.endswith("\n"):  # what is said next begins in a line of its own
            complain("")
    return line.strip()


def one_line(text: str) -> str:
    """`text` with everything that is not printable escaped: the last defence."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def say_none(thing: str, *, is_narrowed: bool = False) -> None:
    """That a list is empty is said on stderr: its lines are data, and there is none.

    Nobody is told who asked for warnings only (`-q`).
    """
    if logging.getLogger().isEnabledFor(logging.INFO):
        complain(f"there is no {'such ' if is_narrowed else ''}{thing}")


def show(*things: RenderableType) -> None:
    """`things` are printed for a person, one below the other."""
    with _told():
        screen = console()
        for thing in apart(things):
            screen.print(thing)


def apart(things: Sequence[RenderableType]) -> Iterator[RenderableType]:
    """`things` with an empty line between a table and what stands above or below it; none at the ends."""
    for former, thing in zip((None, *things), things, strict=False):
        if former is not None and (_is_table(former) or _is_table(thing)):
            yield ""
        yield thing


def console(*, to_stderr: bool = False) -> Console:
    """Where people read: as wide as the terminal, 80 columns elsewhere; names are never markup."""
    from rich.console import Console

    return Console(stderr=to_stderr, markup=False, highlight=False, emoji=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table whose cells are plain text; those below a column that begins with `#` stand to the right.

    It has no empty lines of its own: `apart` parts it from others.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=title or None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for column in columns:
        is_number = column.startswith("#")
        made.add_column(Text(column.lstrip("#")), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if cell is None else one_line(str(cell))) for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, Cell]]) -> Table:
    """Names and values, one pair a line; a value that is None is left out, a claim is yes or no."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            said = ("no", "yes")[value] if isinstance(value, bool) else str(value)
            made.add_row(Text(name, style="dim"), Text(one_line(said)))
    return made


def _is_table(thing: RenderableType) -> bool:
    """True of what `table` makes, false of what `facts` makes."""
    from rich.table import Table

    return isinstance(thing, Table) and thing.box is not None


def is_terminal() -> bool:
    """True when a person reads stdout and can be asked on stdin."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise OutputClosed from None
    except OSError as error:
        if error.errno in NO_ROOM:
            said = f"what is printed cannot be written: {error.strerror}"
            raise CannotWrite(said, hint="free the disk it is to go to, or send it elsewhere") from error
        raise
