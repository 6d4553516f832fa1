"""A short campaign with a fixed plan; `make torture` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.campaign import Pace, run

PACE = Pace(watchers=2, workers=2, children=1, drop=0.6, strike=0.1, ask=0.05)


@pytest.mark.timeout(300)  # what it does is bounded; how fast depends on who shares the machine
def test_a_short_storm_of_files_and_faults_leaves_every_invariant_standing(tmp_path: Path) -> None:
    report = run(20261125, 6, pace=PACE, below=tmp_path)

    assert report.violation is None, f"{report.violation}; what was done: {report.kept}/trace.jsonl"
    assert report.counts["heal"] == 1
