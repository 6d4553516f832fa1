"""Large files are landed and checked by the commands themselves in flat memory."""

from __future__ import annotations

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
_SMALL_PARENT = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""  # a process is said to be as large as the one that started it was
MOST = 100 << 20  # bytes of memory


def test_a_sparse_file_is_landed_in_flat_memory_and_takes_no_room(tmp_path: Path) -> None:
    (tmp_path / "ingest.toml").write_text(SETTINGS)
    (tmp_path / "inbox").mkdir()
    with (tmp_path / "inbox" / "sparse.bin").open("wb") as file:
        file.truncate(SIZE)

    for command in (("watch", "--once"), ("archive", "verify")):
        assert largest_size_in_memory(*command, cwd=tmp_path) < MOST

    (archived,) = (tmp_path / ".ingest" / "archive" / "sha256").glob("*/*")
    assert archived.stat().st_size == SIZE
    assert archived.stat().st_blocks * 512 < SIZE // 100


def largest_size_in_memory(*command: str, cwd: Path) -> int:
    """Bytes that the command, which must succeed, had in memory at its largest."""
    ran = subprocess.run(
        [sys.executable, "-c", _SMALL_PARENT, sys.executable, "-m", "ingest", "-q", *command],
        cwd=cwd,
        check=True,
        stdout=subprocess.PIPE,
    )
    return int(ran.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024)
