"""What `db` shows: a copy while it is used, and letting go of what is old."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from ingest.archive import Archive, letting_go
from ingest.archive.letting_go import LetGo
from ingest.cli import asking, bars, output, shapes, signals
from ingest.cli.words import size, so_many
from ingest.config.quantities import parse_duration
from ingest.domain.showing import show
from ingest.errors import UsageError
from ingest.store import backup, runs
from ingest.store.backup import Backup
from ingest.store.engine import Store
from ingest.store.runs import Run

if TYPE_CHECKING:
    from rich.console import RenderableType


def back_up(store: Store, file: Path) -> Backup:
    """The copy is at `file`; asked to stop, nothing is, and `KeyboardInterrupt` is raised."""
    with (
        signals.stopping(leave_at=2, is_last=True) as stop,
        bars.progress("copying the database", things="bytes") as advance,
    ):
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


def moment_before(older_than: str | None, now: datetime) -> datetime:
    """What lies before the moment may go; raises `UsageError` where none is named."""
    if older_than is None:
        raise UsageError(
            "how old must it be to go?", hint="say it with --older-than, such as --older-than 90d"
        )
    try:
        return now - parse_duration(older_than)
    except ValueError as error:
        raise UsageError(
            f"--older-than {older_than!r} is not an age: {error}", hint="write it as 90d, or 12h"
        ) from error


def kinds(what: Sequence[str] | None, reason: str) -> frozenset[str]:
    """What is to go; attempts, and what goes with them, where nothing is named. Raises `UsageError`."""
    for kind in what or ():
        if kind not in letting_go.KINDS:
            known = ", ".join(letting_go.KINDS)
            raise UsageError(f"--what {kind!r} is nothing that can be let go", hint=f"it can be {known}")
    if "events" in (what or ()) and not reason.strip():
        raise UsageError(
            "who lets go of events gives a reason", hint="give --reason; it is kept in the record"
        )
    return frozenset(what or ("attempts",))


def recorded(store: Store, what: Collection[str], before: datetime, reason: str) -> Run | None:
    """The run that is to take `what`, where it is recorded, with who wants it and why."""
    with store.write() as tx:
        return letting_go.begin(
            tx, what, before, who=asking.who(), reason=output.one_line(reason), now=store.now()
        )


def let_go(
    archive: Archive, what: Collection[str], before: datetime, run: Run | None, foreseen: LetGo
) -> tuple[LetGo, bool]:
    """What has gone, and whether all of it has: asked to stop, the rest stays for another time."""
    gone = LetGo()
    with (
        signals.stopping(leave_at=2, is_last=True) as stop,
        bars.progress("letting go", total=foreseen.rows, things="records") as advance,
    ):
        began = monotonic()
        for count in letting_go.steps(archive, what, before, run, gone):
            advance(count)
            # As long as a step held the write lock, landing and processing have it to themselves.
            if stop.wait(monotonic() - began):
                return gone, False
            began = monotonic()
    if run is not None:
        with archive.store.write() as tx:
            runs.end(tx, run, now=archive.store.now())
    return gone, True


def pruned_as_json(found: LetGo, before: datetime, *, is_removed: bool) -> dict[str, Any]:
    """The document of `db prune --json`."""
    pruned = found.records
    return {
        "before": shapes.time(before),
        "removed": is_removed,
        "attempts": pruned.attempts,
        "replays": pruned.replays,
        "outcomes": pruned.outcomes,
        "workers": pruned.workers,
        "kept_replays": pruned.kept_replays,
        "live_outcomes": found.outcomes,
        "contents": found.contents,
        "content_bytes": found.content_bytes,
        "events": found.events,
        "run": found.run or None,
    }


def pruned_in_full(found: LetGo, before: datetime, *, is_removed: bool) -> str:
    """What is printed."""
    what = pruned_in_words(found)
    became = "removed" if is_removed else "nothing was done"
    said = f"{what}: {became}" if what else "nothing has to go"
    lines = [f"{said} (from before {shapes.time(before)})"]
    if found.run and what:
        lines.append(f"recorded as run {found.run}")
    if found.records.kept_replays:
        kept = so_many(found.records.kept_replays, "replay")
        lines.append(f"{kept} as old: kept, since no live work handled those events")
    return "\n".join(lines) + "\n"


def pruned_in_words(found: LetGo) -> str:
    """What may go, or has gone; empty for nothing."""
    pruned = found.records
    replays = so_many(pruned.replays, "replay")
    if pruned.outcomes:
        replays += f" with {so_many(pruned.outcomes, 'outcome')}"
    parts = (
        (pruned.attempts, so_many(pruned.attempts, "attempt")),
        (pruned.replays + pruned.outcomes, replays),
        (pruned.workers, so_many(pruned.workers, "start of a process", "starts of processes")),
        (found.contents, f"{so_many(found.contents, 'content')} of {size(found.content_bytes)}"),
        (found.events, so_many(found.events, "event") + " to a tombstone"),
        (found.left_over, so_many(found.left_over, "object") + " left over by an interrupted run"),
        (found.outcomes, so_many(found.outcomes, "outcome") + " of live work"),
    )
    return ", ".join(said for count, said in parts if count)
