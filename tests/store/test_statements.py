"""Every statement of the store can be written down for every database it is meant for.

Those that stand at the top of a module are found there, by themselves. Those
that a function builds are met by living through everything the store can do,
with each statement that is executed on the way written down for the others
too; which functions must be met is read from the source, so that a new one
that is not met makes a test fail.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Connection, Dialect, bindparam, event, select, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import ingest.store
from ingest.contract import table
from ingest.store import (
    applying,
    booking,
    burying,
    contents,
    crashes,
    decisions,
    forgetting,
    lanes,
    moved,
    replays,
    runs,
    sources,
    subscriptions,
    tables,
    workers,
)
from ingest.store.dialect import Batch, insert, next_positions
from ingest.store.engine import Store
from ingest.store.lookup import Lookup
from ingest.store.reading import booked, browsing, census, members, refused, roster, verifying
from ingest.store.schema import processor_tables
from ingest.store.selection import Selection
from tests.store.handing import PAYMENTS, Handed, apply, apply_again, rejects, rows, stand, started
from tests.store.replaying import start
from tests.store.stage import (
    NOON,
    SECOND,
    TYPE,
    a_draft,
    append,
    claim,
    fail,
    fill,
    kill,
    land,
    rolled_back,
    subscribe,
    wanted,
    work_off,
)

POSTGRESQL = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # it has no types
DIALECTS: tuple[Dialect, ...] = (SQLiteDialect_pysqlite(), POSTGRESQL)
SQLITE_ALONE = {
    "backup",
    "driver",
    "engine",
    "glimpse",
    "integrity",
    "migrate",
    "soundness",
}  # one database's own ways
MODULES = [found.name for found in pkgutil.iter_modules(ingest.store.__path__) if not found.ispkg]

LATER = NOON + 60 * SECOND


def statements() -> Iterator[Any]:
    """Everything at the top of the store's modules that can be executed, with a name to tell it by."""
    for module in MODULES:
        for name, found in vars(importlib.import_module(f"ingest.store.{module}")).items():
            is_statement = isinstance(found, ClauseElement) and getattr(found, "supports_execution", False)
            if is_statement or isinstance(found, Batch | Lookup):
                yield pytest.param(found, id=f"{module}.{name}")


def write_down(found: Any, dialect: Dialect) -> None:
    match found:
        case Batch():
            sql, arrange = Batch(found.statement, " ".join(found.names)).compile(dialect)
            values = tuple(range(len(found.names)))
            given = values if arrange is None else arrange(values)
            by_name = dict(zip(found.names, values, strict=True))
            assert sql.count("?") in (len(given), 0)
            if isinstance(given, dict):
                assert given == by_name
        case Lookup():
            sql, _ = found.compile(dialect, 4)
        case _:
            sql = str(found.compile(dialect=dialect))
    assert sql.split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("found", list(statements()))
def test_a_statement_of_a_module_can_be_written_down(found: Any, dialect: Dialect) -> None:
    write_down(found, dialect)


def test_the_values_of_a_batch_reach_the_places_that_bear_their_names(store: Store) -> None:
    placed = Batch(
        insert(processor_tables).values(
            {
                "processor": bindparam("third"),
                "name": bindparam("first"),
                "columns": bindparam("second"),
            }
        ),
        "first second third",
    )

    with store.write() as tx:
        assert placed.run(tx, [("n1", "c1", "p1"), ("n2", "c2", "p2")]) == 2
        assert placed.run(tx, []) == 0
        found = tx.execute(select(processor_tables)).all()

    assert [(row.name, row.columns, row.processor) for row in found] == [
        ("n1", "c1", "p1"),
        ("n2", "c2", "p2"),
    ]


@pytest.mark.parametrize("names", ["first", "first second third", "first other"])
def test_a_batch_that_names_other_values_than_its_statement_takes_is_refused(names: str) -> None:
    statement = update(processor_tables).values(name=bindparam("first"), columns=bindparam("second"))

    with pytest.raises(TypeError, match="exactly its named values"):
        Batch(statement, names).compile(POSTGRESQL)


