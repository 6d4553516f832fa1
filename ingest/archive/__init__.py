"""The bytes of everything that landed, kept by their digest."""

from __future__ import annotations

from ingest.archive.archive import Archive, objects_at, verified
from ingest.archive.letting_go import LetGo
from ingest.archive.objects import Objects
from ingest.archive.staging import Abandoned, Staged
from ingest.archive.verifying import Verification, verify

__all__ = [
    "Abandoned",
    "Archive",
    "LetGo",
    "Objects",
    "Staged",
    "Verification",
    "objects_at",
    "verified",
    "verify",
]
