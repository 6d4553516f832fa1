"""A store on a filesystem whose locks cannot be trusted is refused, whichever command comes first."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.filesystems import filesystem_of, is_remote
from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.store.backends import only_on


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on FUSE: what a network filesystem is to SQLite."""
    if shutil.which("bindfs") is None or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("there is no bindfs, or no /dev/fuse")
    behind, place = tmp_path / "behind", tmp_path / "place"
    behind.mkdir()
    place.mkdir()
    done = subprocess.run(["bindfs", str(behind), str(place)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("bindfs may not mount here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@only_on("sqlite", "a server minds its own disk")
def test_a_store_is_not_made_on_a_network_filesystem(elsewhere: Path) -> None:
    project = Pipeline(elsewhere)
    (elsewhere / "ingest.toml").write_text(CONFIG)
    project.inbox.mkdir()

    refused = [project.run(command) for command in ("watch", "work", "run")]

    assert [done.returncode for done in refused] == [65, 65, 65]
    assert all(b"locks cannot be trusted" in done.stderr for done in refused)
    assert not project.database.exists()


@only_on("sqlite", "a server minds its own disk")
def test_a_store_that_was_moved_to_a_network_filesystem_is_refused(elsewhere: Path, tmp_path: Path) -> None:
    made = pipeline(tmp_path / "p")
    made.drop("a.csv", payments_file("P-1"))
    made.heal()
    shutil.copytree(made.root, elsewhere / "p")
    before = (elsewhere / "p" / ".ingest" / "ingest.db").read_bytes()

    refused = [Pipeline(elsewhere / "p").run(command) for command in ("watch", "work", "status")]

    assert [done.returncode for done in refused] == [65, 65, 65]
    assert (elsewhere / "p" / ".ingest" / "ingest.db").read_bytes() == before


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse.sshfs", "ceph"])
def test_network_filesystems_are_known_by_their_kind(kind: str) -> None:
    assert is_remote(kind)


def test_the_kind_is_the_one_the_kernel_tells(tmp_path: Path) -> None:
    told = subprocess.run(
        ["findmnt", "-no", "FSTYPE", "-T", str(tmp_path)], capture_output=True, text=True, check=True
    )

    *_, on_top = told.stdout.split()  # of several that are mounted at one place
    assert filesystem_of(tmp_path) == on_top
    assert not is_remote(filesystem_of(tmp_path))
