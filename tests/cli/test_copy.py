"""`ingest db copy`: a project that was on SQLite goes on, on PostgreSQL, where it was."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.store.sqlite.driver import sqlite_module
from tests import server
from tests.cli.project import GOOD, Ingest, error_of, running, spawned, until
from tests.store.backends import only_on

pytestmark = only_on("sqlite", "a pipeline in a file is moved")


@pytest.fixture
def database() -> Iterator[str]:
    with server.database() as name:
        yield name


@pytest.fixture
def url(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """As it is given, for no password is to be read from the list of processes."""
    monkeypatch.setenv("TARGET_URL", server.url(database))
    return "${TARGET_URL}"


def tables_in(database: str) -> list[Any]:
    return server.shared().run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database)


def point_at(home: Path, url: str) -> None:
    """The settings name that store."""
    settings = home / "ingest.toml"
    settings.write_text(settings.read_text().replace("[work]", f'[store]\nurl = "{url}"\n\n[work]'))


def test_a_pipeline_goes_on_where_it_was(worked: Path, ingest: Ingest, url: str) -> None:
    (worked / "inbox" / "waits.csv").write_text(GOOD.replace("P-", "Q-"))
    assert spawned("watch", "--once", cwd=worked).code == 3  # the link is refused
    before = ingest("status", "--json").json()
    log = ingest("events", "list").out
    twin = worked.parent / "twin"
    shutil.copytree(worked, twin, symlinks=True)

    said = ingest("db", "copy", "--to", url)
    point_at(worked, url)

    assert said.code == 0
    assert 'url = "${TARGET_URL}"' in said.out
    assert "archive =" in said.out
    after = ingest("status", "--json").json()
    for kept in ("sources", "head_position"):
        assert after[kept] == before[kept]
    assert _counted(after) == _counted(before)
    assert sum(one["waiting"] for one in after["processors"]) == 1
    assert ingest("events", "list").out == log
    assert ingest("events", "verify").code == 0
    assert ingest("archive", "verify").code == 0
    assert "landed 0, redelivered 0" in spawned("watch", "--once", cwd=worked).out
    assert spawned("work", "--once", cwd=worked).code == spawned("work", "--once", cwd=twin).code == 0
    there = spawned("status", "--json", cwd=twin).json()
    assert _counted(ingest("status", "--json").json()) == _counted(there)


def _counted(status: dict[str, Any]) -> list[Any]:
    told = ("name", "version", "state", "waiting", "retrying", "dead", "done", "parked_keys")
    return [[one[key] for key in told] for one in status["processors"]]


def test_what_would_be_copied_is_said_and_nothing_is_done(
    worked: Path, ingest: Ingest, url: str, database: str
) -> None:
    dry = ingest("db", "copy", "--to", url, "--dry-run", "--json").json()
    assert tables_in(database) == []

    done = ingest("db", "copy", "--to", url, "--json").json()
    again = ingest("db", "copy", "--to", url, "--json")

    assert dry | {"copied": True, "keys": done["keys"]} == done
    assert (dry["copied"], dry["rows"], done["left"]) == (False, sum(dry["tables"].values()), [])
    assert {"events", "payments", "ledger_postings"} <= set(done["tables"])
    assert again.code == 0
    assert again.json()["stood"]


def test_the_file_is_refused_afterwards_by_whoever_still_names_it(
    worked: Path, ingest: Ingest, url: str
) -> None:
    assert ingest("db", "copy", "--to", url).code == 0

    for command in (["status"], ["watch", "--once"], ["work", "--once"], ["db", "upgrade"]):
        said = ingest(*command, "--log-format", "text")
        assert said.code == 65, command
        assert "was moved to the database" in said.err
    assert ingest("db", "backup", str(worked / "last.db")).code == 0
    assert ingest("db", "current", "--json").json()["current"] == "moved"


def test_the_move_can_be_taken_back_while_nothing_was_done_there(
    worked: Path, ingest: Ingest, url: str
) -> None:
    assert ingest("db", "copy", "--to", url).code == 0
    with sqlite_module().connect(worked / ".ingest" / "ingest.db") as file:
        file.execute("UPDATE alembic_version SET version_num = (SELECT revision FROM ingest_moved)")
        file.execute("DROP TABLE ingest_moved")

    assert spawned("work", "--once", cwd=worked).code == 0


def test_it_is_refused_while_watchers_or_workers_live(
    worked: Path, ingest: Ingest, url: str, database: str
) -> None:
    with running("run", cwd=worked):
        until(lambda: {one["state"] for one in ingest("status", "--json").json()["workers"]} >= {"active"})
        said = ingest("db", "copy", "--to", url, "--json")

    assert said.code == 75
    assert "the store is in use" in error_of(said)["message"]
    assert tables_in(database) == []


def test_who_died_is_taken_over_from_as_a_worker_would(worked: Path, ingest: Ingest, url: str) -> None:
    with running("run", cwd=worked) as supervisor:
        until(lambda: {one["state"] for one in ingest("status", "--json").json()["workers"]} >= {"active"})
        supervisor.kill()
        supervisor.wait()
        until(lambda: ingest("db", "copy", "--to", url).code == 0)
    point_at(worked, url)

    assert {one["state"] for one in ingest("status", "--json").json()["workers"]} <= {"stale", "stopped"}
    assert spawned("work", "--once", cwd=worked).code == 0


def test_a_server_that_is_away_is_said_and_the_file_goes_on(worked: Path, ingest: Ingest) -> None:
    said = ingest("db", "copy", "--to", f"postgresql://me:hidden@/x?host={worked}", "--json")

    assert said.code == 69
    assert "hidden" not in said.err
    assert ingest("status").code == 0


def test_killed_in_the_middle_it_can_be_made_again_or_left(
    worked: Path, ingest: Ingest, url: str, database: str
) -> None:
    _make_long(worked / ".ingest" / "ingest.db")
    with running("db", "copy", "--to", url, cwd=worked) as copying:
        until(lambda: server.shared().run(_IS_COPYING.format(database)))
        copying.kill()
        copying.wait()

    assert ingest("status").code == 0, "the file is as it was"
    until(lambda: not server.shared().run(_IS_CONNECTED.format(database)))
    assert tables_in(database) == []
    assert ingest("db", "copy", "--to", url).code == 0
    point_at(worked, url)
    assert ingest("events", "verify").code == 0


_IS_COPYING = "SELECT 1 FROM pg_stat_progress_copy WHERE datname = '{}'"
_IS_CONNECTED = "SELECT 1 FROM pg_stat_activity WHERE datname = '{}'"


def _make_long(path: Path) -> None:
    """The file holds so many attempts that copying them takes a moment."""
    with sqlite_module().connect(path) as file:
        file.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
            " INSERT INTO attempts (generation_id, position, n, worker, ended_at, ended, error)"
            " SELECT 1, 1, i, 'w', 0, 'failed', 'no' FROM n"
        )
