"""How a file is put at its path: renamed to it, written there, or announced; what lay there is known."""

from __future__ import annotations

import os
import random
from itertools import count
from pathlib import Path
from typing import BinaryIO

from ingest.watch.names import rename_without_replacing
from tests.torture.announced import LATER, Announcement
from tests.torture.contents import Content
from tests.torture.model import Model, Place
from tests.torture.project import Project
from tests.torture.sources import Source
from tests.torture.trace import Trace


class Placer:
    """Puts contents at places, and tells the model."""

    def __init__(self, project: Project, model: Model, chance: random.Random, trace: Trace) -> None:
        self.slow: dict[Place, tuple[BinaryIO, Content, int]] = {}  # open, and how much of it is written
        self._project, self._model, self._chance, self._trace = project, model, chance, trace
        self._names = count(1)

    def fresh_name(self, pattern: bytes) -> bytes:
        """A path that nothing ever had."""
        return pattern % next(self._names)

    def begin(self, place: Place, content: Content) -> None:
        """Somebody has the file open and writes it piece by piece."""
        self.slow[place] = (self._opened(place), content, 0)
        self._trace.note("drop: begun slowly", source=place[0], path=place[1])

    def write(self, place: Place, data: bytes) -> None:
        """These bytes, which are no data, lie there."""
        part = self._part_beside(self._project.at(place))
        part.write_bytes(data)
        part.rename(self._project.at(place))

    def write_on(self) -> None:
        """Those who write slowly write a piece more; whoever is through closes."""
        for place, (file, content, done) in list(self.slow.items()):
            size = max(len(content.data) // self._chance.randrange(2, 12), 1)
            if done < len(content.data):
                file.write(content.data[done : done + size])
                self.slow[place] = (file, content, done + size)
                continue
            file.close()
            del self.slow[place]
            self._model.drop(place, content)
            self._trace.note("drop: written slowly", source=place[0], path=place[1], sha256=content.sha256)

    def put(self, source: Source, path: bytes, content: Content, how: str, dated: int | None = None) -> None:
        """The content lies at the path, renamed to it or, where allowed, now and then written there."""
        place = source.name, path
        if place in self.slow:
            return
        at = self._project.at(place)
        at.parent.mkdir(parents=True, exist_ok=True)
        if source.is_announced:
            self._put_announced(source, place, content, how)
            return
        is_linked = place in self._model.linked
        if source.is_written_in_place and not is_linked and self._chance.random() < 0.5:
            with self._opened(place) as file:
                file.write(content.data)
            how = f"{how}, in place"
            if dated is not None:
                os.utime(at, (dated, dated))
        else:
            self._rename_in(place, content, dated)
        self._model.drop(place, content)
        self._trace.note(
            f"drop: {how}", source=source.name, path=path, kind=content.kind, sha256=content.sha256
        )

    def _opened(self, place: Place) -> BinaryIO:
        """The file at the path, empty and open for writing; whether one was there is known."""
        at = self._project.at(place)
        try:
            file, had_left = at.open("xb", buffering=0), True
        except FileExistsError:
            file, had_left = at.open("wb", buffering=0), False
        self._model.take_away(place, had_left=had_left)
        return file

    def _rename_in(self, place: Place, content: Content, dated: int | None = None) -> None:
        """Written under a temporary name beside it, and renamed; whether a file was there is known."""
        at = self._project.at(place)
        part = self._part_beside(at)
        part.write_bytes(content.data)
        if dated is not None:
            os.utime(part, (dated, dated))
        folder = os.open(at.parent, os.O_PATH)
        names = os.fsencode(part.name), os.fsencode(at.name)
        try:
            rename_without_replacing(*names, old_folder=folder, new_folder=folder)
        except FileExistsError:
            part.rename(at)
            self._model.take_away(place)
        else:
            self._model.take_away(place, had_left=True)
        finally:
            os.close(folder)

    def _put_announced(self, source: Source, place: Place, content: Content, how: str) -> None:
        """The file, then what announces it; a new file also the other way round, or without it."""
        at, is_new = self._project.at(place), place not in self._model.history
        word = Announcement(source=source, file=at, content=content)
        order = self._chance.choice(word.orders if is_new else LATER)
        if not word.is_possible or place in self._model.withheld:
            return
        self._model.announced[place] = place[0], self._project.path_in(place[0], word.at)
        if order == "before":
            word.appear(self._part_beside(at))
        self._rename_in(place, content)
        if order in ("after", "wrongly"):
            word.appear(self._part_beside(at), wrongly=order == "wrongly")
        if order in ("never", "wrongly"):
            self._model.withheld.add(place)
        else:
            self._model.drop(place, content)
        self._trace.note(
            f"drop: {how}, announced {order}", source=place[0], path=place[1], sha256=content.sha256
        )

    def _part_beside(self, at: Path) -> Path:
        return at.parent / f".{next(self._names)}.part"
