"""One landing and one delivery, with a fault at any file-system call they make."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.faults.sweeping import FAULTS, PARTS, TIMEOUT, struck, within

# All calls of a run, about.
LANDING = range(1, 240)
DELIVERY = range(1, 440)

pytestmark = TIMEOUT


@pytest.fixture(scope="module")
def dropped(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A small file, which is kept inline, and a large one, which becomes an object."""
    project = pipeline(tmp_path_factory.mktemp("dropped") / "p")
    project.drop("small.csv", payments_file("P-1", "P-2"))
    project.drop("large.csv", payments_file(*(f"L-{n}" for n in range(2000))))
    return project


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_landing_survives_a_fault_at_any_call(
    tmp_path: Path, dropped: Pipeline, fault: str, part: int
) -> None:
    met = FAULTS[fault]
    for project in struck(tmp_path, dropped, met, within(part, LANDING, met), "watch", "--once"):
        project.ok("watch", "--once")

        landed = project.rows("SELECT path, version FROM landings ORDER BY path")
        assert landed == [(b"large.csv", 1), (b"small.csv", 1)], project
        events = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.landed.v1'")
        assert events == [(2,)], project
        project.assert_sound()


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


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_delivery_survives_a_fault_at_any_call(
    tmp_path: Path, landed: Pipeline, fault: str, part: int
) -> None:
    work = ("work", "--once", "--wait-retries", "-c", "1")

    met = FAULTS[fault]
    for project in struck(tmp_path, landed, met, within(part, DELIVERY, met), *work):
        project.ok("work", "--once", "--wait-retries")

        booked = project.rows("SELECT payment_id FROM payments ORDER BY 1")
        assert booked == [("P-1",), ("P-2",)], project
        assert project.rows("SELECT count(*) FROM ledger_postings") == [(4,)], project
        assert project.rows("SELECT count(*) FROM rejects") == [(1,)], project
        project.assert_worked_off()
        project.assert_sound()
