"""The kernel's notifications, through watchdog's inotify reader: hints, never truth.

Folders are followed one by one, by the very descriptor that a scan is about to
read, so that nothing can slip between following and listing. Only what may
complete a file is asked for: a writable file was closed, a name was moved in;
and that a folder was made. watchdog's observers were measured at 85 to 580 us
of CPU a file, in three threads; its reader alone takes 10 to 30.

Linux only: import it where `sys.platform` says so.
"""

from __future__ import annotations

import os
import threading

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from ingest.watch.names import ticket_in
from ingest.watch.seeing.hints import Hints

_GATHER = 0.004  # seconds between two reads of the queue, which holds far more: fewer wake-ups in a burst

_COMPLETED = InotifyConstants.IN_CLOSE_WRITE | InotifyConstants.IN_MOVED_TO
_LOST = InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF | InotifyConstants.IN_UNMOUNT
_MADE_FOLDER = InotifyConstants.IN_CREATE | InotifyConstants.IN_ISDIR
_FLAT = Mask(_COMPLETED | _LOST | InotifyConstants.IN_ONLYDIR)
_DEEP = Mask(_FLAT | InotifyConstants.IN_CREATE)


class Inotify:
    """One inotify instance for all sources of a watcher; raises `OSError` where the limits allow none."""

    def __init__(self) -> None:
        self._reader = _Reader()
        self._reader.start()

    def followed(self, hints: Hints, *, is_recursive: bool) -> _Followed:
        """What follows the folders of one source and hints into `hints`."""
        return _Followed(self._reader, hints, _DEEP if is_recursive else _FLAT)

    def is_alive(self) -> bool:
        """False when the reader has died: then everything is to be followed and scanned anew."""
        return self._reader.is_alive()

    def stop(self) -> None:
        """Nothing is hinted at any more."""
        self._reader.stop()
        self._reader.join()


class _Followed:
    """The followed folders of one source."""

    def __init__(self, reader: InotifyFD, hints: Hints, mask: Mask) -> None:
        self._reader = reader
        self._hints = hints
        self._mask = mask
        self._lock = threading.Lock()
        self._folders: dict[WatchDescriptor, tuple[bytes, tuple[int, int]]] = {}
        self._by_inode: dict[tuple[int, int], WatchDescriptor] = {}

    def follow(self, handle: int, folder: bytes) -> None:
        """Changes in the folder open as `handle`, at path `folder`, are hinted at from now on.

        Raises `OSError` when the system's limits do not allow it.
        """
        found = os.fstat(handle)
        inode = (found.st_dev, found.st_ino)
        with self._lock:
            watch = self._by_inode.get(inode)
            if watch is None:
                name = b"/proc/self/fd/%d" % handle
                watch = self._reader.add_callback(name, self._mask, self, CallbackId(id(self)))
                self._by_inode[inode] = watch
            self._folders[watch] = folder, inode

    def on_event(self, event: InotifyEvent) -> None:
        """Called by the reader, in its thread, for every event of a followed folder."""
        mask = event.mask
        if ticket_in(event.name) is not None:  # we did it ourselves
            return
        if mask & _COMPLETED or mask & _MADE_FOLDER == _MADE_FOLDER:
            with self._lock:
                found = self._folders.get(event.wd)
            if found is not None:
                self._hints.add(b"/".join((found[0], event.name)) if found[0] else event.name)
        elif mask & _LOST:
            self._hints.miss()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Called by the reader when a folder is followed no more, since it is gone."""
        with self._lock:
            found = self._folders.pop(wd, None)
            if found is not None:
                self._by_inode.pop(found[1], None)
        self._hints.miss()

    def on_queue_overflow(self) -> None:
        """Called by the reader when the kernel dropped events."""
        self._hints.overflow()


class _Reader(InotifyFD):
    """Reads many events at once instead of each as it comes."""

    def run(self) -> None:
        while self.should_keep_running():
            for event in self.read_events():
                self.handle_event(event)
            self.stopped_event.wait(_GATHER)
