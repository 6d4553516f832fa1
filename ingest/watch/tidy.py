"""After a scan: what is settling or blocked in the books and is not there any more is struck out.

Nothing is concluded from a directory that could not be read; this runs only
after a scan that came to its end.
"""

from __future__ import annotations

import logging
import stat
from collections.abc import Collection

from ingest.domain.showing import show
from ingest.store import sightings
from ingest.store.engine import Store
from ingest.store.sightings import Sighting
from ingest.watch.pending import Pending
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.rules import PathRules
from ingest.watch.settling import Settling

_log = logging.getLogger(__name__)


def forget_vanished(source: str, root: Root, settling: Settling, *, scan: int) -> None:
    """Files that scan number `scan` did not see and that are gone wait no more."""
    for path in settling.pending.unseen(scan):
        found = root.look(path)
        if found is None or not stat.S_ISREG(found.st_mode):
            _log.debug("%s: vanished before it was settled: %s", source, show(path))
            settling.forget(path)


def stale(
    store: Store, source: str, root: Root, rules: PathRules, pending: Pending, blocked: Collection[bytes]
) -> list[Sighting]:
    """The sightings that the store has as settling or blocked and that are neither."""
    found: list[Sighting] = []
    after = b""
    while True:
        with store.read() as tx:
            page = sightings.to_be_done(tx, source, after)
        if not page:
            return found
        after = page[-1].path
        found += [
            s for s in page if s.path not in pending and s.path not in blocked and _is_over(s, root, rules)
        ]


def _is_over(sighting: Sighting, root: Root, rules: PathRules) -> bool:
    if sighting.state == "blocked" or rules.announces(sighting.path):
        return True
    found = root.look(sighting.path)
    if found is None or not stat.S_ISREG(found.st_mode):
        return True
    return sighting.standing is not None and sighting.standing.delivered == tuple_of(found)
