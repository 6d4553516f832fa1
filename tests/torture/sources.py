"""The sources of the campaign, one for each policy: a policy that is built is one more line here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source, and what may be dropped there."""

    name: str
    complete: str = "renamed"
    contents: str = "payments"  # payments | odd
    has_poison: bool = True
    share: int = 4  # of the files
    is_shared: bool = False  # all its files are one partition
    more: str = ""  # lines of ingest.toml

    @property
    def is_written_in_place(self) -> bool:
        """True where a file may be written under its own name."""
        return self.complete == "stable"

    def toml(self) -> str:
        """The source as ingest.toml has it."""
        partition = "{source}" if self.is_shared else "{path}"
        return (
            f'[[source]]\nname = "{self.name}"\npath = "inbox/{self.name}"\ncomplete = "{self.complete}"\n'
            f'quiet = "500ms"\nrescan = "1s"\npartition = "{partition}"\n{self.more}\n'
        )


SOURCES = (
    Source(name="acme", complete="stable"),
    Source(name="bank"),
    Source(name="desk", has_poison=False, is_shared=True),
    Source(name="odd", complete="stable", contents="odd", share=2),
)
