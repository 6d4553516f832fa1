"""Facts that share a file are replayed without reading it for each, and never on bytes that are damaged."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ingest import Context, FileLanded, fact, processor, table
from ingest.errors import ArchiveDamaged
from tests.work.bench import Bench

FACTS = 5
NOTED = table("noted", n=int)


@fact("tests.shared", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One of several facts of a file."""

    n: int


@processor(accepts=FileLanded, version="1", tables=[])
def sharing(event: FileLanded, ctx: Context) -> None:
    for n in range(FACTS):
        ctx.emit(Shared(n=n), key=event.name, name=str(n))


@processor(accepts=Shared, version="1", tables=[NOTED])
def noting(event: Shared, ctx: Context) -> None:
    ctx.insert(NOTED, {"n": event.n})


@processor(accepts=Shared, version="1", tables=[])
def reading(event: Shared, ctx: Context) -> None:
    """Reads the file behind the fact, and makes do without it."""
    try:
        with ctx.open() as file:
            file.read()
    except ArchiveDamaged:
        pass


@pytest.fixture
def shared(bench: Bench) -> Bench:
    bench.add("sharing", sharing)
    bench.add("noting", noting)
    bench.add("reading", reading)
    bench.land("a")
    bench.drain()
    return bench


@pytest.mark.parametrize("mode", ["rerun", "shadow"])
def test_a_file_is_not_read_for_facts_whose_processor_does_not_ask_for_it(shared: Bench, mode: str) -> None:
    shared.opened, shared.damaged = 0, True

    id_ = shared.replay("noting", mode)
    shared.drain()

    assert shared.opened == 0
    assert shared.report(id_).unchanged == FACTS


@pytest.mark.parametrize("mode", ["rerun", "shadow"])
def test_a_fact_whose_file_is_asked_for_and_damaged_cannot_be_replayed(shared: Bench, mode: str) -> None:
    shared.damaged = True

    id_ = shared.replay("reading", mode)
    shared.drain()

    report = shared.report(id_)
    assert (report.unreplayable, report.dead, report.done) == (FACTS, 0, FACTS)
