"""Durations, sizes and shares are read strictly and come back as they were meant."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.config.quantities import (
    parse_duration,
    parse_percentage,
    parse_size,
    write_duration,
    write_percentage,
    write_size,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0s", timedelta()),
        ("500ms", timedelta(milliseconds=500)),
        ("2.5s", timedelta(seconds=2.5)),
        ("5m", timedelta(minutes=5)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: str, meant: timedelta) -> None:
    assert parse_duration(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "",
        "2",
        20,
        2.0,
        "2 s",
        " 2s",
        "2S",
        "2s\n",
        "-2s",
        "+2s",
        "1e3s",
        "1h30m",
        ".5s",
        "5.s",
        "٣s",
        "2sec",
        "4000d",
        None,
    ],
)
def test_a_duration_that_could_mean_anything_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"it is|its unit"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0B", 0),
        ("64KiB", 65_536),
        ("2GiB", 2**31),
        ("1.5MiB", 1_572_864),
        ("10MB", 10_000_000),
        ("1kB", 1_000),
    ],
)
def test_a_size_is_a_number_and_a_unit(written: str, meant: int) -> None:
    assert parse_size(written) == meant


@pytest.mark.parametrize(
    "written", ["", "64", 6.4, "64K", "64kib", "1.5B", "64 KiB", "-1B", "9000000000TiB", True]
)
def test_a_size_that_could_mean_anything_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"it is|its unit"):
        parse_size(written)


@pytest.mark.parametrize(("written", "meant"), [("0%", "0"), ("2.5%", "0.025"), ("100%", "1")])
def test_a_percentage_is_a_share_of_the_whole(written: str, meant: str) -> None:
    assert parse_percentage(written) == Decimal(meant)


@pytest.mark.parametrize("written", ["", "5", 50, "101%", "-1%", "5 %", "0.05", "5%%"])
def test_a_share_that_could_mean_anything_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"it is|it must"):
        parse_percentage(written)


@given(st.integers(0, 10**14).map(lambda microseconds: timedelta(microseconds=microseconds)))
def test_every_duration_comes_back_from_how_it_is_written(duration: timedelta) -> None:
    assert parse_duration(write_duration(duration)) == duration


@given(st.integers(0, 2**50))
def test_every_size_comes_back_from_how_it_is_written(size: int) -> None:
    assert parse_size(write_size(size)) == size


@given(st.decimals(0, 1, places=8))
def test_every_share_comes_back_from_how_it_is_written(share: Decimal) -> None:
    assert parse_percentage(write_percentage(share)) == share
