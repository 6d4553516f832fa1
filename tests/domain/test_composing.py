"""Composing at once and encoding step by step come to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain import codec
from ingest.domain.composing import compose
from ingest.domain.events import FileLanded
from ingest.domain.facts import fact

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ENVELOPE = st.fixed_dictionaries(
    {
        "id": TEXT,
        "source": TEXT,
        "subject": TEXT,
        "partitionkey": TEXT,
        "time": st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))])),
    }
)


@fact("tests.composed", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A fact with a field of every kind."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    text: str
    number: int
    is_so: bool
    money: Decimal
    day: date
    moment: datetime
    names: list[str]
    fields: dict[str, str]
    maybe: str | None
    later: int | None = None


FACTS = st.builds(
    Composed,
    text=TEXT,
    number=st.integers(),
    is_so=st.booleans(),
    money=st.decimals(allow_nan=False, allow_infinity=False),
    day=st.dates(),
    moment=st.datetimes(timezones=st.just(UTC)),
    names=st.lists(TEXT, max_size=3),
    fields=st.dictionaries(TEXT, TEXT, max_size=3),
    maybe=st.none() | TEXT,
    later=st.none() | st.integers(),
)


@given(FACTS, ENVELOPE)
def test_a_root_is_composed_as_it_is_encoded(data: Composed, envelope: dict) -> None:
    assert compose(data, **envelope) == codec.encode(codec.new_event(data, **envelope))


@given(FACTS, ENVELOPE, ENVELOPE)
def test_a_caused_fact_is_composed_as_it_is_encoded(data: Composed, former: dict, envelope: dict) -> None:
    cause = codec.new_event(data, **former)

    composed = compose(data, **envelope, cause=cause.id, correlation=cause.correlationid)

    assert composed == codec.encode(codec.new_event(data, cause=cause, **envelope))


def test_a_value_of_the_wrong_type_is_refused_as_by_encoding() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    wrong = FileLanded(
        source="s", name="n", path="p", size="12", sha256="", media_type="", version=1, supersedes=None,  # type: ignore[arg-type]  # on purpose
        duplicateof=None, landed_at=now, complete="", fields={}, encoding="", content="",
    )  # fmt: skip

    with pytest.raises(TypeError, match="int"):
        compose(wrong, id="i", source="s", subject="s", time=now, partitionkey="k")
