"""A store that looks as after years of work: a million outcomes, and all that stands beside them.

It is written straight into the tables, since working it off would take an
hour. Nothing in it can be processed: it is there to be looked at.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.measure import product_sqlite

_PROCESSORS = 4  # each has a fifth of the outcomes in its live work
_REPLAYS = 10  # that have ended, and share the last fifth
_UNTIL = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
_THEN = 1_700_000_000_000_000  # microseconds since 1970
_EVENT = (
    "INSERT INTO events (id, type, key, keyseq, origin, time, producer, content, body, hash) "
    "SELECT printf('%064x', i), 'ingest.file.landed.v1', 'bench/' || i, 1, 'bench', :then + i, '', "
    "printf('%064x', i), '{\"data\":\"' || printf('%0400d', i) || '\"}', randomblob(32) FROM n"
)
_SIGHTING = (
    "INSERT INTO sightings SELECT 'bench', CAST(printf('%08d.csv', i) AS BLOB), 2048, i, i, '1:' || i, "
    "CASE WHEN i % 1000 THEN 'landed' ELSE 'settling' END, '', :then, 1, printf('%064x', i), "
    "printf('%064x', i), '', 0 FROM n"
)
_SOURCE = (
    "INSERT OR REPLACE INTO sources VALUES ('bench', 'inbox', 'notify', 'ok', 'renamed', :then, 0, 0, "
    ":count, 0, 0, :count, :count * 2048, '', 0)"
)
_OUTCOME = (
    "INSERT INTO outcomes SELECT :generation, i, 'done', '1', 10, 10, 0, 0, 0, printf('%064x', i), "
    ":verdict, '', 1, 'worker-0123456789abcdef', :then, :then + i FROM n"
)
_TOTAL = (
    "INSERT INTO outcome_totals SELECT generation_id, state, verdict, count(*) FROM outcomes GROUP BY 1, 2, 3"
)
_ATTEMPT = (
    "INSERT INTO attempts (generation_id, position, n, worker, started_at, ended_at, ended, error) "
    "SELECT :generation, i, 1, 'worker-0123456789abcdef', :then, :then, 'failed', 'ValueError: no amount' "
    "FROM n"
)
_LANE = (
    "INSERT INTO lanes (id, generation_id, key, state, available_at, fence, is_single) "
    "SELECT :generation * 10000000 + i, :generation, 'bench/' || i, 'ready', :then, 0, 0 FROM n"
)
_DELIVERY = "INSERT INTO deliveries SELECT :generation * 10000000 + i, 1, i, 0, 0, NULL FROM n"
_DEAD = (
    "INSERT INTO dead SELECT :generation, :count + i, 'bench/' || i, 1, 5, 0, 'ValueError', :then, 0 FROM n"
)
_GENERATION = "INSERT INTO generations VALUES (:generation, :processor, :kind, :state, 0, 0)"
_SUBSCRIPTION = (
    "INSERT INTO subscriptions VALUES (:processor, '1', '[\"ingest.file.landed.v1\"]', '[]', '{}', 1, "
    "'park', 'active', 'beginning', :generation, :then, :then)"
)
_REPLAY = (
    "INSERT INTO replays VALUES (printf('r-%012x', :generation), :generation, :processor, 'rerun', '{}', "
    ":count, 'plan', '1', '', 'bench', 'done', :count, 1, :count, :then, :then + 1)"
)


def fill(database: Path, outcomes: int) -> None:
    """`outcomes` stand in the store, as many events, a tenth of each of vain attempts and of what waits."""
    share = outcomes // (_PROCESSORS + 1)
    with closing(product_sqlite().connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        _run(db, _UNTIL + _EVENT, count=outcomes)
        _run(db, _UNTIL + _SIGHTING, count=outcomes)
        _run(db, _SOURCE, count=outcomes)
        for number in range(1, _PROCESSORS + 1):
            _live(db, number, share)
        for number in range(_REPLAYS):
            _replay(db, _PROCESSORS + 1 + number, share // _REPLAYS)
        db.execute(_TOTAL)
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _live(db: Any, generation: int, share: int) -> None:
    about: dict[str, Any] = {"generation": generation, "processor": f"p{generation}"}
    _run(db, _GENERATION, kind="live", state="open", **about)
    _run(db, _SUBSCRIPTION, **about)
    _run(db, _UNTIL + _OUTCOME, count=share, verdict="", **about)
    _run(db, _UNTIL + _ATTEMPT, count=share // 8, **about)
    _run(db, _UNTIL + _LANE, count=share // 8, **about)
    _run(db, _UNTIL + _DELIVERY, count=share // 8, **about)
    _run(db, _UNTIL + _DEAD, count=share // 1000, **about)


def _replay(db: Any, generation: int, share: int) -> None:
    about: dict[str, Any] = {"generation": generation, "processor": "p1"}
    _run(db, _GENERATION, kind="replay", state="closed", **about)
    _run(db, _REPLAY, count=share, **about)
    _run(db, _UNTIL + _OUTCOME, count=share, verdict="unchanged", **about)


def _run(db: Any, statement: str, **values: Any) -> None:
    db.execute(statement, {"then": _THEN, **values})
