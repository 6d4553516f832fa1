"""What a command writes to a file of its own is whole, and takes nobody's place, on every filesystem."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.project import GOOD
from tests.store.backends import only_on

DIGEST = hashlib.sha256(GOOD.encode()).hexdigest()
WITHOUT_LINKS = f"""
import sys

def refuse(event, args):
    if event == "os.link":
        raise OSError({errno.EPERM}, "no links here")  # as vfat and exfat do

sys.addaudithook(refuse)
from ingest.cli import main
sys.argv = ["ingest", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    "command",
    [
        f"archive get {DIGEST} -o",
        pytest.param("db backup", marks=only_on("sqlite", "a server has means of its own")),
        "rejects export -o",
    ],
)
def test_where_a_filesystem_knows_no_links_a_file_is_made_and_none_is_overwritten(
    day: Path, tmp_path: Path, command: str
) -> None:
    argv = [sys.executable, "-c", WITHOUT_LINKS, *command.split(), str(tmp_path / "new")]

    made = subprocess.run(argv, cwd=day, capture_output=True, text=True, check=False)
    written = (tmp_path / "new").read_bytes()
    again = subprocess.run(argv, cwd=day, capture_output=True, text=True, check=False)

    assert (made.returncode, made.stderr) == (0, "")
    assert written == GOOD.encode() if "archive" in command else written
    assert again.returncode == 73
    assert "File exists" in again.stderr
    assert (tmp_path / "new").read_bytes() == written
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["new"]
