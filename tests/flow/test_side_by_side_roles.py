"""What `ingest run` plays side by side: each started again, none left behind, the gravest code answered."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.errors import CannotWrite
from ingest.notices.giving import Service
from ingest.run import Role, one_after_the_other, together
from tests.notices.listener import listening
from tests.patience import PATIENCE


class Until:
    """A stop that is asked for once something has become true."""

    def __init__(self, is_it: Callable[[], bool] = lambda: False) -> None:
        self._is_it = is_it
        self._give_up_at = time.monotonic() + PATIENCE

    def wait(self, timeout: float) -> bool:
        """True when it is true."""
        time.sleep(min(timeout, 0.02))
        return self.is_set()

    def is_set(self) -> bool:
        """True when it is true."""
        return self._is_it() or time.monotonic() > self._give_up_at

    def is_urgent(self) -> bool:
        """True when it never became true."""
        return time.monotonic() > self._give_up_at


class Script:
    """A program that adds a mark to a file, while it is there."""

    def __init__(self, place: Path, marks: Path) -> None:
        self.place = place
        self.role = Role(name="work", argv=[str(place)])
        self._text = f"#!{sys.executable}\nopen({str(marks)!r}, 'a').write('.')\n"

    def appear(self) -> None:
        """It can be started."""
        if not self.place.exists():
            written = self.place.with_name("written")
            written.write_text(self._text)
            written.chmod(0o700)
            written.rename(self.place)

    def disappear(self) -> None:
        """It cannot."""
        self.place.unlink(missing_ok=True)


def role(name: str, code: str) -> Role:
    return Role(name=name, argv=[sys.executable, "-c", code])


def staying(marks: Path) -> Role:
    """It says that it is there, and stays until it is asked to go."""
    return role("watch", f"open({str(marks)!r}, 'a').write('.'); import signal; signal.pause()")


def test_a_process_that_the_system_refuses_is_tried_again_and_the_other_one_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    marks, late = tmp_path / "marks", tmp_path / "late"
    script = Script(tmp_path / "program", late)

    def has_both() -> bool:
        if is_there(marks) and "work cannot be started" in caplog.text:
            script.appear()
        return is_there(late)

    together([staying(marks), script.role], stop=Until(has_both))

    assert (marks.read_text(), late.read_text()[:1]) == (".", ".")


def test_the_last_words_of_a_process_that_died_are_not_how_it_is_doing(tmp_path: Path) -> None:
    last_words = """
import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
    address = os.environ["NOTIFY_SOCKET"]
    said.sendto(b"STATUS=all is well", "\\0" + address[1:] if address[0] == "@" else address)
    os._exit(9)
"""
    with listening(tmp_path / "notify") as listener, Service(listener.address) as service:

        def is_said() -> bool:
            while listener.hear():
                pass
            return "STATUS=work: died and is started again" in listener.lines

        together([role("work", last_words)], stop=Until(is_said), service=service)

        assert is_said()


def test_nothing_stays_behind_where_a_process_is_never_granted(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    never = Role(name="work", argv=[str(tmp_path / "nothing")])

    code = together([staying(marks), never], stop=Until(lambda: is_there(marks)))

    assert code == 0  # it had not begun to answer signals
    assert not any(str(marks).encode() in line for line in command_lines())


def test_a_process_that_cannot_be_started_again_is_tried_once_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    marks = tmp_path / "marks"
    script = Script(tmp_path / "program", marks)
    script.appear()

    def has_come_back() -> bool:
        if "work cannot be started" in caplog.text:
            script.appear()
        elif is_there(marks):
            script.disappear()
        return is_there(marks) and len(marks.read_text()) > 1

    together([script.role], stop=Until(has_come_back))

    assert marks.read_text().startswith("..")


def test_a_process_that_cannot_be_started_for_a_run_that_is_to_end_is_told_in_one_line(
    tmp_path: Path,
) -> None:
    with pytest.raises(CannotWrite, match="cannot start a process for work: No such file"):
        one_after_the_other([Script(tmp_path / "program", tmp_path).role], stop=Until())


@pytest.mark.parametrize(
    ("codes", "answered"),
    [
        ((0, 0), 0),
        ((0, 4), 4),
        ((4, 0), 4),
        ((130, 0), 130),
        ((0, 130), 130),
        ((4, 2), 2),
        ((75, 4), 4),
        ((3, 75), 3),
    ],
)
def test_of_two_exit_codes_the_graver_one_is_answered(codes: tuple[int, int], answered: int) -> None:
    roles = [role(f"role {code}", f"raise SystemExit({code})") for code in codes]

    assert one_after_the_other(roles, stop=Until()) == answered


def test_a_process_that_names_something_unknown_is_not_started_again() -> None:
    began = time.monotonic()

    code = together([role("watch", "raise SystemExit(4)")], stop=Until())

    assert (code, time.monotonic() - began < PATIENCE) == (4, True)


def test_any_signal_that_ended_a_process_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    number = int(signal.SIGRTMIN) + 2  # one without a name
    marks = tmp_path / "marks"
    ending = f"open({str(marks)!r}, 'a').write('.'); import os; os.kill(os.getpid(), {number})"

    with caplog.at_level(logging.ERROR, "ingest.run"):
        together([role("work", ending)], stop=Until(lambda: marks.exists() and len(marks.read_text()) > 1))

    assert f"work ended: killed by signal {number}" in caplog.text


def is_there(marks: Path) -> bool:
    return marks.exists() and bool(marks.read_text())


def command_lines() -> list[bytes]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("play", [together, one_after_the_other])
def test_one_that_is_asked_to_stop_before_it_hears_signals_has_stopped_cleanly(
    tmp_path: Path, play: Callable[..., int]
) -> None:
    marks = tmp_path / "marks"

    code = play([staying(marks)], stop=Until(marks.exists))

    assert code == 0


def test_one_that_another_ended_did_not_stop_cleanly() -> None:
    roles = [role("watch", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)")]

    assert one_after_the_other(roles, stop=Until()) == 1
