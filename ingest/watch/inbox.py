"""One source at work: what was seen there, what waits to settle, and what lands next.

Its methods are steps of the loop: none of them waits, and each is short, apart
from the copy of a large file.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence

from ingest.config import SourceSettings
from ingest.domain.settling import Policy, Reading, settles_at
from ingest.domain.showing import show
from ingest.filesystems import filesystem_of, is_remote
from ingest.store import sightings
from ingest.store.sightings import Look, Waiting
from ingest.store.sources import Counts
from ingest.watch.condition import Condition
from ingest.watch.desk import Desk
from ingest.watch.facts import origin_of
from ingest.watch.hints import Hints
from ingest.watch.land import refuse
from ingest.watch.lander import Lander
from ingest.watch.pending import Entry, Pending
from ingest.watch.root import Root, SourceUnavailable
from ingest.watch.rules import Rules
from ingest.watch.scan import Blocked, Piece, Refusal, look_at, scan
from ingest.watch.take import Left, Manner, can_detect_writers

_log = logging.getLogger(__name__)

_PAUSE = (0.25, 2.0)  # seconds, least and most, before a file that was not ready is looked at again
_BACKOFF = (1.0, 30.0)  # seconds, first and most, before the archive is tried again
_RECORD_AFTER = 1.0  # seconds a file waits before the store is told
_GLANCE = 2.0  # seconds between two looks at the directory itself
_SHARE = 100  # a scan may take one hundredth of the time


class Inbox:
    """One source: scanned, settled, landed, step by step."""
