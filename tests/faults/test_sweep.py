"""One landing and one delivery, with a fault at file-system call 1, 2, 3 … until none is reached any more.

`make sweep` tries every call; otherwise a few are tried, others each time.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.faults.faulty import Fault, faulty

IS_WHOLE = "INGEST_SWEEP" in os.environ
PARTS = 8 if IS_WHOLE else 1
STRIDES = {"landing": 89, "delivery": 199}  # where not every call is tried
FAULTS = [
    Fault(how="kill"),
    Fault(how="EIO"),
    Fault(how="ENOSPC"),
    Fault(how="short", calls="write,pwrite"),
    Fault(how="ENOSPC", is_lasting=True),
    Fault(how="EIO", is_lasting=True),
]
NAMES = ["killed", "eio", "enospc", "short", "enospc-lasting", "eio-lasting"]
ANSWERS = {0, 2, 3, 65, 69, 73, 75, -9}  # what a command may end with: never 1, never a crash

pytestmark = pytest.mark.timeout(1800 if IS_WHOLE else 60)


def numbers(part: int, of: str) -> Iterator[int]:
    """The calls at which the fault is tried."""
    if IS_WHOLE:
        return count(1 + part, PARTS)
    stride = STRIDES[of]
    return count(random.randint(1, stride), stride)


def is_reached(project: Pipeline, fault: Fault, *args: str) -> bool:
    """The command met the fault, if it came that far, and ended decently and in time."""
    with faulty(project.root, fault) as met:
        done = met.run(*args)
        happened = met.calls() >= fault.at

    assert b"Traceback" not in done.stderr, (fault, done.stderr[-3000:])
    assert done.returncode in ANSWERS, (fault, done.returncode, done.stderr[-2000:])
    assert (done.returncode == -9) <= (fault.how == "kill"), fault
    return happened


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A small file, which is kept inline, and a large one, which becomes an object."""
    project = pipeline(tmp_path_factory.mktemp("dropped") / "p")
    project.drop("small.csv", payments_file("P-1", "P-2"))
    project.drop("large.csv", payments_file(*(f"L-{n}" for n in range(2000))))
    return project


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_landing_survives_a_fault_at_any_call(
    tmp_path: Path, dropped: Pipeline, fault: Fault, part: int
) -> None:
    for number in numbers(part, "landing"):
        project = Pipeline(tmp_path / str(number))
        shutil.copytree(dropped.root, project.root)

        happened = is_reached(project, fault.after(number), "watch", "--once")
        project.ok("watch", "--once")

        landed = project.rows("SELECT path, version FROM landings ORDER BY path")
        assert landed == [(b"large.csv", 1), (b"small.csv", 1)], (fault, number)
        events = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'")
        assert events == [(2,)], (fault, number)
        project.assert_sound()
        shutil.rmtree(project.root)
        if not happened:
            break


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A landed file of two payments and one row that is refused: rows, facts and a reject."""
    lenient = CONFIG.replace(
        'use = "payments:payments"\n', 'use = "payments:payments"\nmax_rejects = "50%"\n'
    )
    project = pipeline(tmp_path_factory.mktemp("landed") / "p", lenient)
    project.drop("a.csv", payments_file("P-1", "P-2") + b"P-X,ACC-1,much,EUR,2026-03-02,Somebody,r\n")
    project.ok("watch", "--once")
    return project


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_a_delivery_survives_a_fault_at_any_call(
    tmp_path: Path, landed: Pipeline, fault: Fault, part: int
) -> None:
    for number in numbers(part, "delivery"):
        project = Pipeline(tmp_path / str(number))
        shutil.copytree(landed.root, project.root)

        work = ("work", "--once", "--wait-retries", "-c", "1")
        happened = is_reached(project, fault.after(number), *work)
        project.ok("work", "--once", "--wait-retries")

        booked = project.rows("SELECT payment_id FROM payments ORDER BY 1")
        assert booked == [("P-1",), ("P-2",)], (fault, number)
        assert project.rows("SELECT count(*) FROM ledger_postings") == [(4,)], (fault, number)
        assert project.rows("SELECT count(*) FROM rejects") == [(1,)], (fault, number)
        project.assert_worked_off()
        project.assert_sound()
        shutil.rmtree(project.root)
        if not happened:
            break
