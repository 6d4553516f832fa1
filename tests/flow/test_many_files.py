"""However many files there are, a watcher is hardly larger than with few."""

from __future__ import annotations

from pathlib import Path

from tests.flow.test_large_files import MOST, SETTINGS, largest_size_in_memory

MANY = 6000
_IN_A_FOLDER = 1000


def test_many_small_files_are_landed_in_bounded_memory(tmp_path: Path) -> None:
    """A million are measured by the benchmark `burst`; of these no more is kept than of so many."""
    (tmp_path / "ingest.toml").write_text(SETTINGS)
    for n in range(MANY):
        folder = tmp_path / "inbox" / str(n // _IN_A_FOLDER)
        if n % _IN_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"{n}.csv").write_bytes(b"%d" % n)

    size = largest_size_in_memory("watch", "--once", cwd=tmp_path)

    assert size < MOST + (20 << 20)  # the database's own cache is 16 MiB
