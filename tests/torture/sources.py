"""The sources of the campaign, one for each policy: a policy that is built is one more line here."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source, and what may be dropped there."""

    name: str
    complete: str = "renamed"
    contents: str = "payments"  # payments | odd
    has_poison: bool = True
    share: int = 4  # of the files
    partition: str = "{path}"
    after: str = "keep"
    duplicates: str = "flag"
    resend: str = "count"
    empty: str = "land"
    hardlinks: str = "accept"
    max_size: int = 2 << 30  # bytes
    name_pattern: str = ""
    fresh_name: bytes = b"%d.csv"  # of an ordinary file

    @property
    def is_written_in_place(self) -> bool:
        """True where a file may be written under its own name."""
        return self.complete == "stable"

    @property
    def is_announced(self) -> bool:
        """True where something else says that a file is whole."""
        return self.complete in ("marker", "manifest")

    @property
    def keeps(self) -> bool:
        """True where files stay where they were dropped."""
        return self.after == "keep"

    @property
    def moves_to(self) -> str:
        """The directory to which files leave; empty where they do not, or are deleted."""
        return self.after.removeprefix("move:") if self.after.startswith("move:") else ""

    def refuses_name(self, path: bytes) -> bool:
        """True when the name does not match."""
        name = path.rpartition(b"/")[2].decode(errors="surrogateescape")
        return bool(self.name_pattern) and re.fullmatch(self.name_pattern, name) is None

    def toml(self) -> str:
        """The source as ingest.toml has it."""
        said = {
            name: getattr(self, name) for name in ("name", "complete", "partition", "after", "duplicates")
        }
        said |= {name: getattr(self, name) for name in ("resend", "empty", "hardlinks", "name_pattern")}
        said |= {
            "path": f"inbox/{self.name}",
            "quiet": "500ms",
            "rescan": "1s",
            "max_size": f"{self.max_size}B",
        }
        return "[[source]]\n" + "".join(f"{name} = '{value}'\n" for name, value in said.items()) + "\n"


SOURCES = (
    Source(name="acme", complete="stable"),
    Source(name="bank"),
    Source(name="watcher", has_poison=False, partition="{source}", share=2),
    Source(name="odd", complete="stable", contents="odd", share=2),
    Source(name="moved", complete="stable", after="move:done/moved"),
    Source(name="deleted", after="delete"),
    Source(name="once", duplicates="suppress", empty="ignore", share=3),
    Source(name="strict", duplicates="refuse", empty="refuse", hardlinks="refuse", max_size=300, share=3),
    Source(name="daily", resend="land", share=2),
    Source(name="marked", complete="marker", share=3),
    Source(name="called", complete="marker", after="move:done/called", share=3),
    Source(name="listed", complete="manifest", share=3),
    Source(name="signed", complete="manifest", after="delete", share=2),
    Source(
        name="named",
        has_poison=False,
        name_pattern=r"(?P<account>A[0-9])_[0-9]+\.csv",
        partition="{account}",
        fresh_name=b"A3_%d.csv",
        share=2,
    ),
)
BY_NAME = {source.name: source for source in SOURCES}
