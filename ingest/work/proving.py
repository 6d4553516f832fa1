"""The bytes behind a past event: proved before it is run on, or where they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import BinaryIO, Self

from ingest.domain.events import Event
from ingest.errors import ArchiveDamaged, IngestError, NotFound


class Proving:
    """Opens verified bytes, and keeps that they are not what they were, whatever a processor makes of it."""

    def __init__(self, open_: Callable[[str, Event], BinaryIO]) -> None:
        self._open = open_
        self._proved: list[BinaryIO] = []
        self.lost: IngestError | None = None

    def prove(self, sha256: str, event: Event) -> None:
        """The next `open` does not read these bytes again; or they are lost."""
        with suppress(ArchiveDamaged, NotFound):
            self._proved.append(self.open(sha256, event))

    def open(self, sha256: str, event: Event) -> BinaryIO:
        """The bytes that the event is about, verified; raises `ArchiveDamaged` or `NotFound`."""
        if self._proved:
            return self._proved.pop()
        try:
            return self._open(sha256, event)
        except (ArchiveDamaged, NotFound) as error:
            self.lost = error
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for unread in self._proved:
            unread.close()
