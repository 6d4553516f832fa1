"""Notifications that are refused, are lost, or die: the scan is the truth, and nothing is missed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, pipeline, wait_until
from tests.patience import PATIENCE
from tests.watch.place import Place, until

SCANNED = "SELECT count(*) FROM sources WHERE last_scan_at > 0"
LIMITS = Path("/proc/sys/fs/inotify")


RUN = """
import runpy, sys
from ingest.watch import loop
loop.RENEW = 0.3
sys.argv = ["ingest", "watch"]
runpy.run_module("ingest", run_name="__main__")
"""


@contextmanager
def limited(project: Pipeline, limit: str, most: int) -> Iterator[subprocess.Popen[bytes]]:
    """A watcher runs, in a user namespace of its own in which the system's limit is so low."""
    command = f'echo {most} > /proc/sys/user/{limit} && exec "$@"'
    unshare = ["unshare", "--user", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode != 0:
        pytest.skip("no user namespaces here")
    watcher = subprocess.Popen(
        [*unshare, "sh", "-c", command, "sh", sys.executable, "-c", RUN],
        cwd=project.root,
        stderr=subprocess.PIPE,
    )
    try:
        yield watcher
    finally:
        watcher.send_signal(signal.SIGTERM)
        _, log = watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 0, log
    assert b"no notifications, so it is polled" in log


def stands(project: Pipeline) -> list[tuple[str, str]]:
    return project.rows("SELECT mode, state FROM sources")


def test_without_an_inotify_instance_the_source_is_polled_until_there_is_one(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    with limited(project, "max_inotify_instances", 0) as watcher:
        wait_until(lambda: stands(project) == [("poll", "degraded")], "it is said")
        project.drop("a.csv", b"a")
        wait_until(lambda: project.rows("SELECT path FROM landings") == [(b"a.csv",)], "it lands")
        assert "no notifications" in project.rows("SELECT error FROM sources")[0][0]

        raised = "echo 10 > /proc/sys/user/max_inotify_instances"
        subprocess.run(["nsenter", "--user", "-t", str(watcher.pid), "sh", "-c", raised], check=True)

        wait_until(lambda: stands(project) == [("notify", "ok")], "notifications are back")


def test_without_watches_for_all_folders_the_source_is_polled_and_nothing_is_missed(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p")
    for number in range(30):
        (project.inbox / str(number)).mkdir()
    with limited(project, "max_inotify_watches", 10):
        wait_until(lambda: stands(project) == [("poll", "degraded")], "it is said")
        for number in range(30):
            (project.inbox / f"{number}/a.csv").write_bytes(b"%d" % number)

        wait_until(lambda: len(project.rows("SELECT DISTINCT path FROM landings")) == 30, "all land")


def test_the_kernel_s_queue_overflows_and_every_file_lands_all_the_same(place: Place) -> None:
    limit = LIMITS / "max_queued_events"
    former = limit.read_text()
    try:
        limit.write_text("16")
    except OSError as error:
        pytest.skip(f"the length of the queue cannot be set here: {error.strerror}")
    place.set(rescan=timedelta(hours=1))
    outside = place.root / "burst"
    outside.mkdir()
    for number in range(2000):
        (outside / f"{number}.csv").write_bytes(b"%d" % number)
    try:
        with place.watching():
            until(lambda: place.one(SCANNED) == 1)
            for path in outside.iterdir():
                path.rename(place.inbox / path.name)
            until(lambda: place.one("SELECT count(*) FROM landings") == 2000)
            until(lambda: place.one("SELECT count(*) FROM gaps WHERE ended_at IS NULL") == 0)
    finally:
        limit.write_text(former)
    assert place.one("SELECT reason FROM gaps WHERE number = 1") == "overflow"


def test_folders_made_and_filled_at_once_are_not_missed(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        for number in range(100):
            place.drop(f"{number}/deep/er/a.csv", b"%d" % number)

        until(lambda: len(place.landed()) == 100)


def test_a_tree_far_deeper_than_any_path_may_be_long_stops_nobody(place: Place) -> None:
    place.drop("a.csv", b"a")
    handle = os.open(place.inbox, os.O_RDONLY)
    for _ in range(60):  # 60 folders of 100 letters: longer than PATH_MAX
        os.mkdir("d" * 100, dir_fd=handle)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    file = os.open("deep.csv", os.O_CREAT | os.O_WRONLY, dir_fd=handle)
    os.write(file, b"deep")
    os.close(file)
    os.close(handle)

    summary = place.once()

    assert (summary.landed, summary.failed) == (1, 1), "the deep file is told of, its path is no key"
    assert (place.once().landed, place.once().failed) == (0, 1)


def test_files_before_the_start_and_between_watching_and_scanning_land_once(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    for number in range(200):
        place.drop(f"before-{number}.csv", b"%d" % number)
    with place.watching():
        for number in range(200):
            place.drop(f"while-{number}.csv", b"while %d" % number)
        until(lambda: len(place.landed()) == 400)
    assert place.one("SELECT count(DISTINCT path) FROM landings") == 400
    assert place.one("SELECT redelivered FROM sources") == 0


def test_a_reader_that_dies_again_and_again_is_replaced(place: Place) -> None:
    place.set(rescan=timedelta(hours=1))
    with place.watching():
        until(lambda: place.one(SCANNED) == 1)
        for number in range(3):
            for thread in threading.enumerate():
                if type(thread).__name__ == "_Reader" and thread.is_alive():  # not one about to start
                    thread.stop()  # type: ignore[attr-defined]  # watchdog's
                    thread.join()
            place.drop(f"{number}.csv", b"%d" % number)
            until(lambda number=number: len(place.landed()) == number + 1)  # type: ignore[misc]
        until(lambda: place.rows("SELECT mode, state, error FROM sources") == [("notify", "ok", "")])
