"""The judge of campaigns is no rubber stamp: a finished project, tampered with in one place, is found out."""

from __future__ import annotations

import json
import random
import re
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.store.sqlite.driver import sqlite_module
from tests.patience import PATIENCE
from tests.sharing import made_once
from tests.torture import judge
from tests.torture.contents import HEADER, MARK, Content, Payment
from tests.torture.drops import Dropper
from tests.torture.fleet import Fleet
from tests.torture.model import Model
from tests.torture.project import Project, project
from tests.torture.receiver import Receiver
from tests.torture.trace import Trace

DROPS = 60
OLD = b"moved twice.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A project in which all is done, and what is known of it."""

    project: Project
    model: Model
    fleet: Fleet
    receiver: Receiver

    def judge(self) -> str:
        """What the judge says, if every invariant holds."""
        return judge.judge(self.project, self.model, self.fleet, self.receiver)

    def alter(self, *statements: str) -> None:
        """Somebody who may do anything has changed the database; at least one row differs by each."""
        connection = sqlite_module().connect(self.project.database, isolation_level=None)
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0, statement
        connection.close()

    def one(self, query: str) -> str:
        """The first value the query finds."""
        return str(self.project.rows(query)[0][0])


def _with(made: Project, model: Model, receiver: Receiver) -> Finished:
    return Finished(
        project=made, model=model, fleet=Fleet(made, Trace(made.root / "t.jsonl")), receiver=receiver
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was dropped into a finished project, and what its receiver was told."""

    model: Model
    keys: dict[str, set[str]]
    answered: dict[str, set[str]]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Known]:
    """Files of every kind have been dropped, worked off, and told of; a replay has told of some again."""
    return made_once(tmp_path_factory, "judged", _worked_off)


def _worked_off(root: Path) -> Known:
    chance = random.Random(7)
    receiver = Receiver(7)
    receiver.behaves = True
    made = project(root / "p", wants_own_disk=False, receiver=receiver.url)
    finished = _with(made, Model(), receiver)
    dropper = Dropper(made, finished.model, chance, Trace(made.root / "trace.jsonl"))
    dropper.away.add("odd")  # what it does to itself takes long, and others test it
    for n in range(2):
        for _ in range(DROPS // 2):
            dropper.drop()
        dropper.end_slow_writes()
        dropper.drop_at(("moved", OLD), _large(n))
        _finish(finished.fleet, "watch", "--once")
    _finish(finished.fleet, "work", "--once", "--wait-retries")
    event = finished.one("SELECT id FROM events WHERE origin = 'bank' AND type LIKE '%landed%' LIMIT 1")
    _finish(
        finished.fleet, "replay", "notify", "--id", event, "--mode", "force", "--yes", "--reason", "again"
    )
    _finish(finished.fleet, "work", "--once", "--wait-retries")
    receiver.close()
    return Known(model=finished.model, keys=receiver.keys, answered=receiver.answered)


@pytest.fixture
def finished(original: tuple[Path, Known], tmp_path: Path) -> Iterator[Finished]:
    """A copy of it, to be tampered with."""
    folder, known = original
    root = tmp_path / "p"
    subprocess.run(["cp", "-a", str(folder / "p"), str(root)], check=True)
    receiver = Receiver(8)
    receiver.behaves = True
    for mine, of in ((receiver.keys, known.keys), (receiver.answered, known.answered)):
        mine.update({id_: set(keys) for id_, keys in of.items()})
    yield _with(Project(root), known.model, receiver)
    receiver.close()


def test_a_finished_project_passes_every_check_also_where_a_replay_repeated_a_call(
    finished: Finished,
) -> None:
    seen = finished.receiver.keys.values()

    assert "landed" in finished.judge()
    assert max(map(len, seen)) == 2, "one key more, by the replay"


PAYMENT = "(SELECT min(payment_id) FROM payments)"
LANDED = "(SELECT max(position) FROM events WHERE type = 'ingest.file.landed.v1')"
ALTERATIONS = {
    "a booking removed": ("I5: not booked", f"DELETE FROM payments WHERE payment_id = {PAYMENT}"),
    "an amount changed": ("I5: booked", f"UPDATE payments SET amount = '0.07' WHERE payment_id = {PAYMENT}"),
    "a posting removed": (
        "I5: payment .* has 1 postings",
        "DELETE FROM ledger_postings WHERE rowid = (SELECT min(rowid) FROM ledger_postings)",
    ),
    "a posting doubled": (
        "I5: payment .* has 3 postings",
        "INSERT INTO ledger_postings SELECT * FROM ledger_postings LIMIT 1",
    ),
    "a file read twice": ("I5: not one copy", "INSERT INTO copies SELECT * FROM copies LIMIT 1"),
    "a file read otherwise": ("I2: .* read otherwise", "UPDATE copies SET size = size + 1"),
    "a landing removed": (
        "I1: ",
        "DELETE FROM landings WHERE source = 'moved' AND version = 2",
    ),
    "an event removed": ("I1: .* events", f"DELETE FROM events WHERE position = {LANDED}"),
    "an event forged": ("I3: ", "UPDATE events SET keyseq = keyseq + 7 WHERE position = 1"),
    "an event edited": (
        "the chains are whole",
        f"UPDATE events SET body = replace(body, '\"2026-', '\"2025-') WHERE position = {LANDED}",
    ),
    "an outcome removed": ("I4: .* ends", f"DELETE FROM outcomes WHERE position = {LANDED}"),
    "an outcome not counted": (
        "I10: ",
        "UPDATE outcome_totals SET outcomes = outcomes - 1 WHERE verdict <> ''",
    ),
    "a death forgotten": ("I4: .* ends", "DELETE FROM dead WHERE rowid = (SELECT min(rowid) FROM dead)"),
    "a refusal forgotten": ("I13: ", "DELETE FROM sightings WHERE state = 'refused'"),
    "an order reversed": (
        "I6: out of order",
        "UPDATE outcomes SET ended_at = -ended_at",
    ),
    "a key forgotten": ("I5: ", "DELETE FROM calls WHERE scope <> ''"),
    "a key of nobody": ("I5: a key of no replay", "UPDATE calls SET scope = 'r-none' WHERE scope <> ''"),
    "a replay that changed": (
        "I5: replays changed",
        "UPDATE outcomes SET verdict = 'changed' WHERE verdict <> ''",
    ),
    "a replay that hangs": ("I11: replay", "UPDATE replays SET state = 'running'"),
    "a lane that hangs": ("nothing stays running", "UPDATE lanes SET state = 'leased'"),
    "a content altered": (
        "every content is there",
        "UPDATE contents SET bytes = zeroblob(size) WHERE length(bytes) > 0",
    ),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_what_was_altered_in_the_database_is_named(finished: Finished, what: str) -> None:
    found, statement = ALTERATIONS[what]

    finished.alter(statement)

    with pytest.raises(AssertionError, match=found):
        finished.judge()


def _no_object(finished: Finished) -> None:
    next(f for f in (finished.project.archive / "sha256").rglob("*") if f.is_file()).unlink()


def _not_moved(finished: Finished) -> None:
    (finished.project.root / "done" / "moved" / OLD.decode()).unlink()


def _moved_otherwise(finished: Finished) -> None:
    (finished.project.root / "done" / "moved" / "stranger.csv").write_text("never dropped")


def _taken(finished: Finished) -> None:
    next(finished.project.at(place) for place in finished.model.standing if place[0] == "acme").unlink()


def _ignored_taken(finished: Finished) -> None:
    finished.project.at(next(iter(finished.model.withheld | finished.model.ignored))).unlink()


def _marker_left(finished: Finished) -> None:
    landed = {path for (path,) in finished.project.rows("SELECT path FROM landings WHERE source = 'called'")}
    once = (place for place, contents in finished.model.history.items() if len(contents) == 1)
    word = next(
        finished.model.announced[place] for place in once if place[0] == "called" and place[1] in landed
    )
    finished.project.at(word).touch()


def _private_left(finished: Finished) -> None:
    (finished.project.source("moved") / ".a.csv.leaving").touch()


def _temporary_left(finished: Finished) -> None:
    (finished.project.archive / "tmp").mkdir(exist_ok=True)
    (finished.project.archive / "tmp" / "left").touch()


def _told_twice(finished: Finished) -> None:
    body = json.dumps({"id": next(iter(finished.receiver.keys))}).encode()
    headers = {"Idempotency-Key": "another"}
    urllib.request.urlopen(
        urllib.request.Request(finished.receiver.url, data=body, headers=headers), timeout=PATIENCE
    )


def _never_told(finished: Finished) -> None:
    finished.receiver.answered.popitem()


def _payload_in_log(finished: Finished) -> None:
    (finished.project.root / "logs" / "9999-watch.err").write_text(f"{MARK}\n")


def _traceback_in_log(finished: Finished) -> None:
    (finished.project.root / "logs" / "9999-status.err").write_text("Traceback (most recent call last):\n")


def _open_to_others(finished: Finished) -> None:
    finished.project.database.chmod(0o644)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (_no_object, "every content is there"),
        (_not_moved, "I1: .* lies nowhere"),
        (_moved_otherwise, "I2: .* was never dropped"),
        (_taken, "I1: .* was taken from a source that keeps"),
        (_ignored_taken, "I1: .* was never to land"),
        (_marker_left, "I11: has not left"),
        (_private_left, "I8: private names"),
        (_temporary_left, "I8: left behind"),
        (_told_twice, "I5: .* came under keys that do not stand"),
        (_never_told, "I5: "),
        (_payload_in_log, "I16: payload"),
        (_traceback_in_log, "I17: "),
        (_open_to_others, re.escape("ingest.db")),
    ],
)
def test_what_was_done_to_files_logs_and_receivers_is_named(
    finished: Finished, tamper: Callable[[Finished], None], found: str
) -> None:
    tamper(finished)

    with pytest.raises(AssertionError, match=found):
        finished.judge()


def _large(n: int) -> Content:
    """Payments that are too many to be kept in the store."""
    payments = tuple(Payment(id=f"LARGE-{n}-{row}", account="ACC-1", cents=100) for row in range(99))
    return Content(
        kind="large", data="".join((HEADER, *(p.row for p in payments))).encode(), payments=payments
    )


def _finish(fleet: Fleet, *args: str) -> None:
    """The command has ended; some of the files are poison, or refused."""
    command = fleet.command(*args, allowed=(0, 3))
    command.process.wait(timeout=PATIENCE)
    list(fleet.ended_commands())
