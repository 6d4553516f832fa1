"""Proving the log: every chain is walked, every event compared with its own bytes, in constant memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, exists, func, select, tuple_

from ingest.domain.codec import FIRST_LINK, link
from ingest.domain.instants import parse_rfc3339
from ingest.store.engine import Store, Tx
from ingest.store.schema import contents, event_keys, events, tombstones

WINDOW = 1000  # events read in one transaction
MOST_BREAKS = 100  # after as many the proof has failed beyond doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A place where the log is not what was appended."""

    position: int | None  # None: an event that should stand is missing
    key: str
    keyseq: int
    problem: str


@dataclass(slots=True, kw_only=True)
class Proof:
    """How far the proof has come and what it found."""

    events: int = 0
    keys: int = 0
    retired: int = 0  # of the events
    breaks: list[Break] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """True when nothing was found."""
        return not self.breaks


@dataclass(slots=True)
class _Chain:
    """The chain of one partition key, as far as it was walked."""

    key: str = ""
    keyseq: int = 0
    hash: bytes = FIRST_LINK


def verify(store: Store, *, advance: Callable[[int], None] = lambda _: None) -> Proof:
    """Every event stands at its dense place, hashes onto its predecessor, and says what its columns say.

    Each window is one short snapshot, so events may be appended meanwhile.
    """
    return _walked(store.read, advance)


def verify_within(tx: Tx, *, advance: Callable[[int], None] = lambda _: None) -> Proof:
    """As `verify`, of what `tx` sees and others may not see yet."""
    return _walked(lambda: nullcontext(tx), advance)


def _walked(window: Callable[[], AbstractContextManager[Tx]], advance: Callable[[int], None]) -> Proof:
    proof, chain = Proof(), _Chain()
    while True:
        with window() as tx:
            rows = tx.execute(_NEXT, {"key": chain.key, "keyseq": chain.keyseq}).all()
            heads = _Heads(tx)
            for row in rows:
                if row.key != chain.key:
                    _end(proof, chain, heads)
                    chain = _Chain(row.key)
                    proof.keys += 1
                proof.breaks.extend(_walk(chain, row))
                proof.events += 1
                proof.retired += not row.body
            if len(rows) < WINDOW:
                _end(proof, chain, heads)
                proof.breaks.extend(_vanished(tx))
        advance(len(rows))
        if len(rows) < WINDOW or len(proof.breaks) >= MOST_BREAKS:
            return proof


def count(tx: Tx) -> int:
    """How many events there are."""
    return int(tx.execute(select(func.count()).select_from(events)).scalar_one())


class _Heads:
    """What `event_keys` says of a key, in the snapshot of `tx`."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def of(self, key: str) -> tuple[int, bytes] | None:
        row = self._tx.execute(_HEAD, {"of_key": key}).first()
        return None if row is None else (row.keyseq, row.hash)


def _walk(chain: _Chain, row: Any) -> Iterator[Break]:
    """What is wrong with the next event of the chain.

    The chain goes on from what is stored, so that one break is told once.
    """
    at = {"position": row.position, "key": row.key, "keyseq": row.keyseq}
    if row.keyseq != chain.keyseq + 1:
        yield Break(**at, problem=f"keyseq {chain.keyseq + 1} is missing")
    elif not _is_retired(row) and row.hash != link(chain.hash, row.keyseq, row.body):
        yield Break(**at, problem="its hash does not follow from the event before it and its own bytes")
    if not _is_retired(row):
        yield from (Break(**at, problem=problem) for problem in _disagreements(row))
    if row.content is not None and not row.is_kept:
        yield Break(**at, problem=f"the archive knows nothing of its content {row.content}")
    chain.keyseq, chain.hash = row.keyseq, row.hash


def _is_retired(row: Any) -> bool:
    """True of an event without a body that a run has left a tombstone for, with this very hash and id."""
    return not row.body and not row.type and bool(row.stone == row.hash) and bool(row.stone_id == row.id)


def _disagreements(row: Any) -> Iterator[str]:
    try:
        said = json.loads(row.body)
        stored = {
            "id": row.id,
            "type": row.type,
            "partitionkey": row.key,
            "causationid": row.cause,
        }
        found = {name: said.get(name) for name in stored}
        time = parse_rfc3339(said["time"])
    except (ValueError, KeyError, TypeError, AttributeError):
        yield "its body is not a CloudEvents JSON object"
        return
    for name, value in stored.items():
        if found[name] != value:
            yield f"its column and its body disagree about {name}"
    if time != row.time:
        yield "its column and its body disagree about time"
    if row.cause is None and row.content is not None and said.get("data", {}).get("sha256") != row.content:
        yield "its column and its body disagree about sha256"


def _end(proof: Proof, chain: _Chain, heads: _Heads) -> None:
    """The chain is walked to its end: `event_keys` must say the same."""
    if not chain.keyseq:
        return
    head = heads.of(chain.key)
    if head == (chain.keyseq, chain.hash):
        return
    missing = head is not None and head[0] > chain.keyseq
    problem = (
        "the newest events of this key are missing"
        if missing
        else "event_keys does not agree with the last event"
    )
    proof.breaks.append(Break(position=None, key=chain.key, keyseq=chain.keyseq + 1, problem=problem))


def _vanished(tx: Tx) -> Iterator[Break]:
    """Keys that had events and have none."""
    for row in tx.execute(_EMPTY):
        yield Break(position=None, key=row.key, keyseq=1, problem="every event of this key is missing")


_NEXT = (
    select(
        events.c.position,
        events.c.id,
        events.c.type,
        events.c.key,
        events.c.keyseq,
        events.c.time,
        events.c.cause,
        events.c.content,
        events.c.body,
        events.c.hash,
        tombstones.c.hash.label("stone"),
        tombstones.c.id.label("stone_id"),
        exists().where(contents.c.sha256 == events.c.content).label("is_kept"),
    )
    .join(tombstones, tombstones.c.position == events.c.position, isouter=True)
    .where(tuple_(events.c.key, events.c.keyseq) > tuple_(bindparam("key"), bindparam("keyseq")))
    .order_by(events.c.key, events.c.keyseq)
    .limit(WINDOW)
)
_HEAD = select(event_keys.c.keyseq, event_keys.c.hash).where(event_keys.c.key == bindparam("of_key"))
_EMPTY = (
    select(event_keys.c.key)
    .where(~exists().where(events.c.key == event_keys.c.key))
    .order_by(event_keys.c.key)
    .limit(MOST_BREAKS)
)
