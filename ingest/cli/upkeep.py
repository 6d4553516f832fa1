"""Care of the store, as it is told: a copy while it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.cli import bars, signals
from ingest.cli.words import size
from ingest.domain.showing import show
from ingest.store import backup
from ingest.store.backup import Backup
from ingest.store.engine import Store

if TYPE_CHECKING:
    from rich.console import RenderableType


def back_up(store: Store, file: Path) -> Backup:
    """The copy is at `file`; asked to stop, nothing is, and `KeyboardInterrupt` is raised."""
    with signals.stopping() as stop, bars.progress("copying the database", things="bytes") as advance:
        so_far = 0

        def tell(done: int, total: int) -> None:
            nonlocal so_far
            if stop.is_set():
                raise KeyboardInterrupt
            advance(done - so_far, total)
            so_far = done

        return backup.back_up(store, file, advance=tell)


def backup_view(made: Backup, file: Path) -> Iterator[RenderableType]:
    """What is printed of a copy."""
    from rich.text import Text

    events = "no event" if not made.head_position else f"events up to position {made.head_position:,}"
    yield Text(f"{show(os.fsencode(file))}: {size(made.bytes)}, schema {made.schema}, {events}")
    yield Text("it holds small contents only: copy the archive directory now, after it", style="dim")
