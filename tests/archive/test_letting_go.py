"""Which archived bytes may go, and that what is needed never does; on every backend."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ingest.archive import Archive, letting_go
from ingest.archive.letting_go import LetGo
from ingest.archive.verifying import verify
from ingest.domain.settling import StatTuple
from ingest.errors import NotFound, TryAgain
from ingest.store import contents, decisions, filling, replays, retiring, runs, sources, subscriptions
from ingest.store.engine import Store
from ingest.store.pruning import Pruned
from ingest.store.reading import verifying
from ingest.store.schema import contents as content_table
from ingest.store.schema import events, landings
from ingest.store.selection import Selection
from ingest.store.sightings import Look
from ingest.watch.landing.drafts import Origin
from ingest.watch.landing.land import Came, land
from ingest.watch.landing.take import Taken
from tests.archive.places import PLACES
from tests.store.backends import BACKENDS
from tests.store.replaying import start
from tests.store.stage import NOON, claim, complete, fill, kill, states, subscribe, wanted, work_off

LATER = NOON + timedelta(days=1)
LANDED = "ingest.file.landed.v1"
ORIGIN = Origin(name="acme", event_source="/ingest/acme")
BOTH = ("contents", "outcomes")
ALL = ("contents", "events", "outcomes")


@pytest.fixture(
    params=[*((backend, "directory") for backend in sorted(BACKENDS)), ("sqlite", "bucket")], ids="-".join
)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive over a store of a backend, its objects in each place."""
    backend, place = request.param
    with BACKENDS[backend](tmp_path) as store, PLACES[place](tmp_path / "archive") as behind:
        with store.write() as tx:
            sources.introduce(tx, ORIGIN.name, "inbox")
        yield Archive(store, behind.location)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def taken(archive: Archive, path: str, data: bytes, tmp: Path | None) -> Taken:
    """The file at `path`, whole; where `tmp` is given, its bytes are an object already."""
    look = Look(path.encode(), StatTuple(len(data), 1, 1, f"1:{path}"))
    if tmp is None:
        return Taken(look, digest(data), data, None, "renamed")
    (tmp / "dropped").write_bytes(data)
    with (tmp / "dropped").open("rb") as file:
        staged = archive.objects.stage(file.fileno(), "w", expected=len(data), should_stop=lambda: False)
    archive.objects.store([staged])
    return Taken(look, staged.sha256, None, staged, "renamed")


def commit(archive: Archive, file: Taken, *, at: timedelta = timedelta(0)) -> Came:
    """The file has landed, in a transaction as the watcher makes it."""
    with archive.store.write() as tx:
        came = land(tx, ORIGIN, lambda _path, _stat: True, [file], leaves=False, now=NOON + at)
        archive.expect(tx, came.objects_again)
    return came


def drop(archive: Archive, path: str, data: bytes, tmp: Path | None = None, **at: timedelta) -> str:
    commit(archive, taken(archive, path, data, tmp), **at)
    return digest(data)


def let_go(archive: Archive, *what: str) -> LetGo:
    """All that may go of `what` is gone, and was foreseen."""
    with archive.store.read() as tx:
        foreseen = letting_go.foresee(tx, what, LATER)
    with archive.store.write() as tx:
        run = letting_go.begin(tx, what, LATER, who="ann@box", reason="ninety days", now=LATER)
    gone, steps = LetGo(), 0
    for step in letting_go.steps(archive, what, LATER, run, gone):
        steps += step
    foreseen.run = gone.run
    assert gone == foreseen
    assert steps == gone.rows
    return gone


def is_kept(archive: Archive, sha256: str) -> bool:
    try:
        with archive.open(sha256):
            return True
    except NotFound:
        return False


def subscribed(store: Store) -> int:
    return subscribe(store, wanted(accepts=(LANDED,)))


def is_sound(archive: Archive) -> bool:
    return verifying.verify(archive.store).holds and verify(archive, grace=-1).is_sound


def test_old_bytes_go_inline_and_in_the_directory_and_what_landed_stays_known(
    archive: Archive, tmp_path: Path
) -> None:
    small, large = drop(archive, "a", b"small"), drop(archive, "b", b"large", tmp_path)

    gone = let_go(archive, "contents")

    assert (gone.contents, gone.content_bytes) == (2, 10)
    assert not is_kept(archive, small)
    assert not archive.objects.has(large)
    assert is_sound(archive)
    with archive.store.read() as tx:
        assert contents.totals(tx) == contents.Totals(contents=0, bytes=0)
        (recorded,) = runs.every(tx)
    assert (recorded.who, recorded.reason, recorded.contents) == ("ann@box", "ninety days", 2)


def test_who_asks_for_bytes_that_went_is_told_which_run_took_them(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"small")
    gone = let_go(archive, "contents")

    with pytest.raises(NotFound, match=f"let go by retention run {gone.run} on 2026-03-02"):
        archive.open(sha256)


