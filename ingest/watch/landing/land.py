"""One batch of whole files becomes committed facts, in one transaction.

What each file means is decided in here, against what stands: a crash, a
rescan or a second watcher on the same directory can only come to what stands
already. Within a batch, earlier files count as standing for later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

from ingest.domain.identity import Meaning, Standing, meaning
from ingest.domain.settling import StatTuple
from ingest.store import contents, departures, landings, sightings, sources
from ingest.store.contents import First
from ingest.store.departures import Owed
from ingest.store.dialect import enter_landing
from ingest.store.engine import Tx
from ingest.store.landings import Landing
from ingest.store.outbox import Draft, append
from ingest.store.sightings import Landed, Look, Waiting
from ingest.store.sources import Counts
from ingest.watch.landing import drafts
from ingest.watch.landing.drafts import Origin
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.scan import Refusal

Shows = Callable[[bytes, StatTuple], bool]


class Came(NamedTuple):
    """What a batch came to."""

    counts: Counts
    turned_away: Sequence[tuple[bytes, str]]  # paths that neither landed nor were counted, and why
    objects_again: Sequence[str]  # contents that had been let go and count on their objects again


class _New(NamedTuple):
    """A file that is a version of its own."""

    taken: Taken
    version: int
    is_first: bool  # its content is new to the archive
    draft: Draft


class _Away(NamedTuple):
    """Known bytes at a new path, where the policy is not to land them."""

    look: Look
    sha256: str
    draft: Draft
    said: str


@dataclass(slots=True)
class _Decided:
    """What a batch comes to, file by file, as it is gone through."""

    standing: dict[bytes, Standing]
    firsts: dict[str, First]  # of the contents the archive holds, those of this batch included
    new: list[_New] = field(default_factory=list)
    redelivered: list[Look] = field(default_factory=list)
    suppressed: list[_Away] = field(default_factory=list)
    refused: list[_Away] = field(default_factory=list)
    again: dict[str, _New] = field(
        default_factory=dict
    )  # by digest: the first of this batch with known bytes


def land(  # noqa: PLR0913  # what lands, from where, and what was prepared of it
    tx: Tx,
    origin: Origin,
    shows: Shows,
    batch: Sequence[Taken],
    *,
    leaves: bool,
    now: datetime,
    ahead: Sequence[Draft] = (),
) -> Came:
    """Every file of `batch` has landed, is counted as delivered again, is turned away, or changes nothing.

    `shows` tells whether the file at a path still has this tuple; `leaves`
    says that what has landed, was delivered again or is suppressed is to leave the source.
    `ahead` may have, for each of them, its fact as it reads where the path and the bytes are new.
    """
    enter_landing(tx)
    decided = _Decided(
        standing=sightings.lock_standing(tx, origin.name, [taken.look.path for taken in batch]),
        firsts=contents.firsts(tx, [taken.sha256 for taken in batch]),
    )
    for taken, draft in zip(batch, ahead or repeat(None, len(batch)), strict=True):
        _decide(tx, origin, shows, taken, decided, draft, now=now)
    positions = append(tx, [new.draft for new in decided.new], now=now)
    kept = [_content(new) for new in decided.new if new.is_first]
    contents.keep(tx, origin.name, kept)
    again = contents.keep_again(tx, [_content(new) for new in decided.new if not new.is_first])
    landed = [_landing(new, at) for new, at in zip(decided.new, positions, strict=True) if at is not None]
    landings.record(tx, origin.name, landed, now=now)
    sightings.land(tx, origin.name, [_landed(new) for new in decided.new], now=now)
    sightings.redeliver(tx, origin.name, decided.redelivered, now=now)
    away = _turn_away(tx, origin, decided, now=now)
    if leaves:
        departures.owe(tx, origin.name, _leaving(decided, batch), now=now)
    counts = away + Counts(
        landed=len(landed),
        redelivered=len(decided.redelivered),
        contents=len(kept) + len(again),
        content_bytes=sum(new.size for new in (*kept, *again)),
    )
    sources.count(tx, origin.name, counts)
    turned_away = [(a.look.path, a.said) for a in (*decided.suppressed, *decided.refused)]
    return Came(counts, turned_away, [new.sha256 for new in again if new.data is None])


def refuse(tx: Tx, origin: Origin, refusals: Sequence[Refusal], *, now: datetime) -> Counts:
    """Every one of `refusals` is known, and stated once for its tuple."""
    enter_landing(tx)
    positions = append(tx, [drafts.refused(origin, refusal, now=now) for refusal in refusals], now=now)
    sightings.refuse(tx, origin.name, [Waiting(r.look, now, f"{r.reason}: {r.message}") for r in refusals])
    counts = Counts(refused=sum(position is not None for position in positions))
    sources.count(tx, origin.name, counts)
    return counts


def _decide(  # noqa: PLR0913  # one file, what is known of it, and what was decided before
    tx: Tx,
    origin: Origin,
    shows: Shows,
    taken: Taken,
    decided: _Decided,
    ahead: Draft | None,
    *,
    now: datetime,
) -> None:
    (path, stat), sha256 = taken.look, taken.sha256
    standing = decided.standing.get(path)
    means = meaning(
        stat,
        sha256,
        standing,
        is_there=lambda: shows(path, stat),
        has_landed=lambda: landings.has_landed(tx, origin.name, path, stat),
    )
    if means is Meaning.STANDS and not origin.insists:
        return
    if means is Meaning.REDELIVERED and not (origin.lands_resends or origin.insists):
        decided.redelivered.append(taken.look)
        return
    first = decided.firsts.get(sha256)
    duplicate_of = first_elsewhere(tx, origin, taken, first, decided.again.get(sha256))
    if duplicate_of is not None and standing is None and origin.duplicates != "flag":
        _note_away(origin, taken, duplicate_of, decided, now=now)
        return
    if standing is None and duplicate_of is None and ahead is not None:
        version, draft = 1, ahead
    else:
        version, draft = drafts.landed(origin, taken, standing, duplicate_of=duplicate_of, now=now)
    new = _New(taken, version, first is None, draft)
    decided.new.append(new)
    decided.standing[path] = Standing(version, sha256, draft.id, stat)
    if first is None:
        decided.firsts[sha256] = First(origin.name, path, version)
    else:
        decided.again.setdefault(sha256, new)


def _note_away(origin: Origin, taken: Taken, duplicate_of: str, decided: _Decided, *, now: datetime) -> None:
    said = f"the same bytes as event {duplicate_of}"
    if origin.duplicates == "suppress":
        draft = drafts.suppressed(origin, taken, duplicate_of=duplicate_of, now=now)
        decided.suppressed.append(_Away(taken.look, taken.sha256, draft, f"duplicate: {said}"))
    else:
        refusal = Refusal(look=taken.look, reason="duplicate", message=said)
        draft = drafts.refused(origin, refusal, now=now)
        decided.refused.append(_Away(taken.look, taken.sha256, draft, f"duplicate: {said}"))


def _turn_away(tx: Tx, origin: Origin, decided: _Decided, *, now: datetime) -> Counts:
    """What is not to land is stated, once for its tuple, and known."""
    suppressed = append(tx, [away.draft for away in decided.suppressed], now=now)
    refused = append(tx, [away.draft for away in decided.refused], now=now)
    sightings.suppress(tx, origin.name, [Waiting(a.look, now, a.said) for a in decided.suppressed])
    sightings.refuse(tx, origin.name, [Waiting(a.look, now, a.said) for a in decided.refused])
    return Counts(
        suppressed=sum(position is not None for position in suppressed),
        refused=sum(position is not None for position in refused),
    )


def first_elsewhere(
    tx: Tx, origin: Origin, taken: Taken, first: First | None, again: _New | None = None
) -> str | None:
    """The event that first landed these bytes at another path; empty files are no copies of one another.

    `first` is what landed first with them anywhere, `again` what is about to land with them before this.
    """
    path, stat = taken.look
    if first is None or stat.size == 0:
        return None
    standing = landings.first_elsewhere(tx, origin.name, path, taken.sha256, first)
    if standing is None and again is not None and again.taken.look.path != path:
        return again.draft.id
    return standing


def _leaving(decided: _Decided, batch: Sequence[Taken]) -> list[Owed]:
    """What is to leave, with the markers that spoke for it."""
    new = [Owed(new.taken.look, new.taken.sha256) for new in decided.new]
    again = [Owed(look, decided.standing[look.path].sha256) for look in decided.redelivered]
    owed = new + again + [Owed(away.look, away.sha256) for away in decided.suppressed]
    looks = {one.look for one in owed}
    return owed + [Owed(t.marker, "") for t in batch if t.marker is not None and t.look in looks]


def _content(new: _New) -> contents.New:
    (path, stat), sha256, data = new.taken[:3]
    return contents.New(sha256, stat.size, data, path, new.version)


def _landing(new: _New, position: int) -> Landing:
    path, stat = new.taken.look
    return Landing(path, new.version, position, new.taken.sha256, new.is_first, stat)


def _landed(new: _New) -> Landed:
    return Landed(new.taken.look, new.version, new.taken.sha256, new.draft.id)
