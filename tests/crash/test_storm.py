"""Two watchers and four workers, killed at random while files are dropped, re-sent and replaced."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.crash.fleet import Fleet
from tests.crash.pipeline import TWO_CHILDREN, payments_file, pipeline, wait_until

ROUNDS = 6
FLEET = ["watch"] * 2 + ["work"] * 4


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [20260301])
def test_random_kills_leave_every_invariant_standing(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    project = pipeline(tmp_path / "p", TWO_CHILDREN)
    fleet = Fleet(project, FLEET)
    contents: dict[str, bytes] = {}
    booked: set[str] = set()

    for round_ in range(ROUNDS):
        for n in range(15):
            ids = [f"P-{round_}-{n}-{k}" for k in range(3)]
            contents[f"{round_}-{n}.csv"] = payments_file(*ids, account=f"ACC-{n % 3}")
            booked.update(ids)
            project.drop(f"{round_}-{n}.csv", contents[f"{round_}-{n}.csv"])
        for name in chance.sample(sorted(contents), 3):
            project.drop(name, contents[name])  # sent again
        fleet.kill_one(chance)
        time.sleep(chance.uniform(0.1, 0.8))  # the fleet works for a moment: the kills fall anywhere
    wait_until(fleet.are_up, "every process is up")
    codes = fleet.stop()
    project.heal()

    assert codes == [0] * len(FLEET), "each stops cleanly when asked"
    assert {row[0] for row in project.rows("SELECT payment_id FROM payments")} == booked
    landed = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'")
    assert landed == [(len(contents),)], "a file that is sent again is no new event"
    project.assert_worked_off()
    project.assert_sound()
