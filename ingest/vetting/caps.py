"""How much may come out of a container: bounds on every part of it."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.vetting.refused import Refused

FREE = 1_048_576  # bytes that any container may come to, however well it is compressed
_MIB = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The bounds; None: there is none. Each check raises `Refused` with the name of the bound as its rule."""

    ratio: int | None = 200  # bytes out for each byte in, beyond the first MiB
    member_size: int | None = 2048 * _MIB  # bytes of one member
    total_size: int | None = 8192 * _MIB  # bytes of all
    entries: int | None = 10_000

    def check_entries(self, count: int) -> None:
        """So many entries are no more than may be."""
        if self.entries is not None and count > self.entries:
            raise _refused("entries", f"more than {self.entries:,} entries")

    def check_member(self, size: int, *, where: str) -> None:
        """One member may be so large."""
        if self.member_size is not None and size > self.member_size:
            raise _refused("member_size", f"more than {self.member_size:,} bytes of one member", where)

    def check_total(self, size: int) -> None:
        """All members together may be so large."""
        if self.total_size is not None and size > self.total_size:
            raise _refused("total_size", f"more than {self.total_size:,} bytes of all members")

    def check_ratio(self, size: int, *, of: int, where: str = "") -> None:
        """So many bytes may come `of` so many."""
        if self.ratio is not None and size > FREE and size > self.ratio * of:
            raise _refused("ratio", f"more than {self.ratio:,} bytes out for each byte in", where)


UNBOUNDED = Caps(ratio=None, member_size=None, total_size=None, entries=None)


def _refused(cap: str, message: str, where: str = "") -> Refused:
    return Refused(message, rule=cap, where=where, hint=f"where that is right, raise `max_{cap}`")
