"""`processors`, `archive`, `db`, `config`: looking after a pipeline."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.project import GOOD, SETTINGS, Ingest, configure, spawned
from tests.crash.pipeline import Pipeline
from tests.launching import Command
from tests.patience import PATIENCE
from tests.store.backends import only_on

NOTHING = "version = 1\n"


def names(ingest: Ingest) -> list[str]:
    return [line["name"] for line in ingest("processors", "list", "--json").lines()]


def test_processors_are_listed_and_shown(day: Path, ingest: Ingest) -> None:
    shown = ingest("processors", "show", "ledger", "--json").json()

    assert names(ingest) == ["ledger", "payments"]
    assert "ingest.payment.settled.v1" in shown["accepts"]
    assert shown["state"] == "active"
    assert ingest("processors", "list").code == ingest("processors", "show", "ledger").code == 0
    assert re.search(r"^ordered +yes\b", ingest("processors", "show", "ledger").out, re.MULTILINE)
    assert ingest("processors", "show", "nobody").code == 4


def test_a_paused_processor_gets_nothing_until_it_is_resumed(worked: Path, ingest: Ingest) -> None:
    assert ingest("processors", "pause", "payments", "--json").json()["state"] == "paused"
    (worked / "inbox" / "more.csv").write_text(GOOD.replace("P-", "Q-"))
    spawned("run", "--once", cwd=worked)

    assert _state(ingest, "more.csv") == "waiting"

    assert ingest("processors", "resume", "payments").out == "payments is active\n"
    assert spawned("work", "--once", cwd=worked).code == 0
    assert _state(ingest, "more.csv") == "done"


def test_a_processor_is_added_with_its_past_or_from_now_on(empty: Path, ingest: Ingest) -> None:
    (empty / "inbox" / "good.csv").write_text(GOOD)
    assert spawned("watch", "--once", cwd=empty).code == 0

    assert ingest("processors", "add", "payments", "--from", "now", "--json").json()["start"] == "now"
    assert ingest("processors", "add", "ledger", "--from", "beginning").code == 0
    assert ingest("processors", "add", "nobody").code == 4
    assert ingest("processors", "add", "ledger", "--from", "tomorrow").code == 2

    assert spawned("work", "--once", "--json", cwd=empty).json()["done"] == 0
    assert names(ingest) == ["ledger", "payments"]


def test_a_processor_that_ingest_toml_names_is_not_removed(worked: Path, ingest: Ingest) -> None:
    assert ingest("processors", "remove", "ledger", "--yes").code == 2

    configure(worked, SETTINGS.partition('[[processor]]\nname = "ledger"')[0])

    assert ingest("processors", "remove", "ledger", "--dry-run").code == 0
    assert ingest("processors", "remove", "ledger").code == 5
    assert ingest("processors", "remove", "ledger", "--yes").code == 0
    assert names(ingest) == ["payments"]


def test_original_bytes_come_back_by_digest_and_by_event(day: Path, tmp_path: Path, ingest: Ingest) -> None:
    digest = hashlib.sha256(GOOD.encode()).hexdigest()
    event = ingest("events", "list", "--json", "--limit", "1").lines()[0]["event"]["id"]

    assert ingest("archive", "get", digest).out == GOOD
    assert ingest("archive", "get", event[:10]).out == GOOD
    assert ingest("archive", "get", digest, "-o", str(tmp_path / "x")).code == 0
    assert (tmp_path / "x").read_text() == GOOD
    assert ingest("archive", "get", digest, "-o", str(tmp_path / "x")).code == 73
    unknown = ingest("archive", "get", "f" * 64)
    assert unknown.code == 4
    assert f"no content with the digest {'f' * 64} is kept here" in unknown.err


def test_the_archive_is_proved_whole_or_in_parts(day: Path, ingest: Ingest) -> None:
    assert ingest("archive", "verify", "--json").json()["checked"] == 2
    assert (
        sum(ingest("archive", "verify", "--json", "--subset", f"{n}/3").json()["checked"] for n in (1, 2, 3))
        == 2
    )
    assert ingest("archive", "verify").code == 0
    assert ingest("archive", "verify", "--subset", "3/2").code == 2
    assert ingest("archive", "verify", "--subset", "all").code == 2


def test_damaged_bytes_are_never_handed_out(worked: Path, ingest: Ingest) -> None:
    Pipeline(worked).change("UPDATE contents SET bytes = substr(bytes, 2)")

    got = ingest("archive", "get", hashlib.sha256(GOOD.encode()).hexdigest())
    proved = ingest("archive", "verify", "--json")

    assert (got.code, got.out) == (65, "")
    assert proved.code == 65
    assert len(proved.json()["damaged"]) == 2


def test_the_database_is_checked_and_its_schema_told(day: Path, ingest: Ingest) -> None:
    assert ingest("db", "check", "--json").json()["sound"] is True
    assert ingest("db", "check").out == "the database is sound\n"
    found = ingest("db", "current", "--json").json()
    assert found["current"] == found["newest"]
    assert ingest("db", "upgrade", "--json").json()["before"] == found["newest"]


def test_only_some_commands_make_a_missing_store(empty: Path, ingest: Ingest) -> None:
    for command in (
        ("status",),
        ("events", "list"),
        ("replay", "--dry-run"),
        ("dead", "list"),
        ("db", "current"),
    ):
        assert ingest(*command).code == 65
    assert not (empty / ".ingest").exists()

    assert ingest("db", "upgrade").code == 0

    assert ingest("status").code == 0
    assert (empty / ".ingest").stat().st_mode & 0o777 == 0o700
    for path in (empty / ".ingest").glob("ingest.db*"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (empty / ".ingest/archive").stat().st_mode & 0o777 == 0o700


@only_on("sqlite", "on a server it may be where a disk that hosts share is mounted")
def test_beside_a_file_an_archive_with_nothing_in_it_is_an_archive(empty: Path, ingest: Ingest) -> None:
    (empty / ".ingest/archive").mkdir(parents=True)

    assert ingest("init").code == 65
    assert not (empty / ".ingest/ingest.db").exists()


@only_on("postgresql", "beside a file the directory is made by us")
def test_beside_a_server_a_directory_with_nothing_in_it_is_no_archive(empty: Path, ingest: Ingest) -> None:
    (empty / ".ingest/archive").mkdir(parents=True)

    assert ingest("init").code == 0
    assert ingest("status").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("watch", "--once"),
        ("work", "--once"),
        ("run", "--once"),
        ("db", "upgrade"),
        ("db", "check"),
        ("db", "current"),
        ("init",),
        ("status",),
    ],
)
def test_a_missing_store_beside_an_archive_is_never_made_anew(
    command: tuple[str, ...], empty: Path, ingest: Ingest
) -> None:
    assert ingest("init").code == 0
    Pipeline(empty).lose_store()

    said = ingest(*command)

    assert said.code == 65
    assert "restore the store from a backup" in said.err
    assert not (empty / ".ingest/ingest.db").exists()
    assert ingest("status").code == 65, "none was made"


def test_many_may_make_the_store_at_once(empty: Path) -> None:
    started = [
        Command(["watch", "--once"], cwd=empty, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for _ in range(3)
    ]

    assert [process.communicate(timeout=PATIENCE)[1] for process in started] == [b"", b"", b""]
    assert [process.returncode for process in started] == [0, 0, 0]


def test_the_settings_are_shown_with_their_origin_and_secrets_masked(
    empty: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INGEST_WORK__CONCURRENCY", "7")
    configure(
        empty,
        SETTINGS.replace(
            '[[processor]]\nname = "ledger"',
            'options = { api_key = "hush" }\n\n[[processor]]\nname = "ledger"',
            1,
        ),
    )

    said = ingest("config", "show", "--json")

    values = {each["key"]: (each["value"], each["origin"]) for each in said.json()["values"]}
    assert values["work.concurrency"] == (7, "env")
    assert values["source.inbox.quiet"] == ("50ms", "file")
    assert values["work.lease"] == ("30s", "default")
    assert "hush" not in said.out
    assert "work.concurrency = 7  # env" in ingest("config", "show").out


def test_the_settings_are_checked_with_the_processors_they_name(empty: Path, ingest: Ingest) -> None:
    found = ingest("config", "check", "--json").json()
    assert found["processors"] == {"payments": "bundled", "ledger": "bundled"}
    assert ingest("config", "check").code == 0

    configure(empty, SETTINGS.replace("payments:payments", "payments:paiments"))

    said = ingest("config", "check")
    assert said.code == 2
    assert "payments" in said.err


def test_an_unknown_key_is_an_error_that_names_it(empty: Path, ingest: Ingest) -> None:
    configure(empty, SETTINGS.replace("quiet", "quite"))

    said = ingest("config", "show")

    assert said.code == 2
    assert "quite" in said.err
    assert "quiet?" in said.err


def test_the_schema_of_the_settings_is_json(ingest: Ingest) -> None:
    assert json.loads(ingest("config", "schema").out)["title"] == "ingest.toml"


def _state(ingest: Ingest, path: str) -> str:
    return ingest("trace", path, "--json").json()["events"][0]["deliveries"][0]["state"]
