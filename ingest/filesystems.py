"""Which kind of filesystem a path is on, what can be trusted and is offered there, and its room."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_REMOTE = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "glusterfs", "lustre"),
        *("ncpfs", "vboxsf", "vmhgfs", "prl_fs", "beegfs", "gpfs", "ocfs2", "gfs2", "orangefs", "coda"),
    }
)
_MOUNTS = Path("/proc/self/mountinfo")
_LEAST_FREE = 1 << 20  # bytes: with less, a transaction may not fit any more
_NAMELESS = getattr(os, "O_TMPFILE", os.O_DIRECTORY)  # the latter with O_RDWR is refused as what it is
_GIVEN_UP = frozenset({errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
_FIXED_FIELDS = 6  # of a line, before the optional ones and the lone dash


def give_name(part: Path, target: Path) -> None:
    """The file is called `target` too, or instead, where nothing was called so; raises `OSError`."""
    try:
        os.link(part, target)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        part.replace(target)


def filesystem_of(path: Path) -> str:
    """The type of the filesystem that holds `path` or its nearest existing parent.

    `unknown` where nobody says. Source: the device number in
    /proc/self/mountinfo, or the longest mount point above the path where a
    filesystem gives other numbers than its mount, as btrfs does, or where it
    may not be looked at, or is dead; proc(5).
    """
    mounts = _mounts()
    try:
        device = _nearest(path).stat().st_dev
    except OSError:
        return _by_place(Path(os.path.realpath(path)), mounts)
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for number, _, kind in reversed(mounts):
        if number == wanted:
            return kind
    return _by_place(_nearest(path).resolve(), mounts)


def mount_point_of(path: Path) -> Path:
    """Where the filesystem is mounted on which `path` lies, or would lie; the root where nobody says."""
    real = Path(os.path.realpath(path))
    above = [place for _, place, _ in _mounts() if real.is_relative_to(place)]
    return max(above, key=lambda place: len(place.parts), default=Path("/"))


def is_remote(kind: str) -> bool:
    """True for network and user-space filesystems: others may write there unseen by this kernel."""
    return kind in _REMOTE or kind.startswith("fuse.") or kind == "fuse"


def room_trouble(directory: Path) -> str:
    """Why nothing can be written in `directory` now, as far as that shows without a trace; else empty."""
    try:
        directory = _nearest(directory)  # where it would be made
        found = os.statvfs(directory)
    except OSError as error:
        return f"{directory} cannot be read: {error.strerror}"
    if found.f_flag & os.ST_RDONLY:
        return f"{directory} is on a filesystem that is mounted read-only"
    free = found.f_bavail * found.f_frsize
    if free < _LEAST_FREE:
        return f"the disk of {directory} is full: {free} bytes are free"
    if found.f_files and not found.f_favail:
        return f"the disk of {directory} has no room for another file"
    return _refusal(directory)


def _nearest(path: Path) -> Path:
    """The path, or the nearest one above it that is there; raises `OSError` where that cannot be told."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _refusal(directory: Path) -> str:
    """What the disk says to a file without a name: one that gave up after an error shows it nowhere else."""
    try:
        os.close(os.open(directory, _NAMELESS | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno in _GIVEN_UP:
            return f"the disk of {directory} refuses to be written: {error.strerror}"
    return ""


def _by_place(path: Path, mounts: list[tuple[str, Path, str]]) -> str:
    """The type of the mount nearest above `path`; of several at one place, the last one."""
    above = [(len(place.parts), kind) for _, place, kind in reversed(mounts) if path.is_relative_to(place)]
    return max(above, key=lambda found: found[0])[1] if above else "unknown"


def _mounts() -> list[tuple[str, Path, str]]:
    """Device number, place and type of every mount, oldest first; empty where nobody says."""
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split(" ")
        place = fields[4].encode(errors="surrogateescape").decode("unicode_escape")  # \040 is a space
        found.append((fields[2], Path(place), fields[fields.index("-", _FIXED_FIELDS) + 1]))
    return found
