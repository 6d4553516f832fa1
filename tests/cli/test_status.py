"""`status`: the promised keys, what they count, and what makes it exit 3."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import pytest

from ingest.store.sqlite.driver import sqlite_module
from tests.cli.project import Ingest, running, until
from tests.crash.pipeline import Pipeline
from tests.store.backends import only_on

KEYS = {
    *("v", "store", "archive", "sources", "processors", "watchers", "workers", "replays"),
    *("head_position", "problems"),
}
STORE = {"url", "dialect", "engine_version", "schema", "wal_bytes"}
SOURCE = {
    *("name", "path", "mode", "state", "proof", "last_scan_at"),
    *("settling", "landed", "redelivered", "refused", "ignored", "error"),
}
PROCESSOR = {
    *("name", "version", "state", "waiting", "running", "retrying", "dead"),
    *("done", "parked_keys", "oldest_waiting_s", "last_position"),
}
WORKER = {"id", "host", "pid", "state", "beat_age_s"}
REPLAY = {"id", "processor", "mode", "state", "total", "done", "unchanged", "repaired", "changed", "dead"}


def test_the_document_has_the_promised_keys(worked: Path, ingest: Ingest) -> None:
    ingest("replay", "ledger", "--yes")

    found = ingest("status", "--json").json()

    assert found["v"] == 1
    assert set(found) == KEYS
    assert set(found["store"]) >= STORE
    assert set(found["archive"]) == {"objects", "bytes"}
    assert set(found["sources"][0]) >= SOURCE
    assert set(found["processors"][0]) >= PROCESSOR
    assert set(found["replays"][0]) >= REPLAY


def test_the_figures_are_those_of_the_store(day: Path, ingest: Ingest) -> None:
    found = ingest("status", "--json").json()

    [source] = found["sources"]
    ledger, payments = found["processors"]
    assert (source["landed"], source["refused"], source["ignored"], source["settling"]) == (3, 1, 1, 0)
    assert (payments["done"], payments["dead"], payments["waiting"], payments["parked_keys"]) == (2, 1, 0, 1)
    assert (ledger["done"], ledger["dead"], ledger["running"], ledger["retrying"]) == (3, 0, 0, 0)
    assert (found["head_position"], ledger["last_position"]) == (7, 4)
    assert found["archive"]["objects"] == 2
    assert found["watchers"] == found["workers"] == []


def test_a_source_that_nobody_watches_is_idle(day: Path, ingest: Ingest) -> None:
    assert ingest("status", "--json").json()["sources"][0]["state"] == "idle"


def test_a_live_watcher_is_listed_and_its_source_is_ok_until_it_is_killed(
    worked: Path, ingest: Ingest
) -> None:
    def status() -> dict:
        return ingest("status", "--json").json()

    with running("watch", cwd=worked) as watcher:
        until(lambda: status()["sources"][0]["state"] == "ok")
        [listed] = status()["watchers"]
        assert set(listed) >= WORKER
        assert (listed["pid"], listed["state"]) == (watcher.pid, "active")

    assert status()["watchers"][0]["state"] == "stale"
    assert status()["sources"][0]["state"] == "idle"
    assert ingest("status", "--check").code == 3


def test_what_waits_behind_a_parked_key_is_counted_as_waiting(parked: Path, ingest: Ingest) -> None:
    payments = ingest("status", "--json").json()["processors"][1]

    assert (payments["waiting"], payments["dead"], payments["parked_keys"]) == (1, 1, 1)
    assert payments["oldest_waiting_s"] > 0
    assert ingest("dead", "list", "--json").lines()[0]["behind"] == 1
    states = [event["deliveries"] for event in ingest("events", "list", "--json").lines()]
    assert states == [{"payments": "dead"}, {"payments": "waiting"}]


def test_check_exits_3_while_something_is_dead(worked: Path, ingest: Ingest) -> None:
    assert ingest("status").code == 0
    assert ingest("status", "--check").code == 3

    assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0

    assert ingest("status", "--check").code == 0


def test_a_check_says_one_line_for_each_problem_and_quietly_nothing_where_there_is_none(
    worked: Path, ingest: Ingest
) -> None:
    said = ingest("status", "--check", "-q")
    assert (said.code, said.out, said.err) == (3, "payments has 1 dead\n", "")
    assert ingest("status", "--check", "--json").json()["problems"] == ["payments has 1 dead"]

    assert ingest("dead", "discard", "--yes", "--reason", "known").code == 0

    said = ingest("status", "--check", "-q")
    assert (said.code, said.out, said.err) == (0, "", "")
    assert ingest("status", "--check").out == "all is well\n"


def test_what_waits_for_a_processor_that_the_configuration_forgot_is_a_problem(
    parked: Path, ingest: Ingest
) -> None:
    settings = parked / "ingest.toml"
    settings.write_text(settings.read_text().replace('name = "payments"', 'name = "other"'))

    said = ingest("status", "--check")

    assert said.out.splitlines() == [
        "payments has 1 dead",
        "payments has 1 waiting, and ingest.toml does not name it",
    ]


def test_a_source_that_a_living_watcher_does_not_scan_any_more_is_a_problem(
    worked: Path, ingest: Ingest
) -> None:
    with running("watch", cwd=worked):
        until(lambda: ingest("status", "--json").json()["sources"][0]["state"] == "ok")
        assert "not scanned" not in ingest("status", "--check").out
        long_ago = "(SELECT min(last_scan_at) - 7300000000 FROM sources)"
        Pipeline(worked).change(
            f"UPDATE workers SET started_at = {long_ago}", f"UPDATE sources SET last_scan_at = {long_ago}"
        )

        found = ingest("status", "--check").out

    assert "source inbox is watched, and was not scanned for 2h1m" in found


def test_people_see_the_same(day: Path, ingest: Ingest) -> None:
    said = ingest("status")

    assert said.code == 0
    assert "payments has 1 dead" in said.out
    assert "inbox" in said.out


def test_what_is_wrong_with_a_source_has_room(
    worked: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (worked / "inbox").rename(worked / "gone")
    assert ingest("watch", "--once").code == 3

    said = ingest("status").out

    assert re.search(r"\ninbox +unavailable +notify ", said)
    assert "\ninbox: the source directory " in said


@only_on("sqlite", "there is one write lock")
def test_a_held_write_lock_is_told(worked: Path, ingest: Ingest) -> None:
    with closing(sqlite_module().connect(worked / ".ingest/ingest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        found = ingest("status", "--json")
        checked = ingest("status", "--check")

    assert found.json()["store"]["write_locked"] is True
    assert checked.code == 3
    assert ingest("status", "--json").json()["store"]["write_locked"] is False


@only_on("sqlite", "a file that is no database")
@pytest.mark.parametrize("content", [b"", b"not a database at all, though long enough to be one" * 20])
def test_a_store_that_is_no_store_is_65(content: bytes, worked: Path, ingest: Ingest) -> None:
    for name in ("ingest.db-wal", "ingest.db-shm"):
        (worked / ".ingest" / name).unlink(missing_ok=True)
    (worked / ".ingest/ingest.db").write_bytes(content)

    assert ingest("status").code == 65
    assert ingest("watch", "--once").code == 65


def test_a_store_of_another_schema_is_refused(worked: Path, ingest: Ingest) -> None:
    Pipeline(worked).change("UPDATE alembic_version SET version_num = '9999'")

    said = ingest("status")

    assert said.code == 65
    assert "newer" in said.err
