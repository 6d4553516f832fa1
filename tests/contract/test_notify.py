"""`notify` tells a real receiver of each fact, and knows from the answer whether it was taken."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ingest import FileLanded, PermanentError, TryLater
from ingest.testing import hand_over
from processors.facts import PaymentSettled
from processors.notify import NotTaken, notify, post, receiver
from tests.crash.receiver import Act, receiving

REQUEST = {"id": "1", "data": {"name": "Müller", "b": 1, "a": 2}}


def send(url: str, **options: Any) -> Any:
    return post(REQUEST, key="k-1", options={"url": url, **options})


def test_a_fact_is_registered_as_the_cloud_event_that_it_is() -> None:
    (call,) = hand_over(notify, b"x", name="a.csv").calls

    assert notify.accepts == (FileLanded.type, PaymentSettled.type)
    assert (call.name, call.is_made) == ("notify", False)
    assert (call.request["specversion"], call.request["type"]) == ("1.0", "ingest.file.landed.v1")
    assert call.request["data"]["name"] == "a.csv"


def test_a_request_carries_the_event_its_type_and_the_key() -> None:
    with receiving(202, path="/in?tenant=7") as seen:
        result = send(seen.url)

    (request,) = seen.requests
    assert result == {"status": 202}
    assert request.path == "/in?tenant=7"
    assert request.headers["content-type"] == "application/cloudevents+json"
    assert request.key == "k-1"
    assert request.body == '{"data":{"a":2,"b":1,"name":"Müller"},"id":"1"}'.encode()


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
def test_an_answer_that_may_be_another_one_later_is_tried_again(status: int) -> None:
    with receiving(status) as seen, pytest.raises(NotTaken, match=str(status)):
        send(seen.url)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410, 422])
def test_an_answer_that_stays_the_same_is_final_and_no_redirect_is_followed(status: int) -> None:
    with (
        receiving() as elsewhere,
        receiving((status, {"Location": elsewhere.url})) as seen,
        pytest.raises(PermanentError, match=str(status)),
    ):
        send(seen.url)

    assert elsewhere.requests == []


def test_the_wait_that_a_receiver_asks_for_is_passed_on() -> None:
    with receiving((503, {"Retry-After": "120"})) as seen, pytest.raises(TryLater) as asked:
        send(seen.url)

    assert asked.value.after == 120


@pytest.mark.parametrize("act", ["refuse", "drop", "half", "hang"])
def test_a_receiver_that_gives_no_answer_is_tried_again(act: Act) -> None:
    with receiving(act) as seen, pytest.raises(NotTaken, match="did not answer"):
        send(seen.url, timeout="200ms")


def test_a_receiver_that_is_not_there_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NotTaken, match="ConnectionRefusedError"):
        send(f"http://127.0.0.1:{port}/")


def test_neither_path_nor_login_nor_query_is_in_an_error_and_the_login_is_sent() -> None:
    with receiving(404, path="/T000/s3cret?token=s3cret") as seen:
        url = seen.url.replace("http://", "http://ann:s3%2Fcret@")
        with pytest.raises(PermanentError) as refused:
            send(url)

    assert "s3" not in f"{refused.value.message} {refused.value.hint}"
    assert seen.requests[0].headers["authorization"] == "Basic YW5uOnMzL2NyZXQ="


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "url is missing"),
        ({"url": 5}, "url is missing"),
        ({"url": "ftp://host/"}, "neither https"),
        ({"url": "https:///path"}, "neither https"),
        ({"url": "https://host:port/"}, "no port"),
        ({"url": "https://host/a b"}, "no address"),
        ({"url": "https://host/\r\nX: y"}, "no address"),
        ({"url": "https://höst/"}, "no address"),
        ({"url": "https://h/", "timeout": 0}, "timeout"),
        ({"url": "https://h/", "timeout": "soon"}, "timeout"),
        ({"url": "https://h/", "timeout": True}, "timeout"),
        ({"url": "https://h/", "timeout": "10m"}, "timeout"),
        ({"url": "https://h/", "retries": 3}, "'retries' is not known"),
    ],
    ids=repr,
)
def test_options_that_name_no_receiver_are_refused_and_not_repeated(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        receiver(options)


@pytest.mark.parametrize(
    ("given", "seconds"), [(5, 5.0), (0.5, 0.5), ("10s", 10.0), ("250ms", 0.25), ("2m", 120.0)]
)
def test_a_timeout_is_a_duration_or_seconds(given: object, seconds: float) -> None:
    assert receiver({"url": "https://h/", "timeout": given}).timeout == seconds
