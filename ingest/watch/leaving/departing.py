"""One file leaves its source: under a private name first, then checked, then taken out.

Whatever was renamed by mistake, since it took the place of the file in the
very moment, gets its name back; where that is taken too, it is a stray, to be
landed from where it lies. Each step may be the last before a crash.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from ingest.domain.instants import moment
from ingest.store.departures import GONE, Departed, Departure, Failed
from ingest.store.foreign import open_foreign
from ingest.watch.landing.take import writers_of
from ingest.watch.leaving.exits import Exit, Kept, Parting, digest_of_file, put_back
from ingest.watch.names import private_name
from ingest.watch.seeing.root import tuple_of

_RACY = timedelta(seconds=2)  # far above the steps in which any filesystem counts mtimes


class Stray(NamedTuple):
    """A file that lies under a private name that was made for another, while its own name is taken."""

    private: bytes  # path relative to the source
    path: bytes  # where it belongs


class Later(NamedTuple):
    """A marker or a manifest that waits for what it spoke of to leave before it."""

    ticket: str


Result = Departed | Failed | Stray | Later


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the files of a source leave."""

    exit: Exit
    database: Path  # which is never opened
    leases: bool  # writers are to be detected
    is_mounted: bool  # something is, at the directory of the source
    up_since: datetime  # when the system started
    local_device: int | None  # whose ctimes this kernel gives; None: no filesystem's


def depart(folder: int, departure: Departure, way: Way) -> Result:
    """The file has left the folder open as `folder`, or is not there any more, or cannot."""
    if isinstance(way.exit, Kept):
        return Departed(departure.ticket, "kept")
    name = departure.path.rpartition(b"/")[2]
    try:
        found = os.lstat(name, dir_fd=folder)
        if tuple_of(found) != departure.delivered:
            return Departed(departure.ticket, "replaced")
        if way.leases and _is_held(folder, name, way):
            return Failed(departure.ticket, "another process has it open for writing")
        private = private_name(name, departure.ticket)
        os.rename(name, private, src_dir_fd=folder, dst_dir_fd=folder)
    except FileNotFoundError:
        return _missed(folder, departure, way)
    except OSError as error:
        return Failed(departure.ticket, str(error.strerror))
    return finish(folder, private, departure, way)


def finish(folder: int, private: bytes, departure: Departure, way: Way) -> Result:
    """What lies under the private name has left if it is the very file that landed; else it is put back."""
    try:
        if not _is_alike(os.lstat(private, dir_fd=folder), departure):  # it may be anything: not even opened
            return _put_back(folder, private, departure)
        handle = open_foreign(private, way.database, folder=folder)
    except FileNotFoundError:
        return Departed(departure.ticket, GONE)
    except OSError as error:
        return Failed(departure.ticket, str(error.strerror))
    try:
        if not _is_the_same(handle, departure, way):
            return _put_back(folder, private, departure)
        parting = Parting(
            folder=folder, private=private, handle=handle, departure=departure, database=way.database
        )
        return Departed(departure.ticket, way.exit.take_out(parting))
    except OSError as error:
        return Failed(departure.ticket, str(error.strerror))
    finally:
        os.close(handle)


def _is_held(folder: int, name: bytes, way: Way) -> bool:
    """True when somebody has the file open for writing: it is not renamed then, for he may write on."""
    handle = open_foreign(name, way.database, folder=folder)
    try:
        return writers_of(handle) == "some"
    finally:
        os.close(handle)


def _missed(folder: int, departure: Departure, way: Way) -> Result:
    """The file is gone, unless what was mounted when it landed is not mounted now.

    A system that has started since may number the same device otherwise, and so may a mount.
    """
    is_there = departure.delivered.inode.startswith(f"{os.fstat(folder).st_dev}:")
    if is_there or way.is_mounted or departure.since < way.up_since:
        return Departed(departure.ticket, GONE)
    return Failed(departure.ticket, "another filesystem is there than when it landed")


def _put_back(folder: int, private: bytes, departure: Departure) -> Result:
    above = departure.path.rpartition(b"/")[0]
    try:
        put_back(folder, private, departure.path)
    except FileExistsError:
        if departure.is_announcer:  # a later one of its name has replaced it
            os.unlink(private, dir_fd=folder)
            return Departed(departure.ticket, "replaced")
        return Stray(b"/".join((above, private)) if above else private, departure.path)
    except OSError as error:
        return Failed(departure.ticket, str(error.strerror))
    return Departed(departure.ticket, "replaced")


def _is_alike(found: os.stat_result, departure: Departure) -> bool:
    """True when all but the ctime, which moved when the file was renamed, is as it was when it landed."""
    seen = tuple_of(found)
    is_alike = seen._replace(ctime_ns=0) == departure.delivered._replace(ctime_ns=0)
    return is_alike and stat.S_ISREG(found.st_mode)


def _is_the_same(handle: int, departure: Departure, way: Way) -> bool:
    """True when this is the file that landed, unchanged, and nobody is writing it."""
    if not _is_alike(os.fstat(handle), departure):
        return False
    if way.leases and writers_of(handle) == "some":
        return False
    return not _is_racy(departure, way) or digest_of_file(handle) == departure.sha256


def _is_racy(departure: Departure, way: Way) -> bool:
    """True when the file might have changed after it landed without its mtime moving: then its bytes tell."""
    if departure.is_announcer:
        return False
    is_local = departure.delivered.inode.startswith(f"{way.local_device}:")
    age = departure.since - moment(departure.delivered.ctime_ns // 1000)
    return not is_local or age < _RACY
