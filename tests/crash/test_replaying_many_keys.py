"""A replay of a thousand keys beside live work, whose worker is killed again and again, changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crash.pipeline import TWO_CHILDREN, Pipeline, payments_file, pipeline, wait_until

KEYS, LATE, KILLS = 1000, 20, 2
PAYMENTS = TWO_CHILDREN.rpartition("[[processor]]")[0]  # alone
STANDS = "SELECT payment_id, event_id FROM payments WHERE payment_id LIKE 'P-%' ORDER BY 1"


def count(project: Pipeline, of: str) -> int:
    return int(project.rows(f"SELECT count(*) FROM {of}")[0][0])


def work_and_be_killed(project: Pipeline, after: int) -> None:
    """A worker, with its children, is killed once it has replayed some more."""
    before = count(project, "outcomes WHERE generation_id > 1")
    worker = project.start("work")
    try:
        wait_until(lambda: count(project, "outcomes WHERE generation_id > 1") > before + after, "it works")
    finally:
        worker.kill()
        worker.communicate()


@pytest.mark.timeout(300)
def test_a_thousand_keys_are_replayed_beside_live_work_however_often_workers_die(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", PAYMENTS)
    for n in range(KEYS):
        project.drop(f"{n}.csv", payments_file(f"P-{n}", account=f"ACC-{n}"))
    project.ok("watch", "--once")
    project.ok("work", "--once")
    stood = project.rows(STANDS)
    project.ok("replay", "--yes")

    watcher = project.start("watch")
    for turn in range(KILLS):
        for n in range(LATE // KILLS):
            project.drop(f"late-{turn}-{n}.csv", payments_file(f"L-{turn}-{n}", account=f"ACC-{n}"))
        work_and_be_killed(project, after=100)
    wait_until(lambda: count(project, "landings") == KEYS + LATE, "all has landed")
    watcher.terminate()
    watcher.communicate()
    project.ok("work", "--once", "--wait-retries")

    report = json.loads(project.ok("replays", "list", "--json"))
    assert (report["state"], report["total"], report["unchanged"]) == ("done", KEYS, KEYS)
    assert project.rows(STANDS) == stood
    assert count(project, "payments") == KEYS + LATE
    assert count(project, "deliveries") == count(project, "dead") == 0
    project.assert_ordered()
    project.assert_sound()
