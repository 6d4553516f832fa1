"""SIGKILL of a retention run, on both backends: what it took is told, the rest stands, the next goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ingest.archive import Archive, letting_go
from ingest.archive.letting_go import LetGo
from ingest.archive.verifying import verify
from ingest.domain.settling import StatTuple
from ingest.store import contents, runs, sources
from ingest.store.engine import Store
from ingest.store.reading import verifying
from ingest.store.schema import contents as content_table
from ingest.store.schema import events, tombstones
from ingest.store.sightings import Look
from ingest.watch.landing.drafts import Origin
from ingest.watch.landing.land import land
from ingest.watch.landing.take import Taken
from tests.patience import PATIENCE
from tests.store.backends import BACKENDS
from tests.store.stage import NOON

FILES, LATER = 400, NOON + timedelta(days=1)
KINDS = ("contents", "events")

PRUNE = """
import sys
from datetime import datetime
from pathlib import Path
from ingest.archive import Archive, letting_go
from ingest.archive.letting_go import LetGo
from ingest.store import burying, retiring
from ingest.store.opening import open_store

url, local, objects, cutoff = sys.argv[1:]
kinds, cutoff = ("contents", "events"), datetime.fromisoformat(cutoff)
with open_store(url, Path(local)) as store:
    with store.write() as tx:
        run = letting_go.begin(tx, kinds, cutoff, who="ann", reason="old", now=cutoff)
    for _ in letting_go.steps(Archive(store, Path(objects)), kinds, cutoff, run, LetGo()):
        pass
"""


@pytest.mark.parametrize("backend", sorted(BACKENDS))
@pytest.mark.parametrize("is_events", [False, True], ids=["contents", "events"])
def test_a_retention_run_killed_at_any_window_is_gone_on_with_and_the_log_holds(
    tmp_path: Path, backend: str, is_events: bool
) -> None:
    with BACKENDS[backend](tmp_path) as store:
        archive = Archive(store, tmp_path / "archive")
        _fill(archive, tmp_path)
        small = PRUNE.replace("url, local", "retiring.WINDOW = burying.WINDOW = 7\nurl, local")
        arguments = [store.url, str(store.local), str(archive.directory), LATER.isoformat()]
        pruning = subprocess.Popen([sys.executable, "-c", small, *arguments])  # ours
        _until_gone(store, pruning, is_events=is_events)
        pruning.send_signal(signal.SIGKILL)
        pruning.wait()

        assert verifying.verify(store).holds
        assert verify(archive, grace=-1).is_sound
        with store.write() as tx:
            run = letting_go.begin(tx, KINDS, LATER, who="ann", reason="again", now=LATER)
        for _ in letting_go.steps(archive, KINDS, LATER, run, LetGo()):
            pass

        proof = verifying.verify(store)
        assert (proof.holds, proof.events, proof.retired) == (True, FILES, FILES)
        assert not list((archive.directory / "sha256").glob("*/*"))
        with store.read() as tx:
            recorded = runs.every(tx)
            assert contents.totals(tx) == contents.Totals(contents=0, bytes=0)
            assert tx.execute(select(func.count()).select_from(tombstones)).scalar_one() == FILES
        assert sum(each.contents for each in recorded) == FILES
        assert sum(each.events for each in recorded) == FILES


def _fill(archive: Archive, tmp: Path) -> None:
    origin, batch = Origin(name="acme", event_source="/ingest/acme"), list[Taken]()
    for n in range(FILES):
        (tmp / "dropped").write_bytes(b"%d" % n)
        with (tmp / "dropped").open("rb") as file:
            staged = archive.objects.stage(file.fileno(), "w", expected=9, should_stop=lambda: False)
        look = Look(b"f%d" % n, StatTuple(staged.size, 1, 1, f"1:{n}"))
        data = None if n % 10 == 0 else b"%d" % n
        if data is None:
            archive.objects.store([staged])
        else:
            archive.objects.discard([staged])
        batch.append(Taken(look, staged.sha256, data, staged, "renamed"))
    with archive.store.write() as tx:
        sources.introduce(tx, origin.name, "inbox")
        land(tx, origin, lambda _path, _stat: True, batch, leaves=False, now=NOON)


def _until_gone(store: Store, pruning: subprocess.Popen[bytes], *, is_events: bool) -> None:
    """The run has taken some, and has not come to its end."""
    taken = select(events.c.position).where(events.c.body == "")
    if not is_events:
        taken = select(content_table.c.id).where(content_table.c.state != "kept")
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and pruning.poll() is None:
        with store.read() as tx:
            if tx.execute(taken.limit(1)).first() is not None:
                return
    pytest.fail("the run took nothing, or ended, before it could be killed")
