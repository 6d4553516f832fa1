"""The bytes of everything that landed, kept by their digest."""

from __future__ import annotations

from ingest.archive.archive import Archive, verified
from ingest.archive.objects import Abandoned, Staged
from ingest.archive.verifying import Verification, verify

__all__ = ["Abandoned", "Archive", "Staged", "Verification", "verified", "verify"]
