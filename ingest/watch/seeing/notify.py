"""Notifications as the loop knows them: hints, where the system gives any; the scan is the truth."""

from __future__ import annotations

import sys
from typing import Protocol

from ingest.watch.seeing.hints import Hints


class Followed(Protocol):
    """The followed folders of one source."""

    def follow(self, handle: int, folder: bytes) -> None:
        """Changes in the folder open as `handle`, at path `folder`, are hinted at; raises `OSError`."""


class Notifier(Protocol):
    """The notifications of all sources of one watcher."""

    def followed(self, hints: Hints, *, is_recursive: bool) -> Followed:
        """What follows the folders of one source and hints into `hints`."""

    def is_alive(self) -> bool:
        """False when everything is to be followed anew, by another notifier."""

    def stop(self) -> None:
        """Nothing is hinted at any more."""


def is_supported() -> bool:
    """True where the system's notifications are made use of."""
    return sys.platform == "linux"


def open_notifier() -> Notifier:
    """A notifier at work; raises `OSError` where the system's limits, or the system, do not allow one."""
    if not is_supported():
        raise OSError(0, "this system's notifications are not made use of")
    from ingest.watch.seeing.inotify import Inotify  # noqa: PLC0415  # cannot be imported elsewhere

    return Inotify()
