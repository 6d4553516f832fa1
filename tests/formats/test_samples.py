"""Each format has one honest and one broken file among the samples, and both do what they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.contract import Processor
from ingest.testing import hand_over
from ingest.vetting import Refused
from processors.ach import ach
from processors.statements import statements

SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats" / "banks"


@pytest.mark.parametrize(
    ("processor", "name", "facts"),
    [
        (ach, "payroll.ach", 3),
        (statements, "statement.sta", 1),
        (statements, "report.bai", 1),
        (statements, "card.ofx", 1),
    ],
)
def test_an_honest_file_is_taken_without_findings(processor: Processor, name: str, facts: int) -> None:
    handed = hand_over(processor, (SAMPLES / name).read_bytes())

    verdicts = [row.values for row in handed.rows if row.table.endswith("_findings")]
    assert [each["findings"] for each in verdicts] == [0]
    assert sum(row.emitted is not None for row in handed.rows) + len(handed.facts) == facts


@pytest.mark.parametrize(
    ("processor", "name"),
    [
        (ach, "payroll-total-wrong.ach"),
        (statements, "statement-does-not-add-up.sta"),
        (statements, "report-cut-off.bai"),
        (statements, "card-amount-is-no-number.ofx"),
    ],
)
def test_a_broken_file_is_refused(processor: Processor, name: str) -> None:
    with pytest.raises(Refused):
        hand_over(processor, (SAMPLES / name).read_bytes())
