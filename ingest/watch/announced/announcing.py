"""What a partner says of files beside them, in a marker or a manifest; those never land themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from ingest.domain.settling import Reading
from ingest.store.sightings import Look
from ingest.watch.landing.take import Taken
from ingest.watch.seeing.scan import Refusal


class Word(NamedTuple):
    """What was said of one file."""

    awaits: str = ""  # what it must wait for, however quiet it is
    is_whole: bool = False  # it need not be quiet


class Waits(NamedTuple):
    """A marker or a manifest that has not done its work yet."""

    look: Look
    due: float  # monotonic: when it is to be heard again, if nothing happens before
    reason: str


@dataclass(slots=True)
class Heard:
    """What came of markers or manifests that were seen."""

    files: list[Look] = field(default_factory=list)  # that are there, of those they speak of
    waits: list[Waits] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    over: list[bytes] = field(default_factory=list)  # paths of those that have done their work
    finished: list[Look] = field(default_factory=list)  # those of them that are to leave


class Announcer(Protocol):
    """The markers, or the manifests, of one source."""

    def announces(self, path: bytes) -> bool:
        """True for the path of one of them, which is never landed."""

    def word_on(self, look: Look) -> Word:
        """What is said of the file."""

    def hear(self, seen: Sequence[Look], now: Reading, quiet: float) -> Heard:
        """What those that were seen say; again whenever something about them may have changed."""

    def objection(self, taken: Taken) -> str:
        """Why the bytes of the file are not those that were announced, or nothing."""

    def beside(self, look: Look) -> Look | None:
        """What spoke for the file and for nothing else: it leaves when that does."""

    def spoken_of(self, path: bytes) -> Collection[bytes]:
        """The paths of the files that the one at this path speaks of."""

    def forget(self, path: bytes) -> None:
        """The one at this path is gone, and nothing it said holds."""

    def concerned(self, paths: Iterable[bytes]) -> list[Look]:
        """The ones that spoke of these files and are to be heard again now that something became of them."""
