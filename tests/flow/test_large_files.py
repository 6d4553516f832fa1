"""Large files are landed and checked by the commands themselves in flat memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SETTINGS = """\
version = 1

[[source]]
name = "partner"
path = "inbox"
complete = "renamed"
max_size = "2GiB"
"""
SIZE = 256 << 20  # bytes, far more than may be in memory
MOST = 100 << 20  # bytes of memory


def test_a_sparse_file_is_landed_in_flat_memory_and_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "ingest.toml").write_text(SETTINGS)
    (tmp_path / "inbox").mkdir()
    with (tmp_path / "inbox" / "sparse.bin").open("wb") as file:
        file.truncate(SIZE)

    for command in (("watch", "--once"), ("archive", "verify")):
        assert _largest_size_in_memory(*command, cwd=tmp_path) < MOST

    (archived,) = (tmp_path / ".ingest" / "archive" / "sha256").glob("*/*")
    assert archived.stat().st_size == SIZE
    assert archived.stat().st_blocks * 512 < SIZE // 100


def _largest_size_in_memory(*command: str, cwd: Path) -> int:
    """Bytes that the command, which must succeed, had in memory at its largest."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ingest", "-q", *command], cwd=cwd, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
