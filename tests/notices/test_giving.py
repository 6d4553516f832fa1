"""What a process says of itself arrives at a real socket, and a socket that is not there changes nothing."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from ingest.notices.giving import SILENT, Service, service
from tests.notices.listener import Listener, listening


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"@ingest-{uuid.uuid4().hex}" if request.param == "abstract" else str(tmp_path / "notify")


def test_what_is_said_arrives_wherever_the_socket_is(address: str) -> None:
    with listening(address) as listener, Service(address) as here:
        here.say("watching")
        here.ready()
        here.stopping()

        heard = [listener.hear(1), listener.hear(1), listener.hear(1)]

    assert heard == [["STATUS=watching"], ["READY=1"], ["STOPPING=1"]]


def test_being_ready_and_a_status_are_said_once(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address) as here:
        for _ in range(3):
            here.ready()
            here.say("watching")

        assert (listener.hear(1), listener.hear(1), listener.hear()) == (
            ["READY=1"],
            ["STATUS=watching"],
            [],
        )


def test_what_is_wrong_stands_before_how_it_is_doing_until_it_is_over(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address) as here:
        here.complain("the disk is full")
        here.say("watching")
        here.complain("")

        assert (listener.hear(1), listener.hear(1)) == (["STATUS=the disk is full"], ["STATUS=watching"])


def test_a_status_is_one_line_that_says_nothing_else(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address) as here:
        here.complain("cannot write a\nMAINPID=1\x1b[31m" + "x" * 500)

        [line] = listener.hear(1)

    assert line.startswith(r"STATUS=cannot write a\x0aMAINPID=1\x1b[31mx")
    assert len(line) < 250


def test_a_loop_that_comes_round_often_says_so_only_when_half_of_its_time_has_passed(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address, watchdog=3600.0) as here:
        here.ready()
        before = here.next_at()
        for _ in range(1000):
            here.turn()

        assert "WATCHDOG=1" not in _all(listener)
        assert before == here.next_at()


def test_nothing_is_said_while_the_loop_does_not_come_round(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address, watchdog=0.02) as here:
        here.ready()
        listener.hear(1)
        assert listener.hear(0.2) == []

        here.turn()

        assert listener.hear(1) == ["WATCHDOG=1"]


def test_a_start_that_takes_long_asks_for_more_time_until_it_is_over(tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as listener, Service(listener.address) as here:
        here.turn()
        assert listener.hear(1) == ["EXTEND_TIMEOUT_USEC=180000000"]

        here.ready()

        assert listener.hear(1) == ["READY=1"]
        assert here.next_at() == float("inf")


def test_what_did_not_arrive_is_said_again_when_somebody_listens(tmp_path: Path) -> None:
    heard: list[str] = []
    with Service(str(tmp_path / "notify")) as here:
        here.ready()
        here.say("watching")
        with listening(tmp_path / "notify") as listener:
            while not heard:
                here.turn()
                heard = listener.hear(0.05)

    assert heard == ["READY=1", "STATUS=watching"]


@pytest.mark.parametrize("wrong", ["", "relative/path", "vsock:2:1234", "/" + "x" * 200, "@" + "x" * 200])
def test_a_socket_that_cannot_be_is_no_failure(wrong: str) -> None:
    with Service(wrong, watchdog=0.001) as here:
        here.ready()
        here.say("watching")
        here.turn()
        here.stopping()


def test_who_is_started_later_cannot_speak_for_this_process(tmp_path: Path) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
        "HOME": "/",
    }

    with service(environment) as found:
        assert environment == {"HOME": "/"}
        assert (found.is_heard, found.watchdog) == (True, 30.0)


@pytest.mark.parametrize(
    ("usec", "pid"), [("30000000", "1"), ("0", ""), ("soon", ""), ("-5", ""), ("", ""), ("٣", "")]
)
def test_a_watchdog_that_is_meant_for_another_or_makes_no_sense_is_none(usec: str, pid: str) -> None:
    assert service({"WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}).watchdog is None


def test_without_anybody_who_listens_nothing_is_due() -> None:
    SILENT.turn()

    assert not SILENT.is_heard
    assert SILENT.next_at() == float("inf")


def _all(listener: Listener) -> list[str]:
    while listener.hear():
        pass
    return listener.lines
