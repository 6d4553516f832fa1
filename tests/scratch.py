"""A folder that a process which runs tests keeps to its end, and takes away then."""

from __future__ import annotations

import atexit
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp


def kept_folder(prefix: str, below: str | None = None) -> Path:
    """A private folder that is there until this process ends; no fork of it takes it away."""
    made = Path(mkdtemp(prefix=prefix, dir=below))
    atexit.register(_remove, made, os.getpid())
    return made


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
