from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.instants import micros, moment, parse_rfc3339, rfc3339

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001  # bounds carry none


@given(MOMENTS)
def test_a_moment_survives_the_store_to_the_microsecond(instant: datetime) -> None:
    assert moment(micros(instant)) == instant
    assert moment(micros(instant)).tzinfo is UTC


@given(MOMENTS)
def test_a_moment_survives_an_event_to_the_microsecond(instant: datetime) -> None:
    text = rfc3339(instant)

    assert parse_rfc3339(text) == instant
    assert len(text) == len("2026-03-01T09:30:00.000000Z")
    assert text.endswith("Z")


@given(MOMENTS, MOMENTS)
def test_integers_and_text_are_ordered_as_the_moments_they_stand_for(one: datetime, other: datetime) -> None:
    assert (micros(one) < micros(other)) == (one < other)
    assert (rfc3339(one) < rfc3339(other)) == (one < other)


@pytest.mark.parametrize("write", [micros, rfc3339])
def test_a_moment_without_a_zone_is_refused(write: object) -> None:
    with pytest.raises(ValueError, match="zone"):
        write(datetime(2026, 3, 1))  # type: ignore[operator]  # noqa: DTZ001  # the very thing that is refused


def test_text_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse_rfc3339("2026-03-01T09:30:00")


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"],
)
def test_text_that_names_no_moment_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rfc3339(text)


@pytest.mark.parametrize(
    "text", ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000000Z", "2026-03-01T10:30:00+01:00"]
)
def test_every_way_to_write_a_moment_reads_as_the_same_one(text: str) -> None:
    assert parse_rfc3339(text) == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("year", [1969, 1970, 2038, 2106])
def test_no_year_is_special(year: int) -> None:
    instant = datetime(year, 1, 19, 3, 14, 8, 1, tzinfo=UTC)

    assert moment(micros(instant)) == instant