def test_bytes_that_landed_again_lately_stay(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"bytes")
    drop(archive, "b", b"bytes", at=timedelta(days=2))

    assert let_go(archive, "contents").contents == 0
    assert is_kept(archive, sha256)


@pytest.mark.parametrize("state", ["waiting", "started", "dead"])
def test_what_a_delivery_needs_that_has_not_ended_stays(archive: Archive, state: str) -> None:
    sha256 = drop(archive, "a", b"bytes")
    generation = subscribed(archive.store)
    if state == "started":
        claim(archive.store, generation)
    if state == "dead":
        kill(archive.store, generation)

    assert let_go(archive, "contents").contents == 0
    assert is_kept(archive, sha256)

    if state == "dead":
        with archive.store.write() as tx:
            some = decisions.undecided(tx, Selection())
            decisions.discard(tx, some, who="ann", reason="a test", now=NOON)
        assert let_go(archive, "contents").contents == 1


@pytest.mark.parametrize("state", ["filling", "filled", "paused"])
@pytest.mark.parametrize("mode", ["rerun", "shadow"])
def test_what_a_replay_needs_that_has_not_ended_stays(archive: Archive, state: str, mode: str) -> None:
    store = archive.store
    sha256 = drop(archive, "a", b"bytes")
    work_off(store, subscribed(store))
    generation = start(store, Selection(), replay_id="r1")
    with store.write() as tx:
        tx.exec_driver_sql(f"UPDATE replays SET mode = '{mode}'")
        if state == "paused":
            replays.pause(tx, "r1")
    if state == "filled":
        fill(store)

    assert let_go(archive, *BOTH).rows == 0
    assert is_kept(archive, sha256)

    if state == "paused":
        with store.write() as tx:
            replays.resume(tx, "r1")
    fill(store)
    work_off(store, generation)
    assert let_go(archive, "contents").contents == 1


def test_nothing_goes_while_a_new_processor_has_not_heard_of_all_the_past(archive: Archive) -> None:
    drop(archive, "a", b"bytes")
    store = archive.store
    with store.write() as tx:
        subscriptions.register(tx, wanted(accepts=(LANDED,)), now=NOON)

    assert let_go(archive, "contents").contents == 0


def test_an_outcome_goes_once_its_event_cannot_be_run_again_and_no_sooner(archive: Archive) -> None:
    drop(archive, "a", b"bytes")
    generation = subscribed(archive.store)
    work_off(archive.store, generation)

    assert let_go(archive, "outcomes").outcomes == 0
    assert let_go(archive, *BOTH).outcomes == 1

    assert states(archive.store, generation) == {}
    assert is_sound(archive)


def test_an_old_replay_whose_events_cannot_be_run_again_is_not_kept_for_them(archive: Archive) -> None:
    store = archive.store
    drop(archive, "a", b"bytes")
    work_off(store, subscribed(store))
    generation = start(store, Selection(), replay_id="r1")
    fill(store)
    work_off(store, generation)
    with store.write() as tx:
        replays.finish(tx, now=NOON)
    let_go(archive, *BOTH)

    assert let_go(archive, "attempts").records == Pruned(replays=1, outcomes=1)


def test_events_are_retired_once_their_bytes_have_gone_and_their_outcomes_with_them(archive: Archive) -> None:
    drop(archive, "a", b"bytes")
    generation = subscribed(archive.store)
    work_off(archive.store, generation)

    assert let_go(archive, "events").events == 0
    gone = let_go(archive, *ALL)

    assert (gone.contents, gone.events, gone.outcomes) == (1, 1, 1)
    assert is_sound(archive)


def test_a_file_whose_event_was_retired_is_known_when_it_comes_again(archive: Archive) -> None:
    drop(archive, "a", b"bytes")
    let_go(archive, *ALL)

    again = commit(archive, taken(archive, "a", b"bytes", None)).counts
    other = taken(archive, "a", b"other", None)
    newer = commit(archive, other._replace(look=Look(b"a", StatTuple(5, 2, 2, "1:2")))).counts

    assert (again.landed, newer.landed) == (0, 1)
    with archive.store.read() as tx:
        assert list(tx.execute(select(landings.c.version).order_by(landings.c.position)).scalars()) == [1, 2]
        former, now = tx.execute(select(events).order_by(events.c.position)).all()
    assert now.supersedes == former.id
    assert is_sound(archive)


@pytest.mark.parametrize("is_large", [False, True])
def test_bytes_that_land_again_are_kept_again_and_are_no_first_version(
    archive: Archive, tmp_path: Path, is_large: bool
) -> None:
    tmp = tmp_path if is_large else None
    sha256 = drop(archive, "a", b"bytes", tmp)
    let_go(archive, "contents")

    drop(archive, "b", b"bytes", tmp)

    assert is_kept(archive, sha256)
    with archive.store.read() as tx:
        assert list(tx.execute(select(landings.c.is_first).order_by(landings.c.position)).scalars()) == [1, 0]
        assert "duplicateof" in tx.execute(select(events.c.body).where(events.c.position == 2)).scalar_one()
        assert contents.totals(tx) == contents.Totals(contents=1, bytes=5)
    assert is_sound(archive)
    commit(archive, taken(archive, "a", b"bytes", tmp))
    with archive.store.read() as tx:
        assert len(tx.execute(select(events.c.position)).all()) == 2


