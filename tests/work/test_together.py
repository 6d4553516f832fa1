"""Runs that share a commit come to what they would come to one by one, whatever is among them."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from ingest import Context, FileLanded, FileRefused, PermanentError, processor, table
from ingest.store import together
from ingest.work import cycle as cycles
from tests.work.bench import NOW, Bench

KEYED = table("keyed", key=str, amount=Decimal, unique="key")
PLAIN = table("plain", lane=str, text=str)
WHAT_STANDS = (
    "SELECT key, amount, event_id FROM keyed ORDER BY key",
    "SELECT lane, text, event_id FROM plain ORDER BY event_id, text",
    "SELECT event_id, line, rule, raw FROM rejects ORDER BY event_id, id",
    "SELECT id, key, keyseq, cause, body FROM events WHERE producer = 'mixed' ORDER BY key, keyseq",
    "SELECT key, processor, position, name FROM effects ORDER BY key",
    "SELECT position, state, rows_in, rows_booked FROM outcomes ORDER BY position",
    "SELECT position, rows_duplicate, rows_rejected, facts, digest FROM outcomes ORDER BY position",
    "SELECT position, n, ended, error FROM attempts ORDER BY position, n",
    "SELECT position, error FROM dead ORDER BY position",
    "SELECT state, key FROM lanes ORDER BY key",
    "SELECT state, verdict, outcomes FROM outcome_totals ORDER BY state, verdict",
)


@processor(accepts=FileLanded, version="1", tables=[KEYED, PLAIN])
def mixed(event: FileLanded, ctx: Context) -> None:
    """Does what the words of the name say, in their order; no lane meets another one's keys."""
    for word in event.name.split()[1:]:
        _do(ctx, event, word, ctx.event.partitionkey)


def _do(ctx: Context, event: FileLanded, word: str, lane: str) -> None:
    match word[0]:
        case "k":  # a row under a key; a capital one has other content
            amount = Decimal(2 if word[1:].isupper() else 1)
            ctx.insert(KEYED, {"key": lane + word[1:].lower(), "amount": amount})
        case "b":  # a row with a fact that is told if it is booked
            ctx.insert(
                KEYED,
                {"key": lane + word, "amount": Decimal(3)},
                fact=_told(word),
                key=lane + word,
                name=word,
            )
        case "p":
            ctx.insert(PLAIN, {"lane": lane, "text": event.name})
        case "r":
            ctx.reject(rule=word[1:])
        case "f":
            ctx.emit(_told(word), key=lane + word, name=word)
        case _:
            raise PermanentError(word)


def _told(word: str) -> FileRefused:
    return FileRefused(source="acme", name=word, path=word, size=0, reason="told", message="", refused_at=NOW)


def _some_names(seed: int) -> list[str]:
    dice = random.Random(seed)
    words = ["ka", "kb", "kc", "kd", "kA", "p", "p", "p", "p", "f1", "f2", "b1", "b2", "b3", "b4"]
    rare = ["r-rule", "r-rule", "x"]
    names = []
    for n in range(40):
        chosen = dice.choices(words, k=dice.randrange(4))
        if dice.random() < 0.15:
            chosen.append(dice.choice(rare))
        names.append(" ".join([f"{n:02}", *chosen]))
    return names


@pytest.mark.parametrize(
    ("benches", "seed"),
    # What is decided is the same on both: a server, which is slow, only shows that its statements say it.
    [*(("sqlite", seed) for seed in range(12)), *(("postgresql", seed) for seed in (3, 4, 5))],
    indirect=["benches"],
)
def test_what_stands_is_the_same_together_and_apart(
    seed: int, benches: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name, commit_every in (("together", 60.0), ("apart", 0.0)):
        monkeypatch.setattr(cycles, "COMMIT_EVERY", commit_every)
        bench = benches(name)
        bench.add("mixed", mixed, max_rejects=0.5, on_dead="skip")
        for n, file in enumerate(_some_names(seed)):
            bench.land(file, key=f"acme/{n % 7}")
        bench.drain()
        found.append([bench.rows(query) for query in WHAT_STANDS])

    assert found[0] == found[1]


def test_rejects_of_all_that_are_applied_at_once_stand(bench: Bench) -> None:
    bench.add("mixed", mixed, max_rejects=0.5)
    bench.land("1 p rone", "2 p rtwo")

    bench.drain()

    assert bench.rows("SELECT rule, line FROM rejects ORDER BY rule") == [("one", None), ("two", None)]


def test_files_in_whose_way_nothing_is_are_applied_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def counted(tx: object, handed: list[object], *rest: object, **more: object) -> bool:
        tried.append(len(handed))
        return real(tx, handed, *rest, **more)  # type: ignore[arg-type]  # handed on

    real = together.apply_together
    monkeypatch.setattr("ingest.work.settle.apply_together", counted)
    bench.add("mixed", mixed)
    bench.land("1 ka p", "2 kb p f1", "3 kc")

    bench.drain()

    assert tried == [3]
    assert bench.rows("SELECT key FROM keyed ORDER BY key") == [("acme/ka",), ("acme/kb",), ("acme/kc",)]
