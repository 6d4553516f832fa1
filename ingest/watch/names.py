"""The private names of files that are about to leave, and a rename that never replaces anything.

A private name is a dot-name in the folder of the file, so no scan takes it for
an arrival. It carries the ticket of its departure, and is never used again:
only its maker renames anything to it, so whoever has checked what lies there
can act on it however many others do the same.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets

_SHOWN = 160  # bytes of the file's own name that its private name repeats, for people
_PRIVATE = re.compile(rb"\..*\.([0-9a-f]{24})\.[0-9a-f]{16}\.leaving", re.DOTALL)
_NO_REPLACE = 1  # renameat2(2), RENAME_NOREPLACE
_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS})
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES})
_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def private_name(name: bytes, ticket: str) -> bytes:
    """A new private name for the file `name`, whose departure has this ticket."""
    return b".%b.%b.%b.leaving" % (name[:_SHOWN], ticket.encode(), secrets.token_hex(8).encode())


def ticket_in(name: bytes) -> str | None:
    """The ticket that a private name carries, None for any other name."""
    found = _PRIVATE.fullmatch(name)
    return None if found is None else found[1].decode()


def rename_without_replacing(old: bytes, new: bytes, *, old_folder: int, new_folder: int) -> None:
    """The file is called `new`, in the folder open as `new_folder`.

    Raises `FileExistsError` when something is called that already, and
    `OSError` as rename(2) does. Only where a filesystem offers neither
    renameat2(2) nor links is there a moment in which another could slip in.
    """
    try:
        _rename_at_once(old, new, old_folder, new_folder)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise
        _link_then_unlink(old, new, old_folder, new_folder)


def _rename_at_once(old: bytes, new: bytes, old_folder: int, new_folder: int) -> None:
    if _renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if _renameat2(old_folder, old, new_folder, new, _NO_REPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), os.fsdecode(old))


def _link_then_unlink(old: bytes, new: bytes, old_folder: int, new_folder: int) -> None:
    try:
        os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _look_then_rename(old, new, old_folder, new_folder)
    else:
        os.unlink(old, dir_fd=old_folder)


def _look_then_rename(old: bytes, new: bytes, old_folder: int, new_folder: int) -> None:
    try:
        os.lstat(new, dir_fd=new_folder)
    except FileNotFoundError:
        os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder)
    else:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fsdecode(new))
