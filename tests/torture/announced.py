"""Files that something else announces: a marker beside them, or a manifest that names them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tests.torture.contents import Content
from tests.torture.sources import Source

FIRST = ("after", "after", "before", "never")  # when a new file is announced
LATER = ("after",)  # a marker that was left behind announces nothing, so there it is file, then marker
BAD_MANIFESTS = (
    b"this names no file\n",
    b"",
    b"0" * 64 + b"  ../../outside/secret.txt\n",
    b"0" * 64 + b"  /etc/passwd\n",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What lies beside one file and says that it is whole."""

    source: Source
    file: Path
    content: Content

    @property
    def at(self) -> Path:
        """Where it lies."""
        ending = ".done" if self.source.complete == "marker" else ".sha256"
        return self.file.parent / f"{self.file.name}{ending}"

    @property
    def is_possible(self) -> bool:
        """False where its name would be too long."""
        return len(os.fsencode(self.at.name)) <= 255

    @property
    def orders(self) -> tuple[str, ...]:
        """How a new file may be announced."""
        return (*FIRST, "wrongly") if self.source.complete == "manifest" else FIRST

    def appear(self, part: Path, *, wrongly: bool = False) -> None:
        """It is there, written anew; `wrongly`: for other bytes than the file has."""
        if self.source.complete == "marker":
            self.at.unlink(missing_ok=True)
            self.at.touch()
            return
        digest = "0" * 64 if wrongly else self.content.sha256
        part.write_bytes(_line(digest, os.fsencode(self.file.name)))
        part.rename(self.at)


def _line(digest: str, name: bytes) -> bytes:
    """As `sha256sum` writes it: a name that could be misread is escaped, and its line is marked."""
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"" if escaped == name else b"\\") + digest.encode() + b"  " + escaped + b"\n"