# ---------------------------------------------------------------- statements that functions build


def builders() -> set[str]:
    """The functions of the store that execute, or compile, what is no statement of their module."""
    found = set()
    for module in set(MODULES) - SQLITE_ALONE - {"lookup"}:
        path = Path(importlib.import_module(f"ingest.store.{module}").__file__ or "")
        tree = ast.parse(path.read_text("utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        building = {one.name for one in functions if any(map(is_building, ast.walk(one)))}
        found |= {f"{module}.{name}" for name in building - called_at_the_top(tree)}
    return found


def called_at_the_top(tree: ast.Module) -> set[str]:
    """What these make stands at the top of the module, and is found there."""
    calls = [node for top in tree.body if isinstance(top, ast.Assign) for node in ast.walk(top)]
    return {node.func.id for node in calls if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def is_building(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr in {"execute", "scalar", "scalars"}:
        return bool(node.args) and not (isinstance(node.args[0], ast.Name) and node.args[0].id.isupper())
    return isinstance(node.func, ast.Name) and node.func.id in {"Batch", "Lookup"}


@contextmanager
def written_down_as_well() -> Iterator[set[str]]:
    """What is executed is written down for PostgreSQL too; the functions of the store that were called."""
    called: set[str] = set()

    def enter(frame: Any, what: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if what == "call" and module.startswith("ingest.store."):
            called.add(f"{module.removeprefix('ingest.store.')}.{frame.f_code.co_name}")

    def write(_: object, statement: Any, *more: object) -> None:
        if isinstance(statement, ClauseElement) and statement.supports_execution:
            statement.compile(dialect=POSTGRESQL)

    event.listen(Connection, "before_execute", write)
    former = sys.getprofile()
    sys.setprofile(enter)
    try:
        yield called
    finally:
        sys.setprofile(former)
        event.remove(Connection, "before_execute", write)


def test_what_functions_build_can_be_written_down_and_every_such_function_is_met(store: Store) -> None:
    with written_down_as_well() as called:
        for live in LIVES:
            live(store)
        for make in (booking._writing, booking._clearing):  # made once for a table, then kept
            write_down(make.__wrapped__(PAYMENTS), POSTGRESQL)
        next_positions_elsewhere()

    assert builders() - called == set()


def next_positions_elsewhere() -> None:
    """The branch that only PostgreSQL takes."""

    class Elsewhere:
        dialect = POSTGRESQL

        def execute(self, statement: ClauseElement) -> Any:
            assert "nextval" in str(statement.compile(dialect=POSTGRESQL))
            return self

        def scalars(self) -> list[int]:
            return [3, 2]

    assert next_positions(Elsewhere(), 2) == [2, 3]  # type: ignore[arg-type]


def live_through_processing(store: Store) -> None:
    one = started(store, "e1")
    apply(store, one, rows(("A", "1", None)))
    apply(store, started(store, "e2"), rows(("A", "1", None), ("B", "2", None)))
    apply_again(store, one, rows(("A", "1", None)))
    failing = started(store, "e3")
    with store.write() as tx:
        applying.keep_rejects(tx, failing, Handed((rejects("r"),)), "books", [])
        booking.select_rows(tx, PAYMENTS, {"note": None, "payment_id": "A"})
        booking.select_rows(tx, PAYMENTS, {"payment_id": {"A", "B"}})
        tables.ensure(tx, "books", [wider()])
        booked.count(tx, "payments", where={"amount": "1"})
        list(booked.rows(tx, "payments", ["amount"]))
    list(refused.refused(store, event_id="e3", processor="books"))
    fail(store, failing, is_permanent=True)


def wider() -> Any:
    names = {column.name: column.type for column in PAYMENTS.columns}
    return table("payments", **names | {"note": str | None, "more": int | None}, unique="payment_id")


def live_through_crashes(store: Store) -> None:
    live = subscribe(store)
    land(store, "c1", "c2", key="c")
    claim(store, live, worker="w2", child=3)
    with store.write() as tx:
        workers.enlist(tx, workers.Worker(id="w2", kind="worker", host="h", pid=1), lease=SECOND, now=NOON)
        crashes.release(tx, "w2", 3, [], error="killed", jitter=0, now=NOON)
        workers.retire(tx, "w2", now=NOON)
        lanes.release(tx, "w2", now=NOON)
    work_off(store, live)


def live_through_deaths(store: Store) -> None:
    live = subscribe(store)
    for id_ in ("d1", "d2"):
        land(store, id_, key=id_)
        kill(store, live)
    with store.write() as tx:
        found = decisions.undecided(tx, Selection(ids=("d1",)), processor="books")
        decisions.retry(tx, [found[0]], who="ann", reason="again", now=NOON)
        found = decisions.undecided(tx, Selection(ids=("d2",)))
        decisions.discard(tx, [found[0]], who="ann", reason="no use", now=NOON)
    append(store, a_draft("d3", supersedes="d1"))


def live_through_replays(store: Store) -> None:
    subscribe(store)
    for n, status in enumerate((None, "done", "dead", "retrying")):
        every = Selection(
            ids=("e1",), source="acme", key="k", types=(TYPE,), since=NOON, until=NOON, first=1, last=2
        )
        start(store, every if status is None else Selection(status=status), replay_id=f"r{n}")
    fill(store)
    with store.write() as tx:
        replays.pause(tx, "r1")
        replays.resume(tx, "r1")
        replays.cancel(tx, "r1", now=NOON)
        replays.finish(tx, now=NOON)
        replays.is_finishable(tx)
        replays.ids_like(tx, "r1")
        replays.reports(tx, "r1")
        replays.reports(tx)


def live_through_looking(store: Store) -> None:
    subscribe(store)
    window = browsing.Window(after=0, limit=10)
    with store.read() as tx:
        census.counted(tx)
        browsing.page(tx, Selection(status="done"), window, now=NOON)
        browsing.page(tx, Selection(status="dead"), window, processor="books", now=NOON)
        browsing.newest(tx, 1)
        browsing.event(tx, "1", now=NOON)
        browsing.ids_like(tx, "0" * 64)
        browsing.of_content(tx, "0" * 64, now=NOON)
        contents.digests_like(tx, "0" * 6)
        members.of_digest(tx, "0" * 64)
        members.told_of(tx, "0" * 6, limit=1)
        browsing.of_key(tx, "k", origin="acme", now=NOON)
        browsing.caused_by(tx, ["e1"], limit=1, now=NOON)
        browsing.superseder(tx, "e1")
        roster.everyone(tx)
        sources.every(tx)
        verifying.count(tx)


def live_through_the_end(store: Store) -> None:
    subscribe(store, wanted("mail"))
    stand(store, of=[])
    with store.write() as tx:
        subscriptions.set_state(tx, "mail", "paused", now=NOON)
        subscriptions.register(tx, wanted("mail", version="2"), now=NOON)
        subscriptions.names(tx)
        subscriptions.remove(tx, "mail", now=NOON)


def live_through_retention(store: Store) -> None:
    land(store, "old", key="old")
    with store.write() as tx:
        run = runs.begin(tx, who="ann", reason="old", cutoff=LATER, now=LATER)
        burying.foresee(tx, LATER, with_contents=True)
        burying.retired_among(tx, Selection())
        forgetting.foresee(tx, LATER, ("contents", "events"))
        runs.every(tx)
    list(burying.steps(store, run))
    with rolled_back(store) as tx:
        moved.mark(tx, "elsewhere")
        moved.moved_to(tx)


LIVES: tuple[Callable[[Store], None], ...] = (
    live_through_processing,
    live_through_crashes,
    live_through_deaths,
    live_through_replays,
    live_through_looking,
    live_through_the_end,
    live_through_retention,
)
