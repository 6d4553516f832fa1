"""`ingest.toml`, the environment and the flags, as one frozen `Settings`.

`load` reads, checks and refuses; what it returns needs no second look.
"""

from __future__ import annotations

from ingest.config.buckets import Bucket, location
from ingest.config.load import FILE_NAME, find_file, load
from ingest.config.masking import mask_url
from ingest.config.places import database_file, is_on_server
from ingest.config.schema import json_schema
from ingest.config.settings import (
    BackoffSettings,
    EventSettings,
    ProcessorSettings,
    Settings,
    SourceSettings,
    StoreSettings,
    WorkSettings,
)
from ingest.config.showing import Shown, describe, exposed, written

__all__ = [
    "FILE_NAME",
    "BackoffSettings",
    "Bucket",
    "EventSettings",
    "ProcessorSettings",
    "Settings",
    "Shown",
    "SourceSettings",
    "StoreSettings",
    "WorkSettings",
    "database_file",
    "describe",
    "exposed",
    "find_file",
    "is_on_server",
    "json_schema",
    "load",
    "location",
    "mask_url",
    "written",
]
