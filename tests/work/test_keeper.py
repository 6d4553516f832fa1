"""The process of a processor is as it was, also when the engine could not do what a processor asked of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.work.keeper import DAMAGED

ASKED = """
import sys
from pathlib import Path
from ingest.errors import CannotWrite
from ingest.work.keeper import Keeper

keeper = Keeper(Path(sys.argv[1]))
keeper.admit(64 * 2**20)
try:
    with keeper.paused():
        held = bytearray(2**28)
        raise CannotWrite("the disk is full")
except CannotWrite:
    del held
try:
    bytearray(2**28)
except MemoryError:
    print("refused")
keeper.dismiss()
print(len(bytearray(2**28)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is measured in /proc")
def test_a_processor_that_catches_an_outage_keeps_its_memory_limit(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ASKED, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == ["refused", str(2**28)]


CONNECTED = """
import os, socket, sys
from pathlib import Path
from ingest.work.keeper import Keeper

first, other = socket.socketpair()
keeper = Keeper(Path(sys.argv[1]))
{}
keeper.check()
print("whole", keeper.is_worn())
"""
LOST_BEFORE = "first.close(); keeper.admit(2**28); keeper.dismiss()"
LOST_AFTER = "keeper.admit(2**28); keeper.dismiss(); first.close()"
LOST_WHEN_ASKED = """
keeper.admit(2**28)
with keeper.connecting():
    first.close()
keeper.dismiss()
"""
CLOSED_BY_A_PROCESSOR = "keeper.admit(2**28); os.close(first.fileno()); keeper.dismiss()"
CLOSED_BEFORE_IT_ASKED = """
keeper.admit(2**28)
os.close(first.fileno())
with keeper.connecting():
    pass
keeper.dismiss()
"""


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("keeper.admit(2**28); keeper.dismiss()", 0, "whole False"),
        (LOST_BEFORE, 0, "whole True"),
        (LOST_AFTER, 0, "whole False"),
        (LOST_WHEN_ASKED, 0, "whole True"),
        (CLOSED_BY_A_PROCESSOR, DAMAGED, ""),
        (CLOSED_BEFORE_IT_ASKED, DAMAGED, ""),
    ],
)
def test_a_processor_answers_for_a_connection_only_where_it_has_closed_it(
    tmp_path: Path, what: str, code: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONNECTED.format(what), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout.strip(), done.stderr) == (code, said, "")
