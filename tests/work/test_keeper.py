"""The process of a processor is as it was, also when the engine could not do what a processor asked of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
