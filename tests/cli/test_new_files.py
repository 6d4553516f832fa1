"""What a command writes to a file of its own is whole, and takes nobody's place, on every filesystem."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from tests.cli.project import GOOD, spawned
from tests.store.backends import only_on

DIGEST = hashlib.sha256(GOOD.encode()).hexdigest()
WITHOUT_LINKS = f"""
import sys

def refuse(event, args):
    if event == "os.link":
        raise OSError({errno.EPERM}, "no links here")  # as vfat and exfat do

sys.addaudithook(refuse)
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
    customized, into = tmp_path / "customized", tmp_path / "into"
    customized.mkdir()
    into.mkdir()
    (customized / "sitecustomize.py").write_text(WITHOUT_LINKS)
    env = {**os.environ, "PYTHONPATH": str(customized)}
    new = into / "new"

    made = spawned(*command.split(), str(new), cwd=day, env=env)
    written = new.read_bytes()
    again = spawned(*command.split(), str(new), cwd=day, env=env)

    assert (made.code, made.err) == (0, "")
    assert written == GOOD.encode() if "archive" in command else written
    assert again.code == 73
    assert "File exists" in again.err
    assert new.read_bytes() == written
    assert new.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in into.iterdir()] == ["new"]
