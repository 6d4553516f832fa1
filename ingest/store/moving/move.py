"""A SQLite store moves to a database on a server: all that stands, in one transaction, proved there.

Nobody lands or works meanwhile: the write lock of the file is held throughout.
The file is marked as moved just before the copy is committed, so at no
instant can both be used. A kill before leaves the file as it was and the
database empty; one in between leaves the mark, and the same move made again ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from ingest.errors import IngestError, StoreUnusable, UsageError, VerificationFailed
from ingest.store import moved
from ingest.store.engine import Store, Tx, check_revision, revision_in
from ingest.store.moving import source as sources
from ingest.store.moving import target as targets
from ingest.store.moving.source import Standing
from ingest.store.postgresql.engine import address
from ingest.store.postgresql.translating import named
from ingest.store.reading.verifying import Proof, verify_within
from ingest.store.schema import events, metadata
from ingest.store.sqlite.engine import SqliteStore

Advance = Callable[[int, int], None]  # (rows more, rows in all)

_AGAIN = "the file is marked as moved: run the same command again to end it; nothing was lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What was moved, or would be."""

    place: str  # the database, without user and password
    tables: dict[str, int]  # rows by table
    others: tuple[str, ...] = ()  # tables that are nobody's, and stay behind
    escaped: tuple[str, ...] = ()  # tables in whose text a NUL character is written as \x00 now
    keys: int = 0  # partition keys whose chains were proved
    stood: bool = False  # it had been moved before

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(self.tables.values())


def foresee(source: Store, target: Store) -> Move:
    """What would be moved; nothing is changed. Raises as `move` does, but for processes that live."""
    refuse_other_kinds(source, target)
    with target.read() as into:
        with source.read() as out:
            if _stands(out, into, _place(target)):
                return Move(place=_place(target), tables={}, stood=True)
            standing = sources.survey(out)
            found = _described(out, target, standing)
        targets.refuse_unfit(into)
    return found


def move(source: Store, target: Store, *, advance: Advance = lambda _more, _total: None) -> Move:
    """All that stands in `source`, a SQLite file, stands in `target`, which was empty; `source` is marked.

    Raises `TryAgain` while a process lives that uses the source,
    `StoreUnusable` where the target is not empty or cannot keep what stands,
    `VerificationFailed` where the copy is not what was read. Nothing has
    changed then in either, nor when `advance` raises.
    """
    refuse_other_kinds(source, target)
    is_marked = False
    try:
        with target.write() as into:
            # The inner one is committed first: the file is given up before the copy can be used.
            with source.write() as out:
                if _stands(out, into, _place(target)):
                    return Move(place=_place(target), tables={}, stood=True)
                found = _copied(out, into, target, advance)
                moved.mark(out, _place(target))
            is_marked = True
    except IngestError as error:
        if is_marked:
            error.hint = _AGAIN
        raise
    return found


def refuse_other_kinds(source: Store, target: Store) -> None:
    """Raise `UsageError` unless a SQLite file is to be moved to a server."""
    if not isinstance(source, SqliteStore) or isinstance(target, SqliteStore):
        raise UsageError(
            "only a store in a SQLite file can be copied, and only to a PostgreSQL server",
            hint="see docs/howto/postgresql.md; pg_dump copies from server to server",
        )


def _copied(out: Tx, into: Tx, target: Store, advance: Advance) -> Move:
    sources.refuse_live(out)
    standing = sources.survey(out)
    found = _described(out, target, standing)
    total = found.rows + found.tables[events.name]  # events are read once more

    def tell(count: int) -> None:
        advance(count, total)

    tell(0)
    targets.begin(into, [one.table for one in standing if one.name not in metadata.tables])
    for one in standing:
        targets.fill(into, one.table, sources.rows(out, one), tell)
        targets.refuse_other_count(into, one.table, one.rows)
        column = targets.counted(one.table)
        if column is not None:
            last = sources.highest_id(out, one.table, column.name)
            targets.count_on(into, one.table, column.name, last)
    proof = verify_within(into, advance=tell)
    _refuse_breaks(proof, found)
    return Move(
        place=found.place, tables=found.tables, others=found.others, escaped=found.escaped, keys=proof.keys
    )


def _described(out: Tx, target: Store, standing: list[Standing]) -> Move:
    return Move(
        place=_place(target),
        tables={one.name: one.rows for one in standing},
        others=tuple(sources.others(out, standing)),
        escaped=tuple(one.name for one in standing if one.is_escaped),
    )


def _place(target: Store) -> str:
    return named(address(target.url))


def _stands(out: Tx, into: Tx, at: str) -> bool:
    """True when a former move was committed; raises `StoreUnusable` for one that went elsewhere."""
    marked = moved.moved_to(out)
    if marked is None:
        check_revision(out)
        return False
    if marked != at:
        raise moved.refusal(out)
    if revision_in(into) is None:
        return False
    check_revision(into)
    head = out.execute(_HEAD).first()
    if head is not None and into.execute(_SAME, {"of_id": head.id, "of_hash": head.hash}).first() is None:
        raise StoreUnusable(
            f"{at} holds another pipeline than the file that was moved to it", hint="see store.url"
        )
    return True


def _refuse_breaks(proof: Proof, found: Move) -> None:
    if proof.events != found.tables[events.name] or not proof.holds:
        said = proof.breaks[0].problem if proof.breaks else "events are missing"
        raise VerificationFailed(
            f"the copy of the log does not hold: {said}",
            hint="run `ingest events verify`; nothing was copied",
        )


_HEAD = select(events.c.id, events.c.hash).where(
    events.c.position == select(func.max(events.c.position)).scalar_subquery()
)
_SAME = select(events.c.id).where(events.c.id == bindparam("of_id"), events.c.hash == bindparam("of_hash"))
