"""`ingest db backup`: what is restored from it is a pipeline that works."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.store.sqlite.driver import sqlite_module
from tests.cli.project import Ingest, error_of, running, spawned, until
from tests.patience import PATIENCE
from tests.store.backends import only_on
from tests.watch.mounts import tmpfs

pytestmark = only_on("sqlite", "a server has means of its own")


def test_a_restored_backup_with_the_archive_copied_after_it_holds_in_every_proof(
    worked: Path, ingest: Ingest, tmp_path: Path
) -> None:
    (worked / "inbox" / "large.csv").write_text("x" * 100_000)  # an object of the archive
    assert spawned("watch", "--once", cwd=worked).code == 3
    with running("run", cwd=worked):
        assert ingest("db", "backup", str(tmp_path / "copy.db"), "--json").code == 0
        shutil.copytree(worked / ".ingest" / "archive", tmp_path / "archive")

    shutil.rmtree(worked / ".ingest")
    (worked / ".ingest").mkdir()
    (tmp_path / "copy.db").rename(worked / ".ingest" / "ingest.db")
    (tmp_path / "archive").rename(worked / ".ingest" / "archive")

    settings = str(worked / "ingest.toml")
    assert ingest("-C", settings, "db", "check").code == 0
    assert ingest("-C", settings, "events", "verify").code == 0
    assert spawned("-C", settings, "run", "--once", cwd=tmp_path).code in (0, 3)
    assert ingest("-C", settings, "events", "verify").code == 0


def test_it_says_what_is_in_the_copy_and_that_the_archive_comes_after_it(
    day: Path, ingest: Ingest, tmp_path: Path
) -> None:
    said = ingest("db", "backup", str(tmp_path / "one.db"))
    document = ingest("db", "backup", str(tmp_path / "two.db"), "--json").json()

    assert "copy the archive directory now" in said.out
    assert document["head_position"] == ingest("status", "--json").json()["head_position"]
    assert document["bytes"] == (tmp_path / "two.db").stat().st_size


def test_a_second_one_of_the_same_name_is_refused(day: Path, ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")

    said = ingest("db", "backup", str(tmp_path / "copy.db"), "--json")

    assert said.code == 73
    assert error_of(said)["code"] == "cannot_write"
    assert (tmp_path / "copy.db").read_text() == "mine"


@pytest.mark.parametrize("name", ["nowhere/x.db", "inbox/good.csv/x.db"])
def test_a_name_in_no_directory_is_answered_in_one_line(day: Path, ingest: Ingest, name: str) -> None:
    said = ingest("db", "backup", name)

    assert said.code == 73
    assert said.err.count("\n") == 1
    assert "name a file in a directory that is there" in said.err


def test_a_store_of_another_schema_can_be_copied_before_it_is_upgraded(
    worked: Path, ingest: Ingest, tmp_path: Path
) -> None:
    with sqlite_module().connect(worked / ".ingest/ingest.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")
    db.close()

    made = ingest("db", "backup", str(tmp_path / "copy.db"), "--json")

    assert ingest("status").code == 65
    assert made.json()["schema"] == "0001"


def test_a_full_disk_is_said_and_nothing_is_left_on_it(day: Path, ingest: Ingest, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "disk", size="64k"):
        said = ingest("db", "backup", str(tmp_path / "disk" / "copy.db"))

        assert list((tmp_path / "disk").iterdir()) == []
    assert said.code == 73
    assert "full" in said.err


def test_one_that_is_told_to_stop_leaves_nothing_behind(day: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups" / "copy.db"
    target.parent.mkdir()
    program = f"""
from ingest.store import backup
backup._STEP = 1  # so many steps that a signal falls between two of them
from ingest.cli import main
import sys
sys.argv = ["ingest", "db", "backup", {str(target)!r}]
main()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=day, stderr=subprocess.PIPE) as process:
        until(lambda: list(target.parent.iterdir()))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)

    assert said == b""
    whole = [(0, [target]), (-signal.SIGTERM, [target])]  # it was through when the signal came
    assert (process.returncode, list(target.parent.iterdir())) in [(130, []), *whole]
