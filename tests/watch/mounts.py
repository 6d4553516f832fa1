"""Real filesystems, mounted for a moment; a test that needs one is skipped where that is not allowed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def mount(*args: str) -> None:
    """The mount stands; the test is skipped where it may not be made."""
    done = subprocess.run(["mount", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def unmount(place: Path) -> None:
    """Nothing is mounted there any more, also while somebody still holds it."""
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=True)


@contextmanager
def tmpfs(place: Path, *, size: str, options: str = "rw") -> Iterator[Path]:
    """A filesystem of this size is mounted at `place` while the block runs."""
    place.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size},{options}", "tmpfs", str(place))
    try:
        yield place
    finally:
        unmount(place)


@contextmanager
def overlay(place: Path, *, layers: Path) -> Iterator[Path]:
    """The files that lie in `layers` are at `place` while the block runs, on a device with any number."""
    for name in ("lower", "upper", "work"):
        (layers / name).mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
    mount("-t", "overlay", "-o", options, "overlay", str(place))
    try:
        yield place
    finally:
        unmount(place)
