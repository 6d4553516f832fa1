"""Letting go of what only tells how something came about, once it is old enough.

That are vain attempts of deliveries that have ended, replays that have ended,
and starts of workers that have. Never an event, a row, an effect or a call,
never an outcome of live work, nothing that is due, runs or is dead, and
nothing of a replay that has not ended.

A replay goes whole or stays whole. It stays while the event was handled in no
live work but only there: what `was_done` says of it hangs on that outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from ingest.store.dialect import whole_sum
from ingest.store.engine import Store, Tx
from ingest.store.schema import (
    attempts,
    contents,
    difference_totals,
    differences,
    events,
    generations,
    lanes,
    outcome_totals,
    outcomes,
    replays,
    workers,
)

WINDOW = 250  # rows that go in one transaction


@dataclass(slots=True, kw_only=True)
class Pruned:
    """How much may go, or has gone."""

    attempts: int = 0
    replays: int = 0
    outcomes: int = 0  # of those replays
    kept_replays: int = 0  # old enough, but they alone say that an event was handled
    workers: int = 0  # starts of workers and watchers

    @property
    def rows(self) -> int:
        """How much there is in all, as `steps` counts it."""
        return self.attempts + self.replays + self.outcomes + self.workers


def foresee(tx: Tx, before: datetime) -> Pruned:
    """What of the time before `before` may go."""
    of_then = {"before": before}
    found = Pruned(
        attempts=tx.execute(_COUNT_ATTEMPTS, of_then).scalar_one(),
        workers=tx.execute(_COUNT_WORKERS, of_then).scalar_one(),
    )
    for replay in tx.execute(_OLD_REPLAYS, of_then).all():
        if _is_needed(tx, replay):
            found.kept_replays += 1
        else:
            found.replays += 1
            found.outcomes += tx.execute(
                _COUNT_OUTCOMES, {"of_generation": replay.generation_id}
            ).scalar_one()
    return found


def steps(store: Store, before: datetime, pruned: Pruned) -> Iterator[int]:
    """What may go has gone, a short transaction a step; how many rows it took of those `pruned` counts.

    It can be given up, or killed, between any two steps, and begun again.
    """
    yield from _attempts(store, before, pruned)
    yield from _replays(store, before, pruned)
    yield from _workers(store, before, pruned)


def _attempts(store: Store, before: datetime, pruned: Pruned) -> Iterator[int]:
    after = 0
    while True:
        with store.read() as tx:
            found = tx.execute(_OLD_ATTEMPTS, {"before": before, "after": after}).scalars().all()
        if not found:
            return
        with store.write() as tx:
            gone = tx.execute(_DROP_ATTEMPTS, {"before": before, "ids": found}).rowcount
        pruned.attempts += gone
        after = found[-1]
        yield gone


def _replays(store: Store, before: datetime, pruned: Pruned) -> Iterator[int]:
    with store.read() as tx:
        old = tx.execute(_OLD_REPLAYS, {"before": before}).all()
    for replay in old:
        with store.read() as tx:
            is_needed = _is_needed(tx, replay)
        if is_needed:
            pruned.kept_replays += 1
            continue
        yield from _outcomes(store, replay.generation_id, pruned)
        with store.write() as tx:
            of_it = {"of_generation": replay.generation_id}
            tx.execute(_DROP_DIFFERENCE_TOTALS, of_it)
            tx.execute(_DROP_GENERATION, of_it)
            tx.execute(_DROP_RECORD, of_it)
        pruned.replays += 1
        yield 1


def _outcomes(store: Store, generation_id: int, pruned: Pruned) -> Iterator[int]:
    """Outcomes of a replay are gone, and with each step their totals say so and its findings go with them."""
    while True:
        with store.read() as tx:
            found = tx.execute(_POSITIONS, {"of_generation": generation_id}).scalars().all()
        if not found:
            return
        with store.write() as tx:
            gone = drop_outcomes(tx, generation_id, found)
        pruned.outcomes += gone
        yield gone


def drop_outcomes(tx: Tx, generation_id: int, positions: Sequence[int]) -> int:
    """These outcomes of a generation are gone, and its totals and findings say so; how many there were."""
    of_these = {"of_generation": generation_id, "positions": positions}
    kinds = Counter(tuple(row) for row in tx.execute(_DROP_OUTCOMES, of_these))
    for (state, verdict), count in kinds.items():
        kind = {"of_generation": generation_id, "of_state": state, "of_verdict": verdict}
        tx.execute(_LESS, {**kind, "gone": count})
    tx.execute(_DROP_EMPTY, {"of_generation": generation_id})
    tx.execute(_DROP_DIFFERENCES, of_these)
    return kinds.total()


def _workers(store: Store, before: datetime, pruned: Pruned) -> Iterator[int]:
    while True:
        with store.read() as tx:
            found = tx.execute(_OLD_WORKERS, {"before": before}).scalars().all()
        if not found:
            return
        with store.write() as tx:
            gone = tx.execute(_DROP_WORKERS, {"before": before, "ids": found}).rowcount
        pruned.workers += gone
        yield gone


def _is_needed(tx: Tx, replay: Any) -> bool:
    """True when it alone says of an event that its processor has handled it; a shadow says that of none."""
    if replay.mode == "shadow":
        return False
    of_it = {"of_generation": replay.generation_id, "of_processor": replay.processor}
    return bool(tx.execute(_SAYS_WHAT_STANDS, of_it).scalar_one())


_IS_GONE: ColumnElement[bool] = contents.c.state != literal_column("'kept'")


def can_not_run_again(
    position: ColumnElement[int],
    *,
    soon: ColumnElement[bool] | None = None,
    events_soon: ColumnElement[bool] | None = None,
) -> ColumnElement[bool]:
    """True where the event or the bytes behind it were let go: what it came to is compared with nothing."""
    return exists().where(
        events.c.position == position,
        or_(
            events.c.type == literal_column("''"),
            exists().where(
                contents.c.sha256 == events.c.content, _IS_GONE if soon is None else or_(_IS_GONE, soon)
            ),
            *(() if events_soon is None else (events_soon,)),
        ),
    )


_BEFORE: Any = bindparam("before", type_=attempts.c.ended_at.type)
_OF_GENERATION: Any = bindparam("of_generation")
_IDS: Any = bindparam("ids", expanding=True)
_GENERATION = generations.c.id == attempts.c.generation_id
_IS_OPEN = generations.c.state != literal_column("'closed'")
_IS_OLD_ATTEMPT = and_(
    attempts.c.ended_at < _BEFORE,
    or_(
        ~exists().where(_GENERATION, _IS_OPEN),  # a replay that has ended, or a processor that was removed
        exists().where(_GENERATION, generations.c.kind == literal_column("'live'"))
        & exists().where(
            outcomes.c.generation_id == attempts.c.generation_id, outcomes.c.position == attempts.c.position
        ),
    ),
)
_OLD_ATTEMPTS = (
    select(attempts.c.id)
    .where(attempts.c.id > bindparam("after"), _IS_OLD_ATTEMPT)
    .order_by(attempts.c.id)
    .limit(WINDOW)
)
_COUNT_ATTEMPTS = select(func.count()).select_from(attempts).where(_IS_OLD_ATTEMPT)
_DROP_ATTEMPTS = delete(attempts).where(attempts.c.id.in_(_IDS), _IS_OLD_ATTEMPT)

_IS_OLD_WORKER = and_(
    workers.c.state.in_([literal_column("'stopped'"), literal_column("'stale'")]),
    workers.c.beat_at < bindparam("before", type_=workers.c.beat_at.type),
    ~exists().where(lanes.c.worker == workers.c.id, lanes.c.state == literal_column("'leased'")),
)
_OLD_WORKERS = select(workers.c.id).where(_IS_OLD_WORKER).limit(WINDOW)
_COUNT_WORKERS = select(func.count()).select_from(workers).where(_IS_OLD_WORKER)
_DROP_WORKERS = delete(workers).where(workers.c.id.in_(_IDS), _IS_OLD_WORKER)

_HAS_ENDED = replays.c.state.in_([literal_column("'done'"), literal_column("'cancelled'")])
_OLD_REPLAYS = (
    select(replays.c.generation_id, replays.c.processor, replays.c.mode)
    .where(_HAS_ENDED, replays.c.ended_at < bindparam("before", type_=replays.c.ended_at.type))
    .order_by(replays.c.generation_id)
)
_live = outcomes.alias("live")
_IS_DONE_LIVE = exists().where(
    # Its live generations are few, so that outcomes are looked up one by one.
    _live.c.generation_id.in_(
        select(generations.c.id).where(
            generations.c.processor == bindparam("of_processor"),
            generations.c.kind == literal_column("'live'"),
        )
    ),
    _live.c.position == outcomes.c.position,
    _live.c.state == literal_column("'done'"),
)
_SAYS_WHAT_STANDS = select(
    exists().where(
        outcomes.c.generation_id == _OF_GENERATION,
        outcomes.c.state == literal_column("'done'"),
        ~_IS_DONE_LIVE,
        ~can_not_run_again(outcomes.c.position),
    )
)
_POSITIONS = (
    select(outcomes.c.position)
    .where(outcomes.c.generation_id == _OF_GENERATION)
    .order_by(outcomes.c.position)
    .limit(WINDOW)
)
_COUNT_OUTCOMES = select(whole_sum(outcome_totals.c.outcomes)).where(
    outcome_totals.c.generation_id == _OF_GENERATION
)
_DROP_OUTCOMES = (
    delete(outcomes)
    .where(
        outcomes.c.generation_id == _OF_GENERATION,
        outcomes.c.position.in_(bindparam("positions", expanding=True)),
    )
    .returning(outcomes.c.state, outcomes.c.verdict)
)
_DROP_DIFFERENCES = delete(differences).where(
    differences.c.generation_id == _OF_GENERATION,
    differences.c.position.in_(bindparam("positions", expanding=True)),
)
_LESS = (
    update(outcome_totals)
    .where(
        outcome_totals.c.generation_id == _OF_GENERATION,
        outcome_totals.c.state == bindparam("of_state"),
        outcome_totals.c.verdict == bindparam("of_verdict"),
    )
    .values(outcomes=outcome_totals.c.outcomes - bindparam("gone"))
)
_DROP_EMPTY = delete(outcome_totals).where(
    outcome_totals.c.generation_id == _OF_GENERATION, outcome_totals.c.outcomes <= 0
)
_DROP_DIFFERENCE_TOTALS = delete(difference_totals).where(difference_totals.c.generation_id == _OF_GENERATION)
_DROP_GENERATION = delete(generations).where(
    generations.c.id == _OF_GENERATION, generations.c.kind == literal_column("'replay'")
)
_DROP_RECORD = delete(replays).where(replays.c.generation_id == _OF_GENERATION, _HAS_ENDED)
