"""The ways in which files arrive: one function each, chosen by chance."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from tests.torture.announced import BAD_MANIFESTS
from tests.torture.contents import Content, Maker
from tests.torture.model import Model, Place
from tests.torture.placing import Placer
from tests.torture.project import Project
from tests.torture.sources import BY_NAME, SOURCES, Source
from tests.torture.trace import Trace

HOSTILE_NAMES = (
    b"%d\nline.csv",
    b'%d\n{"level": "critical", "message": "forged"}.csv',
    b"%d\x1b[31mred\x07.csv",
    b"%d caf\xe9.csv",
    b"--help%d.csv",
    b"-rf %d.csv",
    b"[bold]%d[/x].csv",
    b"$(touch pwned)%d;rm -rf.csv",
    "\u202e%d vsc.exe".encode(),
    b"=cmd|'C calc'!A%d.csv",
    b"%d" + b"n" * 240,
    b"%d 'quote\" \\ back.csv",
    "e\u0301 %d.csv".encode(),
    b"%d \xff\xfe\x80",
)
IGNORED_NAMES = (b".%d.csv", b"%d.csv.part", b"~$%d.csv", b"%d.tmp", b"%d.filepart")


class Dropper:
    """Drops files into the sources of one project, and tells the model."""

    def __init__(self, project: Project, model: Model, chance: random.Random, trace: Trace) -> None:
        self.model = model
        self.away: set[str] = set()  # sources whose directory is not there now
        self._project, self._model, self._chance, self._trace = project, model, chance, trace
        self._make = Maker(chance)
        self._places = Placer(project, model, chance, trace)
        self._put, self._fresh_name = self._places.put, self._places.fresh_name
        self._ways: list[tuple[int, Callable[[Source], None]]] = [
            (30, self._new),
            (6, self._same_again),
            (6, self._replaced),
            (6, self._begun_slowly),
            (4, self._duplicate),
            (3, self._hostile_name),
            (3, self._nested),
            (2, self._folder_moved_in),
            (2, self._empty),
            (3, self._taken_away),
            (2, self._back_dated),
            (2, self._ignored_name),
            (3, self._no_file),
            (1, self._hard_link),
            (1, self._burst),
            (2, self._bad_manifest),
        ]

    def drop(self) -> None:
        """Something arrives somewhere."""
        there = [source for source in SOURCES if source.name not in self.away]
        if not there:
            return
        [source] = self._chance.choices(there, [source.share for source in there])
        [way] = self._chance.choices([w for _, w in self._ways], [n for n, _ in self._ways])
        way(source)
        self._places.write_on()

    def drop_at(self, place: Place, content: Content) -> None:
        """The content lies at the very place."""
        self._put(BY_NAME[place[0]], place[1], content, "new")

    def end_slow_writes(self) -> None:
        """Whoever still writes comes to the end."""
        while self._places.slow:
            self._places.write_on()

    def hand(self) -> tuple[Path, Place]:
        """A file outside of all sources that a person is about to land at this place, new or used before."""
        source = self._chance.choice(SOURCES)
        used = [place for place in self._model.by_hand if place[0] == source.name]
        if used and self._chance.random() < 0.5:
            place = self._chance.choice(used)
            content = self._chance.choice((self._model.history[place][-1], self._content(source)))
        else:
            place, content = (source.name, self._fresh_name(source.fresh_name)), self._content(source)
        file = self._project.outside / os.fsdecode(self._fresh_name(b"in hand %d"))
        file.write_bytes(content.data)
        self._model.hand(place, content)
        return file, place

    # -- the ways

    def _new(self, source: Source) -> None:
        self._put(source, self._fresh_name(source.fresh_name), self._content(source), "new")

    def _same_again(self, source: Source) -> None:
        place = self._some_place(source)
        if place is not None:
            self._put(source, place[1], self._model.standing[place], "same again")

    def _replaced(self, source: Source) -> None:
        place = self._some_place(source)
        if place is not None:
            self._put(source, place[1], self._content(source), "replaced")

    def _duplicate(self, source: Source) -> None:
        place = self._some_place(source)
        if place is not None:
            self._put(source, self._fresh_name(b"copy %d.csv"), self._model.standing[place], "duplicate")

    def _hostile_name(self, source: Source) -> None:
        name = self._fresh_name(self._chance.choice(HOSTILE_NAMES))
        self._put(source, name, self._content(source), "hostile name")

    def _nested(self, source: Source) -> None:
        folder = b"deep/" * self._chance.randrange(1, 5) + b"%d"
        self._put(source, self._fresh_name(folder + b".csv"), self._content(source), "nested")

    def _folder_moved_in(self, source: Source) -> None:
        name = self._fresh_name(b"folder %d")
        built = self._project.outside / os.fsdecode(name)
        built.mkdir()
        several = 0 if source.is_announced else self._chance.randrange(6)
        inside = [(b"%s/%d.csv" % (name, n), self._content(source)) for n in range(several)]
        for path, content in inside:
            (self._project.outside / os.fsdecode(path)).write_bytes(content.data)
        built.rename(self._project.source(source.name) / os.fsdecode(name))
        for path, content in inside:
            self._model.drop((source.name, path), content)
        self._trace.note("drop: folder moved in", source=source.name, path=name, files=len(inside))

    def _empty(self, source: Source) -> None:
        if source.has_poison and source.contents == "payments":
            self._put(source, self._fresh_name(b"empty %d.csv"), self._make.empty(), "empty")

    def _taken_away(self, source: Source) -> None:
        place = self._some_place(source)
        if place is None:
            return
        try:
            self._project.at(place).unlink()
        except FileNotFoundError:
            self._model.take_away(place, had_left=True)
        else:
            self._model.take_away(place)
        self._trace.note("drop: taken away", source=source.name, path=place[1])

    def _back_dated(self, source: Source) -> None:
        at = self._chance.choice((0, 86_400 * 365, 4_000_000_000))
        name = self._fresh_name(b"dated %d.csv")
        self._put(source, name, self._content(source), "back-dated", dated=at)

    def _ignored_name(self, source: Source) -> None:
        place = source.name, self._fresh_name(self._chance.choice(IGNORED_NAMES))
        self._project.at(place).write_bytes(self._content(source).data)
        self._model.ignored.add(place)
        self._trace.note("drop: ignored name", source=source.name, path=place[1])

    def _no_file(self, source: Source) -> None:
        """A link to a secret, a pipe, a socket, a link that leads nowhere, the store under another name."""
        kind = self._chance.choice(("link", "dangling", "zero", "loop", "pipe", "socket", "store"))
        place = source.name, self._fresh_name(b"%d no file.csv")
        at = self._project.at(place)
        if kind == "store" and self._project.database.exists() and not self._project.has_own_disk:
            os.link(self._project.database, at)
        elif kind == "pipe":
            os.mkfifo(at)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as made:
                short = Path(f"/proc/self/fd/{os.open(at.parent, os.O_PATH)}")
                made.bind(str(short / at.name))
                os.close(int(short.name))
        else:
            targets = {
                "link": str(self._project.outside / "secret.txt"),
                "zero": "/dev/zero",
                "loop": at.name,
            }
            at.symlink_to(targets.get(kind, "nowhere"))
        self._model.refused.add(place)
        self._trace.note("drop: no file", kind=kind, source=source.name, path=place[1])

    def _hard_link(self, source: Source) -> None:
        place = self._some_place(source)
        if place is None or not source.keeps or source.resend == "land" or source.is_announced:
            return
        path = self._fresh_name(b"linked %d.csv")
        self._model.linked |= {place, (source.name, path)}
        os.link(self._project.at(place), self._project.at((source.name, path)))
        self._model.drop((source.name, path), self._model.standing[place])
        self._trace.note("drop: hard link", source=source.name, path=path, to=place[1])

    def _burst(self, source: Source) -> None:
        for _ in range(60 if source.contents == "payments" else 5):
            self._put(source, self._fresh_name(b"burst %d.csv"), self._content(source), "in a burst")

    def _bad_manifest(self, source: Source) -> None:
        """It cannot be followed, or names what lies outside."""
        if source.complete == "manifest":
            place = source.name, self._fresh_name(b"bad %d.sha256")
            self._places.write(place, self._chance.choice(BAD_MANIFESTS))
            self._model.refused.add(place)
            self._trace.note("drop: bad manifest", source=source.name, path=place[1])

    def _begun_slowly(self, source: Source) -> None:
        """Written in place piece by piece, with the file held open; it counts once it is closed."""
        if not source.is_written_in_place:
            return
        old = self._some_place(source) if self._chance.random() < 0.3 else None
        place = old or (source.name, self._fresh_name(b"slow %d.csv"))
        if old is not None and place in self._model.linked:
            return
        self._places.begin(place, self._content(source))

    def _content(self, source: Source) -> Content:
        if source.contents == "odd":
            return self._make.odd()
        if source.duplicates != "flag" and self._chance.random() < 0.3:
            known = [c for (name, _), cs in self._model.history.items() if name == source.name for c in cs]
            if known:
                return self._chance.choice(known)
        is_poison = source.has_poison and self._chance.random() < 0.12
        return self._make.poison() if is_poison else self._make.payments()

    def _some_place(self, source: Source) -> Place | None:
        places = [p for p in self._model.standing if p[0] == source.name and p not in self._places.slow]
        return self._chance.choice(places) if places else None
