"""Each format has one honest and one broken file among the samples, and both do what they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.contract import Processor
from ingest.testing import hand_over
from ingest.vetting import Refused
from processors.ach import ach

SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats" / "banks"


@pytest.mark.parametrize(("processor", "name", "rows"), [(ach, "payroll.ach", 3)])
def test_an_honest_file_is_taken_without_findings(processor: Processor, name: str, rows: int) -> None:
    handed = hand_over(processor, (SAMPLES / name).read_bytes())

    verdicts = [row.values for row in handed.rows if row.table.endswith("_findings")]
    assert [(each["schema_verdict"], each["arithmetic_verdict"]) for each in verdicts] == [("ok", "ok")]
    assert sum(row.emitted is not None for row in handed.rows) == rows


@pytest.mark.parametrize(("processor", "name"), [(ach, "payroll-total-wrong.ach")])
def test_a_broken_file_is_refused(processor: Processor, name: str) -> None:
    with pytest.raises(Refused):
        hand_over(processor, (SAMPLES / name).read_bytes())
