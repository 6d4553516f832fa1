"""Containers that landed: each member that is wanted is a file of its own from here on, `FileExtracted`.

Taken apart are gzip, bzip2, xz and zstd (the extra `formats`), zip, tar, and tar
in one of the former. A container with one member that breaks a rule is refused
as a whole: nothing of it is told. The bytes stay where they are, in the
container; whoever opens a member takes it out anew.

Options: `members`, globs of the names that are wanted; `others`, what becomes of
files that are no containers, `skip` or `pass` (told as they are, so that one
fact speaks for all files); `depth`, how many containers may lie in each other;
`max_ratio`, `max_member_size`, `max_total_size` and `max_entries`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from ingest import Context, FileExtracted, FileLanded, processor
from ingest.vetting import (
    CONTAINERS,
    Caps,
    check_kind,
    container_of,
    matching,
    media_type_of,
    members_of,
    pieces_of,
)

MAX_DEPTH = 8
OTHERS = ("skip", "pass")
_KNOWN = ("members", "others", "depth", "max_ratio", "max_member_size", "max_total_size", "max_entries")
_DECLARED = frozenset(map(media_type_of, (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar")))
_SIZE = re.compile(r"([1-9][0-9]{0,15})(B|KiB|MiB|GiB)?")
_UNITS = {None: 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options, understood."""

    is_wanted: Callable[[str], bool]
    passes_others: bool
    depth: int
    caps: Caps


def wishes(options: Mapping[str, Any]) -> Wishes:
    """The options, understood; raises `ValueError` for one that cannot be."""
    if unknown := sorted(options.keys() - set(_KNOWN)):
        msg = f"{unknown[0]!r} is not known: it takes {', '.join(_KNOWN)}"
        raise ValueError(msg)
    globs = options.get("members", ["**/*"])
    if not isinstance(globs, list) or not globs or not all(isinstance(glob, str) for glob in globs):
        msg = 'members is a list of globs, as in ["**/*.csv"]'
        raise ValueError(msg)
    others = options.get("others", OTHERS[0])
    if others not in OTHERS:
        msg = f"others is {' or '.join(OTHERS)}"
        raise ValueError(msg)
    usual = Caps()
    return Wishes(
        is_wanted=matching(globs),
        passes_others=others == "pass",
        depth=_number(options, "depth", 1, most=MAX_DEPTH),
        caps=Caps(
            ratio=_number(options, "max_ratio", usual.ratio),
            member_size=_size(options, "max_member_size", usual.member_size),
            total_size=_size(options, "max_total_size", usual.total_size),
            entries=_number(options, "max_entries", usual.entries),
        ),
    )


def recognise(file: BinaryIO, _: Mapping[str, Any], __: str) -> str:
    """`zip`, `tar`, `gzip` and so on."""
    return container_of(file, name="") or ""


@processor(accepts=(FileLanded, FileExtracted), version="1", tables=[], check=wishes, recognises=recognise)
def unpack(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Every member that is wanted is told, where the event is about a container that is taken apart."""
    wished = wishes(ctx.options)
    above = event.member if isinstance(event, FileExtracted) else []
    if isinstance(event, FileExtracted) and not 0 < len(above) < wished.depth:
        return
    with ctx.open() as file:
        if container_of(file, name=event.name) is not None:
            for member in members_of(file, name=event.name, caps=wished.caps, is_wanted=wished.is_wanted):
                _tell(event, ctx, [*above, member.name], *_digest(member.file))
        elif event.media_type in _DECLARED:
            check_kind(file, CONTAINERS, called="a container")
        elif wished.passes_others and not above:
            _tell(event, ctx, [], event.sha256, event.size)


def _tell(event: FileLanded | FileExtracted, ctx: Context, member: list[str], sha256: str, size: int) -> None:
    inside = member[-1:]
    name = inside[0].rpartition("/")[2] if inside else event.name
    extracted = FileExtracted(
        source=event.source,
        name=name,
        path="/".join([event.path, *inside]),
        size=size,
        sha256=sha256,
        media_type=media_type_of(name),
        landed_at=event.landed_at,
        fields=event.fields,
        encoding=event.encoding,
        container=ctx.event.id,
        member=member,
        content=event.content,
    )
    ctx.emit(extracted, key=ctx.event.partitionkey, name=inside[0] if inside else event.name)


def _digest(file: BinaryIO) -> tuple[str, int]:
    hasher, size = hashlib.sha256(), 0
    for piece in pieces_of(file):
        hasher.update(piece)
        size += len(piece)
    return hasher.hexdigest(), size


def _number(options: Mapping[str, Any], name: str, usual: int | None, most: int | None = None) -> Any:
    found = options.get(name, usual)
    if type(found) is not int or found < 1 or (most is not None and found > most):
        msg = f"{name} is a whole number from 1" + (f" to {most}" if most else " on")
        raise ValueError(msg)
    return found


def _size(options: Mapping[str, Any], name: str, usual: int | None) -> int:
    match = _SIZE.fullmatch(str(options.get(name, usual)))
    if match is None:
        msg = f'{name} is a size, such as "2GiB"'
        raise ValueError(msg)
    return int(match[1]) << _UNITS[match[2]]
