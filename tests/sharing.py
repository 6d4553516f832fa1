"""What takes long to make is made by one of the processes that run the tests, and used by all of them."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Told = TypeVar("Told")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Told]) -> tuple[Path, Told]:
    """The folder `name`, filled by `make` in whichever process asked first, and what that returned.

    Nobody may change what is in it, nor may it need a process to be alive.
    """
    ours = factory.getbasetemp()
    folder = (ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours) / name
    told = folder.with_name(f"{name}.told")
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            folder.mkdir()
            told.write_bytes(pickle.dumps(make(folder)))
    return folder, pickle.loads(told.read_bytes())
