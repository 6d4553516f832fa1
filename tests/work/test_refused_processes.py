"""The system refuses processes, for as long as it likes: what was made ready for each is given back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest

from ingest.config import WorkSettings
from ingest.config.kinds import key_of
from ingest.errors import CannotWrite
from ingest.store.migrate import create_or_upgrade
from ingest.store.opening import open_store
from ingest.store.presence import CHILDREN, Presence
from ingest.work.pool import Equipment, Pool
from ingest.work.rooms import Rooms
from ingest.work.spec import ProcessorSpec
from tests.work.bench import spec

TRIES = 5
TOO_LONG = "x" * 2**18  # no program is started with such a variable in its environment

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "rooms"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    return made


@pytest.fixture
def pool(tmp_path: Path, rooms: Path) -> Iterator[Pool]:  # where they belong
    with a_pool(tmp_path) as made:
        yield made


@contextmanager
def a_pool(tmp_path: Path, *processors: ProcessorSpec) -> Iterator[Pool]:
    url = f"sqlite:///{tmp_path}/ingest.db"
    create_or_upgrade(url)
    equipment = Equipment(
        archive=tmp_path / "archive", processors=processors, processors_dir=None, start_timeout=60.0
    )
    with open_store(url) as store, Presence(tmp_path / "workers", "worker") as me:
        made = Pool(store, me, equipment, Rooms(tmp_path / "workers", me.id), Counter())
        yield made
        made.close()


def test_a_process_that_is_refused_again_and_again_uses_up_neither_handles_nor_directories(
    pool: Pool, rooms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOO_LONG", TOO_LONG)
    before = open_handles()

    for _ in range(TRIES):
        with pytest.raises(CannotWrite, match="cannot start a work process"):
            pool.start_child(limit=None)

    assert open_handles() == before
    assert [room for worker in rooms.iterdir() for room in worker.iterdir()] == []


def test_after_a_refusal_a_child_starts_and_is_heard(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as refused:
        refused.setenv("TOO_LONG", TOO_LONG)
        with pytest.raises(CannotWrite):
            pool.start_child(limit=None)

    pool.start_child(limit=None)
    (child,) = pool.children

    while not child.has_loaded:  # it may have ended since, of a worker that nobody lists
        pool.listen(1.0)
        pool.bury_dead(is_stopping=False)
    pool.close()
    assert pool.children == []


def test_a_child_that_gives_up_says_why_in_the_log(
    tmp_path: Path, rooms: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_pool(tmp_path, spec("nobody", use="processors.of_nobody:nothing")) as pool:
        pool.start_child(limit=None)
        while pool.children:
            pool.listen(1.0)
            pool.bury_dead(is_stopping=False)

    # Beside it is said what else was a child of this process, and was ended.
    (said,) = [text for record in caplog.records if (text := record.getMessage()).startswith("a child ")]
    assert said.startswith("a child gave up: there is no module 'processors.of_nobody'")


def open_handles() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_as_many_processes_as_may_be_asked_for_have_a_place_on_the_board() -> None:
    [asked] = [key_of(field) for field in fields(WorkSettings) if field.name == "concurrency"]

    assert asked is not None
    assert asked.kind.read(CHILDREN) == CHILDREN
    with pytest.raises(ValueError, match=f"to {CHILDREN}"):
        asked.kind.read(CHILDREN + 1)
