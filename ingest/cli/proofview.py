"""Proving log and archive: run with a progress bar, shaped for machines, told to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ingest.archive.verifying import Verification, verify
from ingest.cli import bars, output
from ingest.cli.wiring import Pipeline
from ingest.cli.words import size, so_many
from ingest.domain.showing import show
from ingest.errors import ArchiveDamaged, IngestError, VerificationFailed
from ingest.store import contents
from ingest.store.reading import verifying
from ingest.store.reading.verifying import Break, Proof

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What a proof of the log, and of the archive where that was wanted, came to."""

    log: Proof
    archive: Verification | None

    @property
    def holds(self) -> bool:
        """True when nothing is wrong."""
        return self.log.holds and (self.archive is None or self.archive.is_sound)


def prove(pipeline: Pipeline, *, with_archive: bool) -> Proved:
    """Every chain was walked and, with the archive, every content was hashed again."""
    with pipeline.store.read() as tx:
        total = verifying.count(tx)
    with bars.progress("walking the log", total=total, things="events") as advance:
        log = verifying.verify(pipeline.store, advance=advance)
    return Proved(log=log, archive=prove_archive(pipeline) if with_archive else None)


def prove_archive(pipeline: Pipeline, subset: tuple[int, int] = (1, 1)) -> Verification:
    """Every content of the subset was hashed again."""
    with pipeline.store.read() as tx:
        total = contents.totals(tx).bytes // max(subset[1], 1)
    with bars.progress("hashing the archive", total=total, things="bytes") as advance:
        return verify(pipeline.archive, subset, advance=advance)


def as_json(proved: Proved) -> dict[str, Any]:
    """The document of `events verify --json`."""
    return {
        "events": proved.log.events,
        "keys": proved.log.keys,
        "retired": proved.log.retired,
        "breaks": [asdict(each) for each in proved.log.breaks],
        "archive": None if proved.archive is None else archive_as_json(proved.archive),
        "holds": proved.holds,
    }


def archive_as_json(report: Verification) -> dict[str, Any]:
    """The document of `archive verify --json`."""
    return {**asdict(report), "sound": report.is_sound}


def view(proved: Proved) -> Iterator[RenderableType]:
    """What is printed of a proof."""
    from rich.text import Text

    log = proved.log
    yield Text(f"log: {so_many(log.events, 'event')} under {so_many(log.keys, 'key')} walked")
    if log.retired:
        yield Text(
            f"{so_many(log.retired, 'event')} retired: their place in the chain stands, without their bytes"
        )
    if log.breaks:
        yield output.table(
            "Breaks",
            ("#position", "key", "#keyseq", "problem"),
            [(b.position, show(b.key), b.keyseq, b.problem) for b in log.breaks],
        )
    if proved.archive is not None:
        yield from archive_view(proved.archive)
    if proved.holds:
        yield Text("every chain holds", style="green")


def archive_view(report: Verification) -> Iterator[RenderableType]:
    """What is printed of the archive's proof."""
    from rich.text import Text

    yield Text(f"archive: {so_many(report.checked, 'content')}, {size(report.bytes)} hashed again")
    found = {
        "missing": report.missing,
        "damaged": report.damaged,
        "orphan": report.orphans,
        "unfinished": report.unfinished,
    }
    rows = [(what, show(name)) for what, names in found.items() for name in names]
    if rows:
        yield output.table("", ("what", "name"), rows)


def failure(proved: Proved) -> IngestError:
    """The error that names the first thing that is wrong."""
    if proved.log.breaks:
        return VerificationFailed(
            _told(proved.log.breaks[0]), hint="restore the store from a backup from before it"
        )
    return (
        archive_failure(proved.archive)
        if proved.archive is not None
        else VerificationFailed("the proof failed")
    )


def archive_failure(report: Verification) -> ArchiveDamaged:
    """The error that names the first content that is missing or damaged."""
    digest, what = (report.missing[0], "missing") if report.missing else (report.damaged[0], "damaged")
    count = len(report.missing) + len(report.damaged)
    message = f"{so_many(count, 'archived content')} missing or damaged; the first, {digest}, is {what}"
    return ArchiveDamaged(message, hint="restore them from a backup")


def _told(first: Break) -> str:
    where = "" if first.position is None else f", position {first.position}"
    return f"the log breaks at key {show(first.key)}, keyseq {first.keyseq}{where}: {first.problem}"
