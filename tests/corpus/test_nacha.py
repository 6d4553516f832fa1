"""Every ACH file of the corpus is taken with its count and its sums, or refused, as its manifest says."""

from __future__ import annotations

import io

import pytest

from ingest.testing import hand_over
from ingest.vetting import Refused
from processors.ach import ach
from processors.formats import nacha
from processors.formats.finding import Finding
from processors.formats.nacha_model import Entry
from tests.corpus.manifest import Known, known

FILES = known("ach")


@pytest.mark.parametrize("file", [each for each in FILES if each.is_valid], ids=str)
def test_a_valid_file_is_taken_with_its_count_and_its_sums(file: Known) -> None:
    count, sums, broken = 0, {True: 0, False: 0}, []
    for part in nacha.read(io.BytesIO(file.content()), encoding="utf-8"):
        if isinstance(part, Entry):
            count += 1
            sums[part.is_credit] += part.cents
        elif isinstance(part, Finding):
            broken.append(part)

    assert broken == []
    assert (count, sums[False], sums[True]) == (
        int(file.row["n_records"]),
        file.minor("sum_debit"),
        file.minor("sum_credit"),
    )


@pytest.mark.parametrize("file", [each for each in FILES if not each.is_valid], ids=str)
def test_an_invalid_file_is_refused_with_place_and_rule(file: Known) -> None:
    with pytest.raises(Refused) as refused:
        hand_over(ach, file.content())

    assert refused.value.where
    assert refused.value.rule
