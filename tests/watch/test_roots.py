"""The directory of a source that goes, comes back, or is another one: said loudly, concluded from never."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, pipeline, wait_until
from tests.patience import PATIENCE
from tests.watch.mounts import mount, tmpfs, unmount
from tests.watch.place import Place, until

OFTEN = 'rescan = "200ms"'
MODES = ["notify", "poll"]


@contextmanager
def watching(project: Pipeline, *before: str) -> Iterator[subprocess.Popen[bytes]]:
    """`ingest watch` runs beside the block; it goes on whatever happens, and ends well."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    watcher = subprocess.Popen(
        [*before, sys.executable, "-m", "ingest", "watch"], cwd=project.root, env=env, stderr=subprocess.PIPE
    )
    try:
        yield watcher
    finally:
        watcher.send_signal(signal.SIGTERM)
        _, log = watcher.communicate(timeout=PATIENCE)
    assert watcher.returncode == 0, log
    assert b"cannot be read" in log or b"any more" in log or b"leads elsewhere" in log
    assert b"well again" in log


def landed(project: Pipeline) -> list[bytes]:
    return [path for (path,) in project.rows("SELECT path FROM landings ORDER BY position")]


def states(project: Pipeline) -> list[str]:
    return [state for (state,) in project.rows("SELECT state FROM sources")]


def is_unhealthy(project: Pipeline) -> bool:
    """`status --check` says so, and names the source."""
    checked = project.run("status", "--check")
    return checked.returncode == 3 and b"source acme is unavailable" in checked.stdout


def project_of(root: Path, mode: str) -> Pipeline:
    return pipeline(root, CONFIG.replace('rescan = "1s"', f'{OFTEN}\nmode = "{mode}"'))


@pytest.mark.parametrize("mode", MODES)
def test_a_directory_that_is_deleted_and_made_again(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path / "p", mode)
    project.drop("before.csv", b"before")
    with watching(project):
        wait_until(lambda: landed(project) == [b"before.csv"], "it lands")
        shutil.rmtree(project.inbox)
        wait_until(lambda: states(project) == ["unavailable"], "it is said")
        assert is_unhealthy(project)

        project.inbox.mkdir()
        project.drop("after.csv", b"after")

        wait_until(lambda: landed(project) == [b"before.csv", b"after.csv"], "it goes on")
        wait_until(lambda: states(project) == ["ok"], "it is well")
    project.assert_sound()


@pytest.mark.parametrize("mode", MODES)
def test_a_mount_that_goes_and_comes_back(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path / "p", mode)
    image = tmp_path / "image"
    image.mkdir()
    with tmpfs(image, size="4m"):
        mount("--bind", str(image), str(project.inbox))
        try:
            (project.inbox / "before.csv").write_bytes(b"before")
            with watching(project):
                wait_until(lambda: landed(project) == [b"before.csv"], "it lands")
                unmount(project.inbox)
                (image / "meanwhile.csv").write_bytes(b"meanwhile")
                wait_until(lambda: states(project) == ["unavailable"], "the empty mount point is no source")
                assert is_unhealthy(project)

                mount("--bind", str(image), str(project.inbox))

                wait_until(lambda: b"meanwhile.csv" in landed(project), "it goes on")
                wait_until(lambda: states(project) == ["ok"], "it is well")
            assert project.rows("SELECT redelivered FROM sources") == [(0,)]
        finally:
            subprocess.run(["umount", "--lazy", str(project.inbox)], check=False, capture_output=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_directory_that_may_not_be_read_for_a_while(tmp_path: Path, mode: str) -> None:
    project = project_of(tmp_path / "p", mode)
    with watching(project, *without_special_rights()):
        wait_until(lambda: states(project) == ["ok"], "it watches")
        project.inbox.chmod(0)
        (project.inbox / "meanwhile.csv").write_bytes(b"meanwhile") if os.geteuid() == 0 else None
        wait_until(lambda: states(project) == ["unavailable"], "it is said")
        assert is_unhealthy(project)

        project.inbox.chmod(0o700)

        wait_until(lambda: states(project) == ["ok"], "it is well")
        project.drop("after.csv", b"after")
        wait_until(lambda: b"after.csv" in landed(project), "it goes on")


def test_a_directory_that_may_not_be_written_is_refused_at_the_start_if_files_are_to_leave(
    tmp_path: Path,
) -> None:
    project = pipeline(tmp_path / "p", CONFIG.replace('rescan = "1s"', 'after = "delete"'))
    project.inbox.chmod(0o500)

    done = subprocess.run(
        [*without_special_rights(), sys.executable, "-m", "ingest", "watch"],
        cwd=project.root,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 73
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr
    project.inbox.chmod(0o700)


def without_special_rights() -> list[str]:
    """What is to stand before a command so that permissions hold for it, also where the tests run as root."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


@pytest.mark.parametrize("mode", MODES)
def test_a_directory_in_whose_place_a_link_stands_leads_nowhere(place: Place, mode: str) -> None:
    place.set(mode=mode)
    outside, away = place.root / "secret", place.root / "away"
    outside.mkdir()
    (outside / "secret.csv").write_bytes(b"secret")
    place.drop("before.csv", b"before")
    with place.watching():
        until(lambda: place.landed() == [(b"before.csv", 1)])
        place.inbox.rename(away)
        place.inbox.symlink_to(outside)
        until(lambda: "leads elsewhere" in place.one("SELECT error FROM sources"))
        assert place.rows("SELECT state FROM sources") == [("unavailable",)]

        place.inbox.unlink()
        away.rename(place.inbox)
        place.drop("after.csv", b"after")

        until(lambda: place.landed() == [(b"before.csv", 1), (b"after.csv", 1)])
        until(lambda: place.rows("SELECT state FROM sources") == [("ok",)])


def test_a_directory_that_was_named_by_a_link_may_be_another_one_later(place: Place) -> None:
    one, other, link = place.root / "one", place.root / "other", place.root / "link"
    one.mkdir()
    other.mkdir()
    (other / "b.csv").write_bytes(b"b")
    link.symlink_to(one)
    place.set(path=link)
    with place.watching():
        until(lambda: place.rows("SELECT state FROM sources WHERE last_scan_at > 0") == [("ok",)])
        link.unlink()
        link.symlink_to(other)

        until(lambda: place.landed() == [(b"b.csv", 1)])
