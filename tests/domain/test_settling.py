"""When a file counts as complete, by both clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.settling import Policy, Reading, StatTuple, is_steady, settles_at

S = 1_000_000_000
STABLE = Policy(complete="stable", quiet=2)
RENAMED = Policy(complete="renamed", quiet=2)


def seen(ctime: float) -> StatTuple:
    return StatTuple(10, 0, int(ctime * S), "1:1")


def reading(monotonic: float, wall: float, *, steady: bool = True) -> Reading:
    return Reading(monotonic=monotonic, wall_ns=int(wall * S), is_steady=steady)


def is_complete(  # the cases of this module
    policy: Policy, ctime: float, since: float, now: Reading, *, local: bool = True
) -> bool:
    return settles_at(policy, seen(ctime), since, now, is_local=local) <= now.monotonic


def test_a_file_just_seen_waits_the_quiet_time() -> None:
    assert settles_at(STABLE, seen(1000), 50, reading(50, 1000), is_local=True) == 52


def test_a_file_unchanged_for_the_quiet_time_by_our_own_clock_is_complete() -> None:
    assert is_complete(STABLE, 5000, 50, reading(52, 1000))


def test_a_first_scan_need_not_wait_for_a_file_that_has_long_been_quiet() -> None:
    assert is_complete(STABLE, 998, 50, reading(50, 1000))
    assert not is_complete(STABLE, 998.5, 50, reading(50, 1000))


@pytest.mark.parametrize("local", [True, False])
def test_a_ctime_in_the_future_proves_nothing(local: bool) -> None:
    assert not is_complete(STABLE, 5000, 50, reading(50, 1000), local=local)


def test_the_ctime_of_another_machine_proves_nothing() -> None:
    assert not is_complete(STABLE, 900, 50, reading(50, 1000), local=False)


def test_a_ctime_proves_nothing_once_the_wall_clock_has_stepped() -> None:
    assert not is_complete(STABLE, 900, 50, reading(50, 1000, steady=False))


def test_a_renamed_file_is_complete_when_it_appears() -> None:
    assert is_complete(RENAMED, 1000, 50, reading(50, 1000))


def test_no_quiet_time_is_no_wait() -> None:
    assert is_complete(Policy(complete="stable", quiet=0), 1000, 50, reading(50, 1000))


@given(since=st.floats(0, 1e6), waited=st.floats(0, 1e4), ctime=st.floats(0, 2e9), wall=st.floats(0, 2e9))
def test_the_ctime_only_ever_shortens_the_wait(
    since: float, waited: float, ctime: float, wall: float
) -> None:
    now = reading(since + waited, wall)

    by_both = settles_at(STABLE, seen(ctime), since, now, is_local=True)

    assert by_both <= settles_at(STABLE, seen(ctime), since, now, is_local=False)


@pytest.mark.parametrize(
    ("step", "steady"), [(0, True), (0.4, True), (-0.4, True), (3600, False), (-1, False)]
)
def test_a_step_of_the_wall_clock_is_noticed(step: float, steady: bool) -> None:
    start = reading(100, 1000)

    assert is_steady(start, 160, int((1060 + step) * S)) is steady


def test_a_clock_that_stepped_once_stays_in_doubt() -> None:
    assert not is_steady(reading(100, 1000, steady=False), 160, 1060 * S)


@given(
    st.builds(
        StatTuple, st.integers(0), st.integers(), st.integers(), st.from_regex(r"\d+:\d+", fullmatch=True)
    )
)
def test_a_tuple_written_as_text_reads_back(stat: StatTuple) -> None:
    assert StatTuple.parse(stat.text()) == stat
