"""What a processor handed over, kept flat in memory: large handovers lie in an unnamed file."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any

from ingest.contract import Table
from ingest.domain.calls import Intent
from ingest.domain.instants import micros, moment
from ingest.store.handover import Facts, Piece, Rejects, Rows
from ingest.store.outbox import Draft
from ingest.store.spilling import disk, unnamed

SPOOL_AFTER = 8  # pieces kept in memory
_ALWAYS_ALIKE = 2  # the newest version of marshal that writes equal values alike, wherever they came from


class Spool:
    """Implements `ingest.store.handover.Handover`; pieces are added in order, then read any number of times.

    A piece in the file is `marshal` data that this very process wrote: a
    file without a name, that nobody else can open, gone with the process.
    Where the disk refuses, `CannotWrite` is raised.
    """

    def __init__(self) -> None:
        self.rows_in = 0
        self.facts = 0
        self.rejected = 0
        self.calls: list[Intent] = []
        self._pieces: list[tuple[Piece, bytes]] = []  # each with its marks
        self._file: IO[bytes] | None = None
        self._tables: dict[str, Table] = {}
        self._hasher = hashlib.sha256()

    @property
    def digest(self) -> str:
        """Hex SHA-256 over all pieces, in order."""
        return self._hasher.hexdigest()

    @property
    def is_large(self) -> bool:
        """True when pieces lie in the file."""
        return self._file is not None

    def add(self, piece: Piece, marks: Any) -> None:
        """One more piece; `marks` is what of it counts for the digest."""
        marked = marshal.dumps(marks, _ALWAYS_ALIKE)
        self._hasher.update(marked)
        self._pieces.append((piece, marked))
        if len(self._pieces) >= SPOOL_AFTER:
            self._spill()

    def register(self, intent: Intent) -> None:
        """One more call that is to be made; together they are small enough to stay in memory."""
        self._hasher.update(repr(("call", intent.name, intent.digest)).encode())
        self.calls.append(intent)

    def pieces(self) -> Iterator[Piece]:
        """Every piece, in the order in which it was added."""
        if self._file is not None:
            with disk():
                self._file.seek(0)
            while (piece := self._next(self._file)) is not None:
                yield piece
        yield from [piece for piece, _ in self._pieces]

    def close(self) -> None:
        """The file is gone."""
        if self._file is not None:
            with suppress(OSError):  # of what is thrown away nothing needs to reach the disk
                self._file.close()

    def _next(self, file: IO[bytes]) -> Piece | None:
        with disk():
            size = file.read(8)
            data = file.read(int.from_bytes(size, "big"))
        return self._restored(marshal.loads(data)) if size else None  # noqa: S302  # our own bytes

    def _spill(self) -> None:
        with disk():
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = unnamed()
        self._file.seek(0, 2)
        for piece, marked in self._pieces:
            data = marked if self._is_told_by_marks(piece) else marshal.dumps(self._plain(piece))
            self._file.write(len(data).to_bytes(8, "big"))
            self._file.write(data)
        self._pieces.clear()

    def _is_told_by_marks(self, piece: Piece) -> bool:
        """True when its marks say all of a piece, as they do where there are no facts."""
        if isinstance(piece, Rows) and not piece.facts:
            self._tables[piece.table.name] = piece.table
            return True
        return isinstance(piece, Rejects)

    def _plain(self, piece: Piece) -> tuple[Any, ...]:
        match piece:
            case Rows():
                self._tables[piece.table.name] = piece.table
                return "rows", piece.table.name, list(piece.rows), [_plain_draft(d) for d in piece.facts]
            case Facts():
                return "facts", [_plain_draft(d) for d in piece.facts]
            case Rejects():
                return "rejects", list(piece.rejects)

    def _restored(self, plain: tuple[Any, ...]) -> Piece:
        match plain:
            case ("rows", name, rows, facts):
                return Rows(self._tables[name], rows, [_restored_draft(d) for d in facts])
            case ("facts", facts):
                return Facts([_restored_draft(d) for d in facts])
            case _:
                return Rejects(plain[1])


def _plain_draft(draft: Draft | None) -> tuple[Any, ...] | None:
    if draft is None:
        return None
    d = draft
    return (
        d.id,
        d.type,
        d.key,
        micros(d.time),
        d.body,
        d.origin,
        d.cause,
        d.producer,
        d.supersedes,
        d.content,
    )


def _restored_draft(plain: tuple[Any, ...] | None) -> Any:
    if plain is None:
        return None
    id_, type_, key, time, body, origin, cause, producer, supersedes, content = plain
    return Draft(
        id=id_,
        type=type_,
        key=key,
        time=moment(time),
        body=body,
        origin=origin,
        cause=cause,
        producer=producer,
        supersedes=supersedes,
        content=content,
    )
