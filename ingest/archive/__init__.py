"""The bytes of everything that landed, kept by their digest.

Letting go of them (`letting_go`) and verifying them (`verifying`) stand apart:
who works off files does not load what that takes.
"""

from __future__ import annotations

from ingest.archive.archive import Archive, objects_at, verified
from ingest.archive.objects import Objects
from ingest.archive.staging import Abandoned, Staged

__all__ = [
    "Abandoned",
    "Archive",
    "Objects",
    "Staged",
    "objects_at",
    "verified",
]
