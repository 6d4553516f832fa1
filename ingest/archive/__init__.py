"""The bytes of everything that landed, kept by their digest."""

from __future__ import annotations

from ingest.archive.archive import Archive, verified
from ingest.archive.objects import Abandoned, Staged
from ingest.archive.verifying import Report, verify

__all__ = ["Abandoned", "Archive", "Report", "Staged", "verified", "verify"]
