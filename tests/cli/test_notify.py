"""What the command line says of calls to the outside and of the options of who makes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import GOOD, Ingest, error_of, write

SETTINGS = """version = 1

[[source]]
name = "inbox"
path = "inbox"
quiet = "50ms"

[[processor]]
name = "notify"
use = "notify:notify"
options = OPTIONS
"""


def project(home: Path, monkeypatch: pytest.MonkeyPatch, options: str) -> None:
    home.mkdir()
    write(home, SETTINGS.replace("OPTIONS", options), {"good.csv": GOOD})
    monkeypatch.chdir(home)


def test_try_shows_what_would_be_called_and_calls_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest
) -> None:
    project(tmp_path / "p", monkeypatch, '{ url = "http://127.0.0.1:9/" }')

    found = ingest("try", "notify", "inbox/good.csv", "--json").json()

    (call,) = found["calls"]
    assert (found["verdict"], found["calls_registered"]) == ("done", 1)
    assert (call["name"], call["function"], call["repeatable"]) == ("notify", "post", True)
    assert call["request"]["data"]["name"] == "good.csv"
    assert len(call["request_sha256"]) == 64
    assert "1 call; nothing was applied" in ingest("try", "notify", "inbox/good.csv").out


@pytest.mark.parametrize(
    "command", [["work", "--once"], ["config", "check"], ["try", "notify", "inbox/good.csv"]]
)
def test_options_that_a_processor_cannot_work_with_are_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest, command: list[str]
) -> None:
    project(tmp_path / "p", monkeypatch, '{ url = "https://ann:s3cret@host:port/" }')

    said = ingest(*command, "--json")

    error = error_of(said)
    assert (said.code, error["code"]) == (2, "usage")
    assert error["message"] == "processor.notify.options are refused: the port in url is no port"
    assert "s3cret" not in said.err
