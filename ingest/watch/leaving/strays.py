"""Files that lie under a private name made for another, while their own name is taken: they land from there.

That takes a partner who sends a file in the very moment in which another of
its name leaves, and then a third one, or a crash in between. Nothing but this
module ever looks at what such a file contains.
"""

from __future__ import annotations

import stat

from ingest.domain.settling import Reading, settles_at
from ingest.store.sightings import Look
from ingest.store.sources import Counts
from ingest.watch.landing.lander import Lander
from ingest.watch.leaving.departing import Stray
from ingest.watch.leaving.leaving import Leaving
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.settling import Settling


def land_strays(
    strays: list[Stray], root: Root, settling: Settling, lander: Lander, leaving: Leaving, *, now: Reading
) -> Counts:
    """Each stray that nobody writes any more has landed, as the next version of its path, and has left."""
    counts = Counts()
    for stray in strays:
        found = root.look(stray.private)
        if found is None or not stat.S_ISREG(found.st_mode):
            continue
        look = Look(stray.path, tuple_of(found))
        # Renaming it set its ctime, by the clock of whatever filesystem it is on.
        if settles_at(settling.policy, look.stat, now.monotonic, now, is_local=True) > now.monotonic:
            continue
        landed = lander.land_stray(stray.private, look)
        counts += landed.counts
        if landed.done:
            leaving.adopt(stray, look)
    return counts
