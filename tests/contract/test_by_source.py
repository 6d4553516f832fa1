"""What holds for the files of one source: by_source, in the options of every processor that judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest import PermanentError
from ingest.contract import Processor
from ingest.testing import hand_over
from processors.ach import ach
from processors.invoices import invoices
from processors.payment_orders import payment_orders
from processors.statements import statements

SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats"
SOURCE = "bench"  # of what is handed over
BROKEN = [
    (ach, "banks/payroll-total-wrong.ach"),
    (payment_orders, "payment_orders/pain001-sum-off.xml"),
    (statements, "statements/camt053-off-by-ten.xml"),
    (invoices, "invoices/ubl-digits-swapped.xml"),
]


@pytest.mark.parametrize(("reader", "sample"), BROKEN)
def test_a_source_has_a_policy_of_its_own_and_the_others_keep_theirs(reader: Processor, sample: str) -> None:
    content = (SAMPLES / sample).read_bytes()
    own: dict[str, Any] = {"strictness": "lenient", "on_mismatch": "warn"}

    assert hand_over(reader, content, options={"by_source": {SOURCE: own}}).rows
    with pytest.raises(PermanentError):
        hand_over(reader, content, options={"by_source": {"another": own}})
    with pytest.raises(PermanentError):
        hand_over(reader, content, options={**own, "by_source": {SOURCE: {"on_mismatch": "quarantine"}}})


@pytest.mark.parametrize("reader", [reader for reader, _ in BROKEN])
@pytest.mark.parametrize(
    ("by_source", "said"),
    [
        ({"shop": {"strictness": "kind"}}, "strictness is strict or lenient"),
        ({"shop": "lenient"}, "by_source is a table of options for each source"),
        ("lenient", "by_source is a table of options for each source"),
        (
            {"shop": {"strictnes": "lenient"}},
            "by_source.shop: 'strictnes' is not known: did you mean 'strictness'",
        ),
        ({"shop": {"by_source": {}}}, "by_source.shop: 'by_source' is not known"),
    ],
)
def test_a_policy_of_a_source_that_there_is_none_of_is_refused(
    reader: Processor, by_source: Any, said: str
) -> None:
    assert reader.check is not None
    with pytest.raises(ValueError, match=said):
        reader.check({"by_source": by_source})


@pytest.mark.parametrize("reader", [reader for reader, _ in BROKEN])
def test_a_misspelt_option_is_refused_with_what_was_meant(reader: Processor) -> None:
    assert reader.check is not None
    with pytest.raises(ValueError, match="'on_mismatches' is not known: did you mean 'on_mismatch'"):
        reader.check({"on_mismatches": "warn"})
