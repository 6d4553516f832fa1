"""One batch of whole files becomes committed facts, in one transaction.

What each file means is decided in here, against what stands: a crash, a
rescan or a second watcher on the same directory can only come to what stands
already. Within a batch, earlier files count as standing for later ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ingest.domain.identity import Meaning, Standing, meaning
from ingest.store import contents, landings, sightings, sources
from ingest.store.engine import Tx
from ingest.store.landings import Landing
from ingest.store.outbox import Draft, append
from ingest.store.sightings import Landed, Look, Waiting
from ingest.store.sources import Counts
from ingest.watch import facts
from ingest.watch.facts import Origin
from ingest.watch.root import Root
from ingest.watch.scan import Refusal
from ingest.watch.take import Taken


class _New(NamedTuple):
    """A file that is a version of its own."""

    taken: Taken
    version: int
    original: str  # id of the event that first landed these bytes in this source
    draft: Draft


@dataclass(slots=True)
class _Decided:
    """What a batch comes to, file by file, as it is gone through."""

    standing: dict[bytes, Standing]
    known: set[str]  # digests of contents the archive holds, those of this batch included
    firsts: dict[str, tuple[bytes, str, str]] = field(
        default_factory=dict
    )  # digest -> path, event id, original
    new: list[_New] = field(default_factory=list)
    redelivered: list[Look] = field(default_factory=list)
    fresh: list[tuple[str, int, bytes | None]] = field(default_factory=list)  # contents to keep


def land(tx: Tx, origin: Origin, root: Root, batch: Sequence[Taken], *, now: datetime) -> Counts:
    """Every file of `batch` stands landed, or counted as delivered again, or changes nothing."""
    decided = _Decided(
        standing=sightings.standing(tx, origin.name, [taken.look.path for taken in batch]),
        known=contents.known(tx, [taken.sha256 for taken in batch]),
    )
    for taken in batch:
        _decide(tx, origin, root, taken, decided, now=now)
    contents.keep(tx, decided.fresh)
    positions = append(tx, [new.draft for new in decided.new], now=now)
    landed = [(new, at) for new, at in zip(decided.new, positions, strict=True) if at is not None]
    landings.record(tx, origin.name, [_landing(new, at) for new, at in landed], now=now)
    sightings.land(tx, origin.name, [_landed(new) for new in decided.new], now=now)
    sightings.redeliver(tx, origin.name, decided.redelivered, now=now)
    counts = Counts(landed=len(landed), redelivered=len(decided.redelivered))
    sources.count(tx, origin.name, counts)
    return counts


def refuse(tx: Tx, origin: Origin, refusals: Sequence[Refusal], *, now: datetime) -> Counts:
    """Every one of `refusals` is known, and stated once for its tuple."""
    positions = append(tx, [facts.refused(origin, refusal, now=now) for refusal in refusals], now=now)
    sightings.refuse(tx, origin.name, [Waiting(r.look, now, f"{r.reason}: {r.message}") for r in refusals])
    counts = Counts(refused=sum(position is not None for position in positions))
    sources.count(tx, origin.name, counts)
    return counts


def _decide(tx: Tx, origin: Origin, root: Root, taken: Taken, decided: _Decided, *, now: datetime) -> None:
    (path, stat), sha256 = taken.look, taken.sha256
    standing = decided.standing.get(path)
    means = meaning(
        stat,
        sha256,
        standing,
        is_there=lambda: root.shows(path, stat),
        has_landed=lambda: landings.has_landed(tx, origin.name, path, sha256, stat),
    )
    if means is Meaning.STANDS:
        return
    if means is Meaning.REDELIVERED:
        decided.redelivered.append(taken.look)
        return
    duplicate_of, original = _copies(tx, origin, taken, decided)
    version, draft = facts.landed(origin, taken, standing, duplicate_of=duplicate_of, now=now)
    decided.new.append(_New(taken, version, original or draft.id, draft))
    decided.standing[path] = Standing(version=version, sha256=sha256, event_id=draft.id, delivered=stat)
    decided.firsts.setdefault(sha256, (path, draft.id, original or draft.id))
    if sha256 not in decided.known:
        decided.known.add(sha256)
        decided.fresh.append((sha256, stat.size, taken.data))


def _copies(tx: Tx, origin: Origin, taken: Taken, decided: _Decided) -> tuple[str | None, str | None]:
    """The event of the first landing of these bytes at another path of the source, and of the first at any.

    Empty files are never copies of one another.
    """
    path, sha256 = taken.look.path, taken.sha256
    if sha256 not in decided.known or taken.look.stat.size == 0:
        return None, None
    elsewhere, original = landings.firsts(tx, origin.name, path, sha256)
    in_batch = decided.firsts.get(sha256)
    if in_batch is not None:
        original = original or in_batch[2]
        if elsewhere is None and in_batch[0] != path:
            elsewhere = in_batch[1]
    return elsewhere, original


def _landing(new: _New, position: int) -> Landing:
    path, stat = new.taken.look
    return Landing(
        sha256=new.taken.sha256,
        path=path,
        version=new.version,
        position=position,
        seen=stat,
        original=new.original,
    )


def _landed(new: _New) -> Landed:
    return Landed(new.taken.look, new.version, new.taken.sha256, new.draft.id)
