"""A system that starts anew may number its devices otherwise: the files are the same, and no delivery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from ingest.domain.settling import StatTuple
from tests.watch.meanwhile import just_before
from tests.watch.mounts import overlay, tmpfs
from tests.watch.place import Place
from tests.watch.test_leaving import DUE, OUTCOMES, names, owed


@pytest.fixture
def layers(tmp_path: Path) -> Iterator[Path]:
    """Where the files of the inbox are kept while it is mounted."""
    with tmpfs(tmp_path / "layers", size="1m") as made:
        yield made


def fill(place: Place) -> int:
    """Files of every kind; returns the device."""
    (place.inbox / "a.csv").write_bytes(b"same")
    (place.inbox / "copy.csv").write_bytes(b"same")
    (place.inbox / "link.csv").symlink_to("/etc/passwd")
    return place.inbox.stat().st_dev


@contextmanager
def numbered_otherwise(place: Place, layers: Path, tmp_path: Path, before: int) -> Iterator[None]:
    """The same files are in the inbox, on a device that has not the number `before`."""
    with (
        ExitStack() as others
    ):  # they hold the numbers that are free; other tests mount and unmount meanwhile
        for number in count(1):
            others.enter_context(tmpfs(tmp_path / f"other-{number}", size="64k"))
            with overlay(place.inbox, layers=layers):
                if place.inbox.stat().st_dev != before:
                    yield
                    return


@pytest.mark.parametrize("resend", ["count", "land"])
def test_nothing_lands_is_counted_or_is_refused_again_under_another_device_number(
    place: Place, layers: Path, tmp_path: Path, resend: str
) -> None:
    place.set(resend=resend, duplicates="suppress")
    with overlay(place.inbox, layers=layers):
        device = fill(place)
        first = place.once()
    events = len(place.events())

    with numbered_otherwise(place, layers, tmp_path, device):
        second = place.once()

    assert (first.landed, first.suppressed, first.refused) == (1, 1, 1)
    assert (second.landed, second.redelivered, second.suppressed, second.refused) == (0, 0, 0, 0)
    assert len(place.events()) == events


def test_a_file_that_is_to_leave_does_so_under_another_device_number(
    place: Place, layers: Path, tmp_path: Path
) -> None:
    with tmpfs(tmp_path / "done", size="16k") as done, overlay(place.inbox, layers=layers):
        place.set(after=f"move:{done}")
        (done / "filler").write_bytes(bytes(16384))
        for name in ("a.csv", "b.csv"):
            (place.inbox / name).write_bytes(name.encode() * 100)
        device = place.inbox.stat().st_dev
        place.once()
        assert place.one(DUE) == 2
    before = names(layers / "upper")

    with numbered_otherwise(place, layers, tmp_path, device):
        place.set(after="delete")
        place.once()
        left = names(place.inbox)

    assert len(before) == 2
    assert left == []
    assert {outcome for _, outcome in place.rows(OUTCOMES)} == {"deleted"}


def test_a_file_that_went_is_not_owed_for_ever_and_leaves_if_it_is_there_again(
    place: Place, layers: Path, tmp_path: Path
) -> None:
    """As when the system, and then a watcher, starts before the directory is mounted."""

    class Killed(BaseException):
        """A watcher dies before the file leaves."""

    def die() -> None:
        raise Killed

    place.set(after="delete")
    with overlay(place.inbox, layers=layers):
        device = place.inbox.stat().st_dev
        (place.inbox / "a.csv").write_bytes(b"data")
        with pytest.raises(Killed), just_before("os.rename", die):
            place.once()
    with place.store.write() as tx:
        tx.exec_driver_sql("UPDATE departures SET since = 0")

    unmounted = place.once()
    gone = place.rows(OUTCOMES)
    with numbered_otherwise(place, layers, tmp_path, device):
        place.once()
        left = names(place.inbox)

    assert unmounted.failed == 0
    assert gone == [(b"a.csv", "gone")]
    assert left == []
    assert len(place.landed()) == 1
    assert place.rows(OUTCOMES) == [(b"a.csv", "deleted")]


def test_a_file_that_somebody_took_away_is_not_owed_for_ever_whatever_the_number(
    place: Place, layers: Path, tmp_path: Path
) -> None:
    place.set(after="delete")
    with overlay(place.inbox, layers=layers):
        device = place.inbox.stat().st_dev
        owed(place, "a.csv", b"data")
        (place.inbox / "a.csv").unlink()

    with numbered_otherwise(place, layers, tmp_path, device):
        place.set(after="delete")
        failed = place.once().failed

    assert failed == 0
    assert place.rows(OUTCOMES) == [(b"a.csv", "gone")]


def test_tuples_are_equal_whatever_the_device() -> None:
    one, other = StatTuple(1, 2, 3, "40:7"), StatTuple(1, 2, 3, "41:7")

    assert one == other
    assert not one != other  # noqa: SIM202  # both are written out
    assert len({one, other}) == 1
    assert one != StatTuple(1, 2, 3, "40:8")
