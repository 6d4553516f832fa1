"""An event of another version is read as one that is accepted, or what is missing is named."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.domain import upcast as upcasting
from ingest.domain.codec import encode
from ingest.domain.events import Event
from ingest.domain.facts import EventUnreadable
from ingest.domain.upcast import as_accepted, downgrade, missing_step, upcast, what_counts
from ingest.errors import PermanentError, UsageError

NAME = "tests.upcast.ordered"


@pytest.fixture(autouse=True)
def forgetting() -> Iterator[None]:
    """Those a test declares are forgotten after it."""
    before = dict(upcasting._STEPS)
    yield
    upcasting._STEPS.clear()
    upcasting._STEPS.update(before)


def of_version(major: int, **data: Any) -> Event:
    return Event(
        id="1",
        type=f"{NAME}.v{major}",
        source="/ingest/acme",
        subject="o-1",
        time=datetime(2026, 3, 2, tzinfo=UTC),
        dataschema=f"urn:ingest:schema:{NAME}:{major}.3",
        data=data or {"steps": []},
        partitionkey="acme",
        correlationid="1",
        keyseq=7,
    )


def counting(type_: str, data: dict[str, Any]) -> tuple[str, str, str]:
    return what_counts(type_, "key", encode(replace(of_version(1), data=data)))


def accepting(*majors: int) -> frozenset[str]:
    return frozenset({f"{NAME}.v{major}" for major in majors} | {"tests.other.v2"})


def declared(*steps: tuple[int, int]) -> None:
    for before, after in steps:

        def step(data: dict[str, Any], said: str = f"{before}-{after}") -> dict[str, Any]:
            return {"steps": [*data["steps"], said]}

        step.__qualname__ = f"step_{before}_{after}"
        (upcast if after > before else downgrade)(NAME, to=after)(step)


def test_an_accepted_version_is_read_as_it_stands() -> None:
    declared((1, 2), (2, 1))
    event = of_version(1)

    assert as_accepted(event, accepting(1, 2)) is event


@pytest.mark.parametrize(
    ("stands", "accepts", "steps"),
    [
        (1, (2,), ["1-2"]),
        (1, (3,), ["1-2", "2-3"]),
        (1, (2, 3), ["1-2"]),
        (3, (1,), ["3-2", "2-1"]),
        (2, (1, 3), ["2-3"]),
        (3, (1, 2, 5), ["3-2"]),
    ],
)
def test_an_event_is_brought_to_the_nearest_version_that_can_be_reached(
    stands: int, accepts: tuple[int, ...], steps: list[str]
) -> None:
    declared((1, 2), (2, 3), (3, 2), (2, 1))

    assert as_accepted(of_version(stands), accepting(*accepts)).data == {"steps": steps}


def test_nothing_but_type_schema_and_data_of_an_event_changes() -> None:
    declared((1, 2))
    stored = of_version(1)

    event = as_accepted(stored, accepting(2))

    assert (event.type, event.dataschema) == (f"{NAME}.v2", f"urn:ingest:schema:{NAME}:2.0")
    assert (event.id, event.time, event.keyseq) == (stored.id, stored.time, stored.keyseq)
    assert stored == of_version(1)


@pytest.mark.parametrize(
    ("stands", "accepts", "said", "hint"),
    [
        (1, (3,), f"{NAME}.v1, a version .* no upcaster leads from v2 to v3", f'@upcast("{NAME}", to=3)'),
        (4, (1,), f"{NAME}.v4, a version .* no downgrade leads from v4 to v3", "install a version"),
        (4, (1,), f"{NAME}.v4, a version", f'@downgrade("{NAME}", to=3)'),
        (1, (), f"{NAME}.v1, which this processor does not accept", "ingest dead discard"),
    ],
)
def test_where_no_steps_lead_the_first_that_is_missing_is_named(
    stands: int, accepts: tuple[int, ...], said: str, hint: str
) -> None:
    declared((1, 2))

    with pytest.raises(PermanentError, match=said) as raised:
        as_accepted(of_version(stands), accepting(*accepts))

    assert hint in str(raised.value.hint)


def no_dict(data: dict[str, Any]) -> Any:
    return None


def no_such_field(data: dict[str, Any]) -> dict[str, Any]:
    return {"secret": data["secret"]}


@pytest.mark.parametrize(
    ("step", "said"), [(no_such_field, "from v1 to v2 failed: KeyError"), (no_dict, "returned no dict")]
)
def test_a_step_that_fails_makes_the_event_unreadable_and_tells_no_data(
    step: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    upcast(NAME, to=2)(step)

    with pytest.raises(EventUnreadable, match=said) as raised:
        as_accepted(of_version(1), accepting(2))

    assert "secret" not in str(raised.value)
    assert counting(f"{NAME}.v1", {"a": 1}) == (f"{NAME}.v1", "key", '{"a":1}')


def test_a_step_that_two_functions_take_is_refused_and_one_declared_again_is_not() -> None:
    upcast(NAME, to=2)(no_dict)
    upcast(NAME, to=2)(no_dict)

    with pytest.raises(UsageError, match=f"two functions lead from {NAME}.v1 to v2"):
        upcast(NAME, to=2)(no_such_field)


def test_a_fact_counts_in_the_last_version_that_upcasters_lead_to() -> None:
    declared((1, 2), (2, 3), (4, 5), (2, 1))

    assert counting(f"{NAME}.v1", {"steps": []}) == (f"{NAME}.v3", "key", '{"steps":["1-2","2-3"]}')
    assert counting(f"{NAME}.v4", {"steps": []}) == (f"{NAME}.v5", "key", '{"steps":["4-5"]}')
    assert counting("tests.odd", {}) == ("tests.odd", "key", "{}")


def test_the_first_missing_step_is_named() -> None:
    declared((1, 2), (3, 2))

    assert missing_step(NAME, 1, 2) is None
    assert missing_step(NAME, 1, 4) == (2, 3)
    assert missing_step(NAME, 3, 1) == (2, 1)
    assert missing_step(NAME, 2, 2) is None
