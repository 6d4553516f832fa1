from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.retry import Budget

DELAYS = st.timedeltas(timedelta(microseconds=1), timedelta(days=365))
JITTER = st.floats(0, 1)


@given(DELAYS, DELAYS, st.integers(0, 10**6), JITTER)
def test_a_delay_is_never_negative_and_never_beyond_the_cap(
    base: timedelta, cap: timedelta, failures: int, jitter: float
) -> None:
    delay = Budget(base=base, cap=cap).delay(failures, jitter)

    assert timedelta(0) <= delay <= cap


@given(DELAYS, DELAYS, st.integers(1, 100), JITTER)
def test_a_delay_never_shrinks_from_one_failure_to_the_next(
    base: timedelta, cap: timedelta, failures: int, jitter: float
) -> None:
    budget = Budget(base=base, cap=cap)

    assert budget.delay(failures, jitter) <= budget.delay(failures + 1, jitter)


def test_the_full_backoff_doubles_from_the_base_up_to_the_cap() -> None:
    budget = Budget(base=timedelta(seconds=1), cap=timedelta(seconds=5))

    assert [budget.delay(n, 1).total_seconds() for n in (1, 2, 3, 4, 40)] == [1, 2, 4, 5, 5]


def test_jitter_is_a_share_of_the_full_backoff() -> None:
    assert Budget(base=timedelta(seconds=8)).delay(1, 0.25) == timedelta(seconds=2)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 12), st.integers(0, 12))
def test_either_budget_alone_is_enough_to_give_up(
    max_attempts: int, max_crashes: int, attempts: int, crashes: int
) -> None:
    budget = Budget(max_attempts=max_attempts, max_crashes=max_crashes)

    spent = budget.is_spent(attempts=attempts, crashes=crashes)

    assert spent == (attempts >= max_attempts or crashes >= max_crashes)
