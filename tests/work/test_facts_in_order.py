"""The facts of one event stand before those of the next, however many there are, whatever shares a commit."""

from __future__ import annotations

import pytest

from ingest import Context, FileLanded, FileRefused, processor
from ingest.store import applying
from tests.work.bench import NOW, Bench

MANY = 12


@processor(accepts=FileLanded, version="1", tables=[])
def telling(event: FileLanded, ctx: Context) -> None:
    """Emits one fact, or many where the name says so; a bad file is refused after it has emitted."""
    for n in range(MANY if "many" in event.name else 1):
        told = FileRefused(
            source="acme", name="a", path="a", size=0, reason="told", message="", refused_at=NOW
        )
        ctx.emit(told, key="account", name=f"{n:02}")
    if "bad" in event.name:
        ctx.reject(rule="bad")


@pytest.fixture(autouse=True)
def pieces_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "PIECE", 4)


def causes(bench: Bench) -> list[str]:
    """The causes of the facts in their order, each once for a run of its facts."""
    found = bench.rows("SELECT cause FROM events WHERE producer = 'telling' ORDER BY keyseq")
    return [cause for n, (cause,) in enumerate(found) if n == 0 or found[n - 1] != (cause,)]


@pytest.mark.parametrize(
    "names", [("few", "few", "few"), ("few", "many", "few"), ("many", "few", "many"), ("few", "few", "many")]
)
def test_facts_follow_the_order_of_the_events_that_brought_them_about(
    bench: Bench, names: tuple[str, ...]
) -> None:
    bench.add("telling", telling)
    ids = bench.land(*(f"{n}-{name}" for n, name in enumerate(names)))

    bench.drain()

    assert causes(bench) == ids


def test_a_refused_file_takes_only_its_own_facts_with_it(bench: Bench) -> None:
    bench.add("telling", telling, on_dead="skip")
    first, _, third = bench.land("few", "many-bad", "few")

    bench.drain()

    assert causes(bench) == [first, third]
