"""A call is registered in a form that can be kept, compared and made again, or it is refused at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ingest import PermanentError, call
from ingest.domain.calls import MAX_CALLS, MAX_REQUEST, MAX_REQUESTS, Register


@call(repeatable=True)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    return request, key, options


@call(repeatable=False)
def undeclared(request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
    return request, key, options


def register() -> Register:
    return Register(lambda: {"post": post})


def test_an_intent_names_its_function_and_keeps_its_request_canonical() -> None:
    intent = register().add("receipt", post, {"b": [1, "ü"], "a": None})

    assert (intent.name, intent.function, intent.is_repeatable) == ("receipt", "post", True)
    assert intent.request == '{"a":null,"b":[1,"ü"]}'
    assert intent.value() == {"a": None, "b": [1, "ü"]}


def test_two_intents_are_the_same_request_when_their_digests_are() -> None:
    one, same, other = (register().add("r", post, {"a": 1, "b": n}) for n in (1, 1, 2))

    assert one == same
    assert one.digest == same.digest != other.digest


@pytest.mark.parametrize(
    "request_",
    [Decimal("1.00"), date(2026, 3, 2), {"a": {1, 2}}, float("nan"), {1: "a", "b": 2}, b"raw", "\ud800"],
    ids=repr,
)
def test_a_request_that_is_no_json_is_refused_for_good(request_: Any) -> None:
    with pytest.raises(PermanentError, match="cannot be kept as JSON"):
        register().add("receipt", post, request_)


def test_a_request_that_is_too_large_is_refused_for_good() -> None:
    with pytest.raises(PermanentError, match="too large"):
        register().add("receipt", post, "x" * MAX_REQUEST)


def test_all_requests_of_one_event_together_are_bounded() -> None:
    made = register()
    for n in range(MAX_REQUESTS // MAX_REQUEST):
        made.add(f"receipt-{n}", post, "x" * (MAX_REQUEST - 2))

    with pytest.raises(PermanentError, match="too large"):
        made.add("one more", post, "")


def test_a_name_is_given_once_for_an_event() -> None:
    made = register()
    made.add("receipt", post, 1)

    with pytest.raises(PermanentError, match="registered before"):
        made.add("receipt", post, 1)


def test_the_number_of_calls_of_one_event_is_bounded() -> None:
    made = register()
    for n in range(MAX_CALLS):
        made.add(str(n), post, n)

    with pytest.raises(PermanentError, match="more than"):
        made.add("one more", post, 0)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "\ud800"], ids=repr)
def test_a_name_that_could_not_be_shown_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="printable"):
        register().add(name, post, 1)


def test_a_function_that_could_not_be_found_after_a_restart_is_refused() -> None:
    with pytest.raises(PermanentError, match="no function of the processor's module"):
        register().add("receipt", undeclared, 1)
