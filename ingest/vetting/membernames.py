"""Names of members: what may stand in a log, on a screen and in a path, and means one file everywhere.

Nothing is ever written under such a name. It is vetted all the same, for whoever
reads it next: a name that leads out of a folder there is an attack here.
"""

from __future__ import annotations

import re
import unicodedata

from ingest.vetting.refused import Refused

MAX_NAME = 1024  # characters
MAX_PART = 255  # bytes of UTF-8 between two slashes, as file systems have it

_DRIVE = re.compile(r"[A-Za-z]:")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Names:
    """The names of one container, each vetted in itself and against those before it."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def add_file(self, name: str, *, where: str) -> str:
        """The name as it is told, without `./` before it. Raises `Refused`."""
        clean = _vetted(name, where)
        folded = _folded(clean)
        parents = [folded[:at] for at, char in enumerate(folded) if char == "/"]
        if folded in self._files:
            raise Refused(
                "a name that came before, case and normal form apart", rule="name_twice", where=where
            )
        if folded in self._folders or any(parent in self._files for parent in parents):
            raise Refused("a name that is a file and a folder", rule="name_twice", where=where)
        self._files.add(folded)
        self._folders.update(parents)
        return clean

    def add_folder(self, name: str, *, where: str) -> None:
        """A folder may come twice. Raises `Refused`."""
        plain = name.rstrip("/")
        if plain in {"", "."} and not name.startswith("/"):
            return
        folded = _folded(_vetted(plain, where) if plain else _vetted(name, where))
        if folded in self._files:
            raise Refused("a name that is a file and a folder", rule="name_twice", where=where)
        self._folders.add(folded)


class VettedBefore(Names):
    """Names of a container that passed before: nothing is looked at again."""

    def add_file(self, name: str, *, where: str) -> str:  # noqa: ARG002  # there is nothing to say of a place
        """The name as it is told."""
        return name.removeprefix("./")

    def add_folder(self, name: str, *, where: str) -> None:
        """It is of no interest."""


def _vetted(name: str, where: str) -> str:
    broken = _broken(name)
    if broken is not None:
        raise Refused(f"the name of a member {broken}", rule="name", where=where)
    return name.removeprefix("./")


def _broken(name: str) -> str | None:
    """What is wrong with a name, None where nothing is."""
    if len(name) > MAX_NAME:
        return f"is longer than {MAX_NAME:,} characters"
    if any(unicodedata.category(char) in _HIDDEN for char in name):
        return "holds a control or format character"
    if "\\" in name:
        return "holds a backslash"
    if name.startswith("/") or _DRIVE.match(name):
        return "is an absolute path"
    return _broken_part(name.removeprefix("./").split("/"))


def _broken_part(parts: list[str]) -> str | None:
    if ".." in parts:
        return "leads out of its folder"
    if "" in parts or "." in parts:
        return "has an empty part"
    if parts[0].startswith("~"):
        return "begins with a tilde"
    if any(len(part.encode()) > MAX_PART for part in parts):
        return f"has a part of more than {MAX_PART} bytes"
    return None


def _folded(name: str) -> str:
    """What names that differ by case or normal form only have in common (Unicode, D145)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
