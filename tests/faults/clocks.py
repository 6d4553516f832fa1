"""A wall clock that can be set while commands run: see clock.c."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.faulty import shim

SOURCE = Path(__file__).parent / "clock.c"


@dataclass(frozen=True, slots=True)
class WallClock:
    """The wall clock of every command that is started with `env()`."""

    file: Path

    def env(self) -> dict[str, str]:
        """The environment in which commands read this clock."""
        if not self.file.exists():
            self.step(timedelta())
        return {"LD_PRELOAD": str(shim(SOURCE)), "CLOCK_AHEAD": str(self.file)}

    def step(self, ahead: timedelta) -> None:
        """The clock is ahead of the system's by so much, from now on."""
        nanoseconds = round(ahead / timedelta(microseconds=1)) * 1000
        if self.file.exists():
            with self.file.open("r+b") as file:
                file.write(struct.pack("=q", nanoseconds))
        else:
            self.file.write_bytes(struct.pack("=q", nanoseconds))

    def set(self, moment: datetime) -> None:
        """The clock reads `moment` now."""
        self.step(moment - datetime.fromtimestamp(time.time(), UTC))

    def read(self) -> datetime:
        """What the clock says."""
        (nanoseconds,) = struct.unpack("=q", self.file.read_bytes())
        return datetime.fromtimestamp(time.time(), UTC) + timedelta(microseconds=nanoseconds / 1000)
