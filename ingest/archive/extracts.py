"""The bytes that an event is about: a file as it landed, or what was found in it.

A member of a container is not archived beside it. It is taken out anew,
by the rules that it was taken out by before, and proved by its own digest.
"""

from __future__ import annotations

from typing import BinaryIO

from ingest.domain.events import Event, FileExtracted
from ingest.domain.facts import from_data
from ingest.errors import ArchiveDamaged
from ingest.store.causes import cause_of
from ingest.store.engine import Store
from ingest.store.spilling import disk
from ingest.vetting import Refused, open_member


def bytes_of(store: Store, event: Event, file: BinaryIO) -> BinaryIO:
    """What `event` is about, of the verified bytes at its root, which are closed where it is a part.

    An event that was brought about by one about a member is about that member. Raises
    `ArchiveDamaged` where the member is not what it was, `NotFound` where nothing says any more
    which one it is.
    """
    try:
        extract = _extract_behind(store, event)
    except BaseException:
        file.close()
        raise
    if extract is None:
        return file
    inside = "/".join(extract.member)
    name = extract.path.removesuffix(f"/{inside}")
    try:
        with disk():
            return open_member(file, extract.member, name=name, size=extract.size, sha256=extract.sha256)
    except Refused as error:
        raise ArchiveDamaged(
            f"the member that event {event.id} is about cannot be taken out again: {error.message}",
            hint="run `ingest archive verify`; a later version may refuse what an earlier one took",
        ) from error


def _extract_behind(store: Store, event: Event) -> FileExtracted | None:
    """The nearest fact about a member among the event and its causes."""
    found: Event | None = event
    while found is not None and found.type != FileExtracted.type:
        if found.causationid is None:
            return None
        with store.read() as tx:
            found = cause_of(tx, found)
    extract: FileExtracted | None = None if found is None else from_data(FileExtracted, found.data)
    return extract
