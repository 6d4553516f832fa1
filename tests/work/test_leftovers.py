"""Whose child a process becomes once whoever started it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.work.leftovers import subreaper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands orphans to a subreaper")


def test_orphans_come_to_a_worker_for_as_long_as_it_works() -> None:
    before = parent_of_an_orphan()

    with subreaper():
        meanwhile = parent_of_an_orphan()

    assert (meanwhile, parent_of_an_orphan()) == (os.getpid(), before)


def parent_of_an_orphan() -> int:
    """The pid of the process that a process belongs to whose parent ended; it is gone afterwards."""
    with subprocess.Popen(["sh", "-c", "sleep 600 & echo $!"], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
    status = Path(f"/proc/{orphan}/status").read_text()
    os.kill(orphan, signal.SIGKILL)
    parent_pid = int(status.partition("PPid:")[2].split()[0])
    if parent_pid == os.getpid():
        os.waitpid(orphan, 0)
    return parent_pid
