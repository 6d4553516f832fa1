"""What the system allows: descriptors, notifications, room on disks, and who may read what."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ingest.cli.doctor.findings import Finding, ill, well
from ingest.cli.words import size
from ingest.domain.showing import show
from ingest.filesystems import filesystem_of, room_trouble
from ingest.store.directories import open_to_others
from ingest.watch.seeing.notify import is_supported, open_notifier

_AREA = "machine"
_LIMITS = Path("/proc/sys/fs/inotify")
_FEWEST_FILES = 256  # descriptors: a worker with many children, and a source with deep folders


def findings() -> Iterator[Finding]:
    """Everything about the machine that is the same for every place."""
    yield _descriptors()
    if is_supported():
        yield _notifications()
    yield from room(_AREA, "temporary files", Path(tempfile.gettempdir()))


def room(area: str, name: str, directory: Path) -> Iterator[Finding]:
    """What the directory lies on, and how much room there is."""
    kind, value = filesystem_of(directory), show(os.fsencode(directory))
    with suppress(OSError):
        found = shutil.disk_usage(_standing(directory))
        value = f"{value} on {kind}, {size(found.free)} free of {size(found.total)}"
    trouble = room_trouble(directory)
    if trouble:
        yield ill(area, name, trouble, "free or mend the disk; everything goes on by itself", value=value)
    else:
        yield well(area, name, value)


def privacy(area: str, path: Path) -> Iterator[Finding]:
    """Whether others than the owner may read what should be private; nothing where there is nothing."""
    if open_to_others(path):
        shown = show(os.fsencode(path))
        yield ill(area, "permissions", f"{shown} can be read by others", f"chmod go= {shown}")


def may(path: Path, mode: int) -> bool:
    """True when this very process may do so there."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _descriptors() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    value = f"{_number(soft)} of at most {_number(hard)}"
    if soft != resource.RLIM_INFINITY and soft < _FEWEST_FILES:
        said = f"only {soft} files may be open at once"
        return ill(
            _AREA, "open files", said, "raise it: ulimit -n 1024, or LimitNOFILE= of systemd", value=value
        )
    return well(_AREA, "open files", value)


def _notifications() -> Finding:
    said = [
        f"{name} {limit}"
        for name in ("max_user_instances", "max_user_watches", "max_queued_events")
        if (limit := _limit(name))
    ]
    value = ", ".join(said) or "unknown"
    try:
        open_notifier().stop()
    except OSError as error:
        problem = f"the system gives no notifications ({error.strerror}), so sources are polled"
        return ill(_AREA, "inotify", problem, "raise fs.inotify.max_user_instances with sysctl", value=value)
    return well(_AREA, "inotify", value)


def _limit(name: str) -> str:
    with suppress(OSError):
        return (_LIMITS / name).read_text().strip()
    return ""


def _number(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)


def _standing(directory: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory
