"""A forced replay that is killed repeats each call under one new key; a shadow makes none, killed or not."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.domain.naming import digest_of
from tests.crash.pipeline import Pipeline, payments_file, pipeline
from tests.crash.receiver import Receiver, receiving
from tests.crash.test_outside import CHILD, configure, events

ARROWS = [
    "c_call commit 3 work",  # while it is filled
    f"c_return sendall 2 {CHILD}",  # sent, the answer not read
    f"c_call commit 3 {CHILD}",  # after the call, before its result commits
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Four files of two accounts of which a receiver, gone by now, has been told."""
    project = pipeline(tmp_path_factory.mktemp("told") / "p")
    for n in range(4):
        project.drop(f"{n}.csv", payments_file(f"P-{n}", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")
    with receiving() as seen:
        configure(project, seen)
        project.ok("work", "--once")
    return project


@pytest.fixture
def project(tmp_path: Path, told: Pipeline) -> Pipeline:
    return told.copy(tmp_path / "p")


def replay(project: Pipeline, mode: str) -> str:
    asked = project.ok("replay", "notify", "--mode", mode, "--yes", "--reason", "asked for", "--json")
    return str(json.loads(asked)["replay_id"])


def report(project: Pipeline, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.ok("replays", "show", id_, "--json"))
    return found


def keys(project: Pipeline, *scope: str) -> set[str]:
    """The key of each event's call."""
    return {digest_of("effect", "notify", id_, "call:notify", *scope) for id_ in events(project)}


def bodies(seen: Receiver) -> set[int]:
    """How many different requests were seen under one key."""
    return set(Counter(key for key, _ in {(r.key, json.dumps(r.event)) for r in seen.requests}).values())


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_killed_forced_replay_tells_of_each_fact_under_one_new_key(project: Pipeline, arrow: str) -> None:
    with receiving() as seen:
        configure(project, seen)
        id_ = replay(project, "force")
        project.run("work", "--once", "--wait-retries", kill=arrow)
        project.work_off()
        forced = {request.key for request in seen.requests}
        count = len(seen.requests)
        replay(project, "rerun")
        project.ok("work", "--once", "--wait-retries")

    assert project.was_killed() or "commit" not in arrow, "the fault happened"
    assert forced == keys(project, id_)
    assert bodies(seen) == {1}
    assert len(seen.requests) == count, "a rerun repeats none of them"
    assert report(project, id_)["done"] == 4
    assert project.rows("SELECT count(*) FROM calls WHERE made_at IS NULL") == [(0,)]
    project.assert_sound()


def test_a_shadow_calls_nothing_killed_or_not(project: Pipeline) -> None:
    with receiving() as seen:
        configure(project, seen)
        id_ = replay(project, "shadow")
        project.run("work", "--once", kill=f"c_return commit 2 {CHILD}")
        project.ok("work", "--once", "--wait-retries")

    assert project.was_killed()
    assert seen.requests == []
    assert (report(project, id_)["state"], report(project, id_)["unchanged"]) == ("done", 4)
    assert project.rows("SELECT count(*) FROM calls") == [(4,)]
