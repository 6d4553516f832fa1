"""Which kind of filesystem a path is on, and whether its locks and notifications can be trusted."""

from __future__ import annotations

import os
from pathlib import Path

_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "glusterfs", "lustre", "ncpfs"})
_MOUNTS = Path("/proc/self/mountinfo")


def filesystem_of(path: Path) -> str:
    """The type of the filesystem that holds `path` or its nearest existing parent; `unknown` where nobody says.

    Source: the device number in /proc/self/mountinfo, proc(5).
    """
    while not path.exists() and path != path.parent:
        path = path.parent
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = _MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return "unknown"
    for line in reversed(lines):
        fields = line.split()
        if fields[2] == wanted:
            return fields[fields.index("-") + 1]
    return "unknown"


def is_remote(kind: str) -> bool:
    """True for network and user-space filesystems: others may write there unseen by this kernel."""
    return kind in _REMOTE or kind.startswith("fuse")
