"""How far work has come that takes longer than a second: one calm line on the terminal, gone at the end.

Only a person at a terminal sees it, on stderr: no pipe, no file and no log
does, and nobody who asked for warnings only (`-q`).
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from ingest.cli import output, words

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER = 1.0  # seconds before it is shown
_PER_SECOND = 4  # how often it is drawn
_WIDTH = 24  # columns of the bar itself


class Advance(Protocol):
    """Tells the bar how much more is done and, once that is known, how much there is in all."""

    def __call__(self, count: int, total: int | None = None, /) -> None:
        """`count` more is done."""


@contextmanager
def progress(
    label: str, *, total: int | None = None, things: str = "", look: Callable[[], int] | None = None
) -> Iterator[Advance]:
    """A function to call as the work goes on; while no total is known the bar only moves.

    `things` are what is counted: a word in the plural, or `bytes`. Where the
    work tells nobody how far it is, `look` finds out whenever the bar is drawn.
    """
    if not _is_watched():
        yield _tell_nobody
        return
    bar = _bar(things, look)
    task = bar.add_task(label, total=total)

    def advance(count: int, total: int | None = None, /) -> None:
        bar.update(task, advance=count, total=total)

    with _shown_after(AFTER, bar):
        yield advance


@contextmanager
def _shown_after(seconds: float, bar: Progress) -> Iterator[None]:
    """The bar is drawn from then on, also when the work has nothing to tell; it is gone at the end."""
    soon = threading.Timer(seconds, _where_it_can(bar.start))
    soon.daemon = True
    soon.start()
    try:
        yield
    finally:
        soon.cancel()
        soon.join()
        if bar.live.is_started:
            _where_it_can(bar.stop)()


def _where_it_can(draw: Callable[[], None]) -> Callable[[], None]:
    """A terminal that is gone is no reason for the work to fail."""

    def drawn() -> None:
        with suppress(OSError, ValueError):
            draw()

    return drawn


def _is_watched() -> bool:
    wants_to_know = logging.getLogger().isEnabledFor(logging.INFO)
    return wants_to_know and sys.stderr.isatty() and output.console(to_stderr=True).is_interactive


def _tell_nobody(count: int, total: int | None = None, /) -> None:
    """Nobody watches."""


def _said(done: float, total: float | None, things: str) -> str:
    if things == "bytes":
        return words.size(done) if total is None else f"{words.size(done)} of {words.size(total)}"
    if not things:
        return ""
    return f"{done:,.0f} {things}" if total is None else f"{done:,.0f} of {total:,.0f} {things}"


def _bar(things: str, look: Callable[[], int] | None) -> Progress:
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Count(ProgressColumn):
        """How much is done, of how much."""

        def render(self, task: Task) -> Text:
            """In words."""
            return Text(_said(task.completed if look is None else look(), task.total, things))

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(_WIDTH),
        Count(),
        TimeRemainingColumn(compact=True),
        console=output.console(to_stderr=True),
        refresh_per_second=_PER_SECOND,
        redirect_stdout=False,  # data are never ours to move; logs go above the bar
        transient=True,
    )
