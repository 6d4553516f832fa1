"""The command line as a process of its own, as a reader would run it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import launching


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A directory with an `ingest.toml`, and what its commands answer."""

    home: Path

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """The command, ended."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("INGEST_")}
        return launching.run(*argv, cwd=self.home, env=env, stdin=subprocess.DEVNULL, text=True)

    def json(self, *argv: str) -> Any:
        """The first JSON document on stdout."""
        said = self.run(*argv)
        assert said.stdout, said.stderr
        return json.loads(said.stdout.splitlines()[0])
