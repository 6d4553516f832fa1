"""Dead deliveries: they wait for a person, or for the version that supersedes their file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import bindparam, delete, exists, false, insert, literal_column, select

from ingest.domain.instants import micros
from ingest.store import calls, lanes, shadows
from ingest.store.dialect import Batch
from ingest.store.dialect import insert as upsert
from ingest.store.engine import Tx
from ingest.store.held import Held
from ingest.store.schema import calling, dead, deliveries, events, outcome_totals, outcomes, replays
from ingest.store.schema import lanes as lane_table
from ingest.store.standing import standing

NOTHING = (0, 0, 0, 0, 0)  # rows in, booked, duplicate, rejected; facts
NOBODY = (0, "", None)  # attempt, worker, start in microseconds
_CHUNK = 500


def bury(  # noqa: PLR0913  # the facts of a death
    tx: Tx,
    held: Held,
    *,
    tries: tuple[int, int],
    error: str,
    on_dead: str,
    now: datetime,
    verdict: str = "dead",
) -> Literal["dead", "superseded"]:
    """A live delivery, already out of its lane, waits for a person; the claim on its lane ends.

    Where a later version of its file has landed it is closed as superseded
    instead, unless its rows stand and only calls are missing. A replay's
    delivery never waits: that it failed is its outcome, and `verdict` says how.
    """
    key = held.lane.generation_id, held.position
    if not held.is_calling and tx.execute(_SUPERSEDED, {"id": held.event_id}).scalar_one():
        record_outcomes(tx, [outcome_row(key, state="superseded", note=error, ended_at=now)])
        lanes.leave(tx, [held.lane], now=now)
        return "superseded"
    replay = tx.execute(_REPLAY, {"id": held.lane.generation_id}).first()
    if replay is not None:
        record_outcomes(tx, [outcome_row(key, state="dead", verdict=verdict, note=error, ended_at=now)])
        calls.forget(tx, [key])
        lanes.leave(tx, [held.lane], now=now)
        if replay.mode == "shadow":
            shadows.record_death(tx, key, standing(tx, held.event_id, replay.processor).state)
        return "dead"
    is_parking = on_dead == "park"
    tx.execute(
        insert(dead),
        {
            "generation_id": held.lane.generation_id,
            "position": held.position,
            "lane_key": held.lane.key,
            "keyseq": held.keyseq,
            "attempts": tries[0],
            "crashes": tries[1],
            "error": error,
            "since": now,
            "is_parking": is_parking,
        },
    )
    if is_parking:
        lanes.park(tx, held.lane.id)
    else:
        lanes.leave(tx, [held.lane], now=now)
    return "dead"


def supersede(tx: Tx, event_ids: Sequence[str], *, now: datetime) -> None:
    """Dead deliveries of these events end as superseded, and what waited behind them goes on.

    Not those whose rows stand: the calls they lack are a person's affair.
    """
    for start in range(0, len(event_ids), _CHUNK):
        rows = tx.execute(_DEAD_OF, {"ids": list(event_ids[start : start + _CHUNK])}).all()
        ended = [
            outcome_row((row.generation_id, row.position), state="superseded", note=row.error, ended_at=now)
            for row in rows
        ]
        close(tx, rows, ended, now=now)


def close(tx: Tx, rows: Sequence[Any], ended: Sequence[tuple[Any, ...]], *, now: datetime) -> list[Any]:
    """Those of `rows` that were still dead have ended, as `ended` says; their keys go on. Which they are."""
    still = _bring_up(tx, rows)
    keys = [(row.generation_id, row.position) for row in still]
    outcomes_of = {outcome[:2]: outcome for outcome in ended}
    record_outcomes(tx, [outcomes_of[key] for key in keys])
    calls.forget(tx, keys)
    _let_go_on(tx, still, now=now)
    return still


def retry(tx: Tx, rows: Sequence[Any], *, now: datetime) -> list[Any]:
    """Those of `rows` that were still dead are due, first in their lanes, with fresh budgets; which they are.

    Where only calls are missing, only they are due, also one that had been
    begun and must not be repeated: a person has decided so.
    """
    still = _bring_up(tx, rows)
    _LANE.run(tx, [(row.generation_id, row.lane_key, micros(now)) for row in still])
    _AGAIN.run(tx, [(row.keyseq, row.position, row.generation_id, row.lane_key) for row in still])
    calls.allow_again(tx, [(row.generation_id, row.position) for row in still])
    _let_go_on(tx, still, now=now)
    return still


def _bring_up(tx: Tx, rows: Sequence[Any]) -> list[Any]:
    """Those of `rows` that were dead until now."""
    positions: dict[int, list[int]] = {}
    for row in rows:
        positions.setdefault(row.generation_id, []).append(row.position)
    dead_still = {
        (generation_id, position)
        for generation_id, all_ in positions.items()
        for start in range(0, len(all_), _CHUNK)
        for position in tx.execute(
            _BRING_UP, {"of_generation": generation_id, "positions": all_[start : start + _CHUNK]}
        ).scalars()
    }
    return [row for row in rows if (row.generation_id, row.position) in dead_still]


def _let_go_on(tx: Tx, rows: Sequence[Any], *, now: datetime) -> None:
    lanes.unpark(tx, [(row.generation_id, row.lane_key) for row in rows if row.is_parking], now=now)


def resolve(tx: Tx, processor: str, key: tuple[int, int], outcome: tuple[Any, ...], *, now: datetime) -> bool:
    """A delivery that is dead in the live generation ends as a rerun did; False when it is not dead.

    It stays dead while a call of the event is missing, though another replay
    may be at it: that one can be cancelled, and then nobody would make the call.
    """
    row = tx.execute(_DEAD_AT, {"of_generation": key[0], "of_position": key[1]}).first()
    if row is None or calls.are_missing(tx, processor, row.position):
        return False
    return bool(close(tx, [row], [outcome], now=now))


def outcome_row(  # noqa: PLR0913  # the columns of an outcome
    key: tuple[int, int],
    *,
    state: str,
    ended_at: datetime,
    version: str = "",
    counts: tuple[int, int, int, int, int] = NOTHING,
    digest: str = "",
    verdict: str = "",
    note: str = "",
    ran: tuple[int, str, int | None] = NOBODY,
) -> tuple[Any, ...]:
    """One row of `outcomes` for (generation, position) `key`; `ran`: which attempt, by whom, since when."""
    return (*key, state, version, *counts, digest, verdict, note, *ran, micros(ended_at))


def record_outcomes(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    """These outcomes stand and are counted; there can be one for each (generation, event)."""
    _OUTCOME.run(tx, rows)
    _COUNT.run(tx, [(*kind, count) for kind, count in Counter(map(_KIND, rows)).items()])


_COLUMNS = (
    "generation_id position state version rows_in rows_booked rows_duplicate rows_rejected facts"
    " digest verdict note n worker started_at ended_at"
)
_OUTCOME = Batch(upsert(outcomes).values({name: bindparam(name) for name in _COLUMNS.split()}), _COLUMNS)
_KIND = itemgetter(*map(_COLUMNS.split().index, ("generation_id", "state", "verdict")))
_NEW_TOTAL = upsert(outcome_totals).values(
    generation_id=bindparam("generation_id"),
    state=bindparam("state"),
    verdict=bindparam("verdict"),
    outcomes=bindparam("outcomes"),
)
_COUNT = Batch(
    _NEW_TOTAL.on_conflict_do_update(
        index_elements=["generation_id", "state", "verdict"],
        set_={"outcomes": outcome_totals.c.outcomes + _NEW_TOTAL.excluded.outcomes},
    ),
    "generation_id state verdict outcomes",
)
_SUPERSEDED = select(exists().where(events.c.supersedes == bindparam("id")))
_REPLAY = select(replays.c.mode, replays.c.processor).where(replays.c.generation_id == bindparam("id"))
_DEAD_OF = (
    select(dead)
    .join(events, events.c.position == dead.c.position)
    .where(
        events.c.id.in_(bindparam("ids", expanding=True)),
        ~exists().where(
            calling.c.generation_id == dead.c.generation_id, calling.c.position == dead.c.position
        ),
    )
)
_DEAD_AT = select(dead).where(
    dead.c.generation_id == bindparam("of_generation"), dead.c.position == bindparam("of_position")
)
_BRING_UP = (
    delete(dead)
    .where(
        dead.c.generation_id == bindparam("of_generation"),
        dead.c.position.in_(bindparam("positions", expanding=True)),
    )
    .returning(dead.c.position)
)
_NEW_LANE = upsert(lane_table).values(
    generation_id=bindparam("generation_id"),
    key=bindparam("key"),
    state=literal_column("'ready'"),
    available_at=bindparam("available_at", type_=lane_table.c.fence.type),
    fence=literal_column("0"),
    is_single=false(),
)
_LANE = Batch(
    _NEW_LANE.on_conflict_do_update(
        index_elements=["generation_id", "key"], set_={"fence": lane_table.c.fence}
    ),
    "generation_id key available_at",
)
_AGAIN = Batch(
    insert(deliveries).from_select(
        ["lane_id", "keyseq", "position", "attempts", "crashes"],
        select(
            lane_table.c.id,
            bindparam("of_keyseq", type_=deliveries.c.keyseq.type),
            bindparam("of_position", type_=deliveries.c.position.type),
            literal_column("0"),
            literal_column("0"),
        ).where(
            lane_table.c.generation_id == bindparam("of_generation"), lane_table.c.key == bindparam("of_key")
        ),
    ),
    "of_keyseq of_position of_generation of_key",
)
