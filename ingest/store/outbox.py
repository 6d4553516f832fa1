"""The append-only log: facts get their place, and their deliveries, in the appender's transaction.

The producer names no consumer. It appends; the outbox routes to every live
generation that stands when the event is inserted, so nobody reads the log by
position and nothing can slip through a gap in it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from ingest.domain.codec import FIRST_LINK, encode, link
from ingest.domain.events import Event
from ingest.domain.instants import micros
from ingest.domain.upcast import what_counts
from ingest.store.dead import supersede
from ingest.store.dialect import Batch, chunks, enter_append, insert, lock_rows, next_positions
from ingest.store.engine import Tx
from ingest.store.routing import Placed, route
from ingest.store.schema import event_keys, events

FORGOTTEN = ("", "", "")  # what counts of an event that says nothing any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A fact on its way into the log; its bytes are ready before the transaction begins."""

    id: str
    type: str
    key: str  # partition key
    time: datetime
    body: str  # canonical JSON
    origin: str  # source of the file at the root of the causes
    cause: str | None = None
    producer: str = ""
    supersedes: str | None = None
    content: str | None = None  # SHA-256 of the bytes of the file at the root


def draft(
    event: Event,
    *,
    origin: str,
    producer: str = "",
    supersedes: str | None = None,
    content: str | None = None,
) -> Draft:
    """The draft of `event`, encoded."""
    return Draft(
        id=event.id,
        type=event.type,
        key=event.partitionkey,
        time=event.time,
        body=encode(event),
        origin=origin,
        cause=event.causationid,
        producer=producer,
        supersedes=supersedes,
        content=content,
    )


def append(tx: Tx, drafts: Sequence[Draft], *, now: datetime) -> list[int | None]:
    """Every draft stands in the log and is due for whom it concerns.

    Returns the position given to each draft, None where an event with its id
    stood already (nothing is written for that one). Within a partition key,
    `keyseq` follows the order of `drafts`. Dead deliveries of an event that a
    draft supersedes are closed.
    """
    new = _unknown(tx, drafts)
    if not new:
        return [None] * len(drafts)
    keys = sorted({d.key for d in new})
    if enter_append(tx, keys):  # what others appended meanwhile counts
        new = _unknown(tx, new)
    heads = _heads(tx, keys)
    placed, rows = [], []
    for d, position in zip(new, next_positions(tx, len(new)), strict=True):
        former = heads.get(d.key)
        keyseq, before = (1, FIRST_LINK) if former is None else (former[0] + 1, former[1])
        hash_ = link(before, keyseq, d.body)
        heads[d.key] = (keyseq, hash_)
        placed.append(
            Placed(id=d.id, type=d.type, origin=d.origin, key=d.key, keyseq=keyseq, position=position)
        )
        rows.append(_row(d, position, keyseq, hash_))
    _INSERT.run(tx, rows)
    _HEADS.run(tx, sorted((key, *head) for key, head in heads.items()))
    tx.info["news"] = placed[-1].position  # whoever waits for it is told once it is committed
    route(tx, placed, now=now)
    supersede(tx, [d.supersedes for d in new if d.supersedes], now=now)
    positions = {p.id: p.position for p in placed}
    return [positions.pop(d.id, None) for d in drafts]


def lock_keys(tx: Tx, keys: Collection[str]) -> None:
    """Nobody else appends under those of `keys` that are known before this transaction has ended.

    Keys are locked before lanes: whoever is to append after it has locked lanes comes here first.
    """
    lock_rows(tx, _LOCK, sorted(keys))


def standing(tx: Tx, ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """What counts of each of the events `ids` that stands in the log; of one that was retired `FORGOTTEN`."""
    return {
        row.id: what_counts(row.type, row.key, row.body) if row.body else FORGOTTEN
        for chunk in chunks(ids)
        for row in tx.execute(_STANDING, {"ids": chunk})
    }


def _unknown(tx: Tx, drafts: Sequence[Draft]) -> list[Draft]:
    known = {row.id for chunk in chunks([d.id for d in drafts]) for row in tx.execute(_IDS, {"ids": chunk})}
    new: dict[str, Draft] = {}
    for d in drafts:
        if d.id not in known:
            new.setdefault(d.id, d)
    return list(new.values())


def _heads(tx: Tx, keys: Sequence[str]) -> dict[str, tuple[int, bytes]]:
    """The last keyseq and hash of each key; on PostgreSQL their rows stay locked, in sorted order."""
    return {
        row.key: (row.keyseq, row.hash)
        for chunk in chunks(keys)
        for row in tx.execute(_LOCK, {"ids": chunk})
        if row.keyseq
    }


def _row(d: Draft, position: int, keyseq: int, hash_: bytes) -> tuple[Any, ...]:
    time = micros(d.time)
    fixed = position, d.id, d.type, d.key, keyseq, d.origin, time
    return *fixed, d.cause, d.producer, d.supersedes, d.content, d.body, hash_


_EVENT = "position id type key keyseq origin time cause producer supersedes content body hash"
_INSERT = Batch(insert(events).values({name: bindparam(name) for name in _EVENT.split()}), _EVENT)
_UPSERT = insert(event_keys).values(key=bindparam("key"), keyseq=bindparam("keyseq"), hash=bindparam("hash"))
_HEADS = Batch(
    _UPSERT.on_conflict_do_update(
        index_elements=["key"], set_={"keyseq": _UPSERT.excluded.keyseq, "hash": _UPSERT.excluded.hash}
    ),
    "key keyseq hash",
)
_IDS = select(events.c.id).where(events.c.id.in_(bindparam("ids", expanding=True)))
_STANDING = select(events.c.id, events.c.type, events.c.key, events.c.body).where(
    events.c.id.in_(bindparam("ids", expanding=True))
)
_LOCK = (
    select(event_keys)
    .where(event_keys.c.key.in_(bindparam("ids", expanding=True)))
    .order_by(event_keys.c.key)
    .with_for_update()
)