def test_a_file_whose_object_goes_between_its_being_stored_and_its_landing_does_not_land(
    archive: Archive, tmp_path: Path
) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    again = taken(archive, "b", b"bytes", tmp_path)
    let_go(archive, "contents")

    with pytest.raises(TryAgain):
        commit(archive, again)

    drop(archive, "b", b"bytes", tmp_path)
    assert is_kept(archive, sha256)


def test_bytes_that_are_landing_again_at_that_moment_stay(archive: Archive) -> None:
    sha256 = drop(archive, "a", b"bytes")
    with archive.store.write() as tx:
        run = runs.begin(tx, who="ann", reason="", cutoff=LATER, now=LATER)
    pruning = threading.Thread(target=lambda: list(retiring.retire(archive.store, run)))
    with archive.store.write() as tx:
        again = taken(archive, "b", b"bytes", None)
        land(tx, ORIGIN, lambda _path, _stat: True, [again], leaves=False, now=NOON + timedelta(days=2))
        pruning.start()
        pruning.join(0.5)  # it waits for the landing; where it does not, it takes the bytes here
        assert pruning.is_alive()
    pruning.join()

    assert is_kept(archive, sha256)


def let_go_unseen(archive: Archive) -> None:
    """All contents that may go are gone."""
    with archive.store.write() as tx:
        run = letting_go.begin(tx, ALL, LATER, who="ann", reason="", now=LATER)
    for _ in letting_go.steps(archive, ALL, LATER, run, LetGo()):
        pass


def test_what_a_killed_run_left_in_the_directory_goes_with_the_next(archive: Archive, tmp_path: Path) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    with archive.store.write() as tx:
        run = runs.begin(tx, who="ann", reason="", cutoff=LATER, now=LATER)
    list(retiring.retire(archive.store, run))  # and here it is killed
    assert not is_kept(archive, sha256)
    assert archive.objects.has(sha256)
    assert is_sound(archive)

    assert let_go(archive, "contents").left_over == 1

    assert not archive.objects.has(sha256)


def test_what_lands_again_before_the_object_went_keeps_it(archive: Archive, tmp_path: Path) -> None:
    sha256 = drop(archive, "a", b"bytes", tmp_path)
    with archive.store.write() as tx:
        run = runs.begin(tx, who="ann", reason="", cutoff=LATER, now=LATER)
    list(retiring.retire(archive.store, run))
    drop(archive, "b", b"bytes", tmp_path, at=timedelta(days=2))

    assert let_go(archive, "contents").rows == 0
    assert is_kept(archive, sha256)


def test_beside_landing_working_and_replays_nothing_that_was_due_finds_its_bytes_gone(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = archive.store
    live = subscribed(store)
    ended = threading.Event()
    failed: list[BaseException] = []

    def prune() -> None:
        try:
            while not ended.is_set():
                let_go_unseen(archive)
        except BaseException as error:  # noqa: BLE001  # raised again below
            failed.append(error)

    monkeypatch.setattr(retiring, "WINDOW", 3)
    pruning = threading.Thread(target=prune)
    pruning.start()
    try:
        for n in range(25):
            _one_day(archive, n, tmp_path if n % 2 else None, live)
    finally:
        ended.set()
        pruning.join()
    if failed:
        raise failed[0]
    assert is_sound(archive)


def _one_day(archive: Archive, n: int, tmp: Path | None, live: int) -> None:
    """A file lands whose bytes may just be going, is worked, and is asked for again by a replay."""
    while True:
        try:
            drop(archive, f"f{n}", b"day %d" % (n % 4), tmp)
            break
        except TryAgain:
            continue
    _work(archive, live)
    generation = start(archive.store, Selection(), replay_id=f"r{n}")
    with archive.store.read() as tx:
        planned = set(
            tx.execute(select(content_table.c.sha256).where(content_table.c.state == "kept")).scalars()
        )
    while True:
        with archive.store.write() as tx:
            left = filling.unfilled(tx)
            if not left:
                break
            filling.fill_window(tx, left[0], now=NOON)
    _work(archive, generation, only=planned)
    with archive.store.write() as tx:
        replays.finish(tx, now=NOON)


def _work(archive: Archive, generation: int, *, only: set[str] | None = None) -> None:
    """What is due is done; its bytes are there, of `only` those that were there when it became due."""
    while started := claim(archive.store, generation, budget=10):
        for one in started:
            assert one.body
            if only is None or one.content in only:
                archive.open(str(one.content)).close()
        complete(archive.store, started)
