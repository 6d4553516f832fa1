"""Watchers and workers that are started again whenever they were killed."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Sequence

from tests.crash.pipeline import Pipeline
from tests.launching import Command
from tests.patience import PATIENCE

UNREACHABLE = 69  # how a command ends that finds its store away as it begins


class Fleet:
    """One process of a project for each of the commands `kinds`."""

    def __init__(self, project: Pipeline, kinds: Sequence[str]) -> None:
        self.project = project
        self.running = [(kind, self._started(kind)) for kind in kinds]

    def kill_one(self, chance: random.Random) -> None:
        """One of them was killed, and another of its kind runs."""
        index = chance.randrange(len(self.running))
        kind, process = self.running[index]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.running[index] = kind, self._started(kind)

    def are_up(self) -> bool:
        """Whoever could not begin, since the store was away just then, is started again, as a service is."""
        for index, (kind, process) in enumerate(self.running):
            if process.poll() is not None:
                assert process.returncode == UNREACHABLE, (kind, process.returncode)
                self.running[index] = kind, self._started(kind)
        return len(self.project.live()) == len(self.running)

    def stop(self) -> list[int]:
        """How each has ended, when it was asked to."""
        for _, process in self.running:
            process.send_signal(signal.SIGTERM)
        return [process.wait(timeout=PATIENCE) for _, process in self.running]

    def _started(self, kind: str) -> subprocess.Popen[bytes]:
        return Command([kind], cwd=self.project.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
