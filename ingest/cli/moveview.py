"""What `db copy` does and shows: a store moves to a database on a server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.cli import bars, output, signals
from ingest.cli.words import so_many
from ingest.config import Settings
from ingest.config.masking import mask_url
from ingest.domain.showing import show
from ingest.store import presence
from ingest.store.engine import Store
from ingest.store.moving.move import Move, foresee, move, refuse_other_kinds
from ingest.store.opening import is_moved
from ingest.work.takeover import sweep, take_over

if TYPE_CHECKING:
    from rich.console import RenderableType


def copy(source: Store, target: Store) -> Move:
    """What was moved; asked to stop, nothing was, and `KeyboardInterrupt` is raised."""
    refuse_other_kinds(source, target)
    if not is_moved(source):
        source.refuse_other_schema()
        directory = presence.directory_of(source.path)
        # What died here is charged as the next worker would charge it: there, nobody could tell what ran.
        take_over(source, directory, me="")
        sweep(source, directory)
    with (
        signals.stopping(leave_at=2, is_last=True) as stop,
        bars.progress("copying", things="rows") as advance,
    ):

        def tell(more: int, total: int) -> None:
            if stop.is_set():
                raise KeyboardInterrupt
            advance(more, total)

        return move(source, target, advance=tell)


def would_copy(source: Store, target: Store) -> Move:
    """What would be moved; nothing is changed."""
    return foresee(source, target)


def as_json(moved: Move, *, is_copied: bool) -> dict[str, Any]:
    """The document of `db copy --json`."""
    return {
        "to": moved.place,
        "copied": is_copied,
        "stood": moved.stood,
        "rows": moved.rows,
        "tables": moved.tables,
        "keys": moved.keys,
        "escaped": list(moved.escaped),
        "left": list(moved.others),
    }


def in_full(moved: Move, settings: Settings, to: str, *, is_copied: bool) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    if moved.stood:
        yield Text(f"it was copied to {show(moved.place)} before: nothing is left to do")
    else:
        yield output.facts((show(name), f"{rows:,}") for name, rows in moved.tables.items() if rows)
        became = "copied to" if is_copied else "nothing was done; it would be copied to"
        proved = f", {so_many(moved.keys, 'chain')} verified" if is_copied else ""
        yield Text(f"{so_many(moved.rows, 'row')}: {became} {show(moved.place)}{proved}")
    if moved.escaped:
        yield Text(f"NUL characters are written as \\x00 in: {show(', '.join(moved.escaped))}")
    if moved.others:
        yield Text(f"none of ours, and left behind: {show(', '.join(moved.others))}")
    if is_copied or moved.stood:
        yield from _next(settings, to)


def _next(settings: Settings, to: str) -> Iterator[RenderableType]:
    from rich.text import Text

    yield Text(f"now change two lines of {show(str(settings.file))}:", style="bold")
    yield Text(f'  url = "{show(mask_url(to))}"')
    yield Text('  archive = "…"   # where every host reaches it; copy the archive there first')
    yield Text(
        "the file that was copied is marked as moved and refused from now on; keep it as a backup",
        style="dim",
    )
