"""`ingest doctor`: it answers whatever is broken, says what to do, and changes nothing."""

from __future__ import annotations

import os
import resource
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from ingest.cli import wiring
from ingest.cli.doctor import installation
from ingest.store import workers
from ingest.store.opening import open_store
from ingest.store.postgresql.engine import PostgresqlStore
from ingest.store.sqlite.engine import SqliteStore
from ingest.store.workers import Worker
from tests.cli.project import SETTINGS, Ingest, write
from tests.crash.pipeline import Pipeline
from tests.store.backends import only_on


@pytest.fixture
def well(worked: Path, ingest: Ingest) -> Path:
    """A project of which nothing is dead."""
    assert ingest("dead", "discard", "--reason", "a test file", "--yes").code == 0
    return worked


def problems(ingest: Ingest, *argv: str) -> dict[str, Any]:
    """What is wrong, with what to do about it; the exit code says whether there is anything."""
    said = ingest(*argv, "doctor", "--json")
    found = {one["problem"]: one["hint"] for one in said.json()["findings"] if one["problem"]}
    assert said.code == (3 if found else 0)
    assert said.json()["well"] is not bool(found)
    assert all(found.values()), "a problem without what to do"
    return found


def _contents(home: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in home.rglob("*")}


def says(found: dict[str, Any], *parts: str) -> bool:
    """True when one problem, with its hint, holds all of these."""
    return any(all(part in f"{problem} {hint}" for part in parts) for problem, hint in found.items())


def test_of_a_sound_pipeline_it_says_what_it_stands_on_and_exits_0(well: Path, ingest: Ingest) -> None:
    said = ingest("doctor")

    assert said.code == 0, said.out
    assert "all is well" in said.out
    for part in ("sqlite", "schema", "inotify", "open files", "whole by", "stable+lease", "temporary files"):
        assert part in said.out
    assert problems(ingest) == {}


def test_it_changes_nothing(well: Path, ingest: Ingest) -> None:
    before = _contents(well)

    ingest("doctor")

    assert _contents(well) == before


def test_what_is_dead_is_found_with_the_way_to_it(day: Path, ingest: Ingest) -> None:
    assert says(problems(ingest), "payments has 1 dead", "ingest dead list")


def test_without_a_store_the_rest_is_looked_at_and_nothing_is_made(empty: Path, ingest: Ingest) -> None:
    found = problems(ingest)

    assert says(found, "there is no store", "ingest init")
    assert not (empty / ".ingest").exists()
    assert "inbox" in ingest("doctor").out


@pytest.mark.parametrize(("revision", "way_out"), [("9999", "upgrade ingest"), ("0001", "ingest db upgrade")])
def test_a_store_of_another_schema_is_named_with_the_way_out(
    worked: Path, ingest: Ingest, revision: str, way_out: str
) -> None:
    Pipeline(worked).change(f"UPDATE alembic_version SET version_num = '{revision}'")

    assert says(problems(ingest), f"schema ({revision})", way_out)
    assert f"{revision}, newest known" in ingest("doctor").out


@only_on("sqlite", "a file that is no database")
def test_a_damaged_store_is_named(worked: Path, ingest: Ingest) -> None:
    (worked / ".ingest" / "ingest.db").write_bytes(b"no database, " * 1000)

    assert says(problems(ingest), "damaged or is not a database", "backup")


@pytest.mark.parametrize(
    ("text", "says_so"),
    [
        ("version = ", "is not TOML"),
        ("version = 1\n[nonsense]\n", "is not a known key"),
        (None, "there is no ingest.toml"),
    ],
)
def test_settings_that_cannot_be_obeyed_are_a_problem_beside_the_rest(
    empty: Path, ingest: Ingest, text: str | None, says_so: str
) -> None:
    (empty / "ingest.toml").unlink()
    if text is not None:
        (empty / "ingest.toml").write_text(text)

    assert says(problems(ingest), says_so)
    assert "pysqlite3" in ingest("doctor").out or "sqlite3" in ingest("doctor").out


@only_on("sqlite", "the database is a file")
def test_what_others_may_read_is_named_with_the_command_that_ends_it(well: Path, ingest: Ingest) -> None:
    (well / ".ingest" / "ingest.db").chmod(0o644)
    (well / ".ingest" / "archive").chmod(0o755)
    found = problems(ingest)

    assert says(found, "ingest.db can be read by others", "chmod go=")
    assert says(found, "archive can be read by others", "chmod go=")


def test_a_source_that_is_not_there_is_named(well: Path, ingest: Ingest) -> None:
    (well / "inbox").rename(well / "elsewhere")

    assert says(problems(ingest), "inbox is not a directory", "make it")


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed, to whom a directory is closed")
def test_directories_that_this_user_may_not_use_are_named(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory() as home:
        monkeypatch.chdir(home)
        write(Path(home), SETTINGS.replace('path = "inbox"', 'path = "inbox"\nafter = "delete"'), {})
        ingest("doctor")  # all of it is imported
        Path(home).chmod(0o755)
        os.seteuid(65534)
        try:
            found = problems(ingest)
        finally:
            os.seteuid(0)
            monkeypatch.undo()

    assert says(found, "files are to leave it", "cannot be written")
    assert says(found, f"{home} cannot be written", "give it to the user that runs ingest")


def test_a_stale_worker_is_named(well: Path, ingest: Ingest) -> None:
    lost = Worker(id="worker-lost", kind="worker", host="box", pid=1)
    with open_store(Pipeline(well).url, well / ".ingest") as store, store.write() as tx:
        workers.enlist(tx, lost, lease=timedelta(seconds=30), now=wiring.now() - timedelta(hours=1))

    assert says(problems(ingest), "worker worker-lost is stale", "start it again")


def test_a_clock_that_was_set_back_is_seen_by_the_newest_event(
    well: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = wiring.now()
    for store in (SqliteStore, PostgresqlStore):
        monkeypatch.setattr(store, "now", lambda _: now - timedelta(days=1))

    assert says(problems(ingest), "behind the newest event", "set back")


def test_too_few_files_that_may_be_open_are_named(well: Path, ingest: Ingest) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
    try:
        found = problems(ingest)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert says(found, "only 128 files", "ulimit -n 1024")


def test_an_extra_that_is_missing_is_told_with_what_adds_it_and_is_no_problem() -> None:
    wanted = ["rich>=14", "no-such-driver>=3 ; extra == 'postgres'", 'rich>=14 ; extra == "colour"']

    found = {one.name: one for one in installation.extras(wanted)}

    assert found["extra postgres"].value == "not installed: pip install 'ingest[postgres]'"
    assert found["extra colour"].value == "installed"
    assert not any(one.problem for one in found.values())


def test_of_each_processor_it_says_where_it_was_found(well: Path, ingest: Ingest) -> None:
    found = {one["name"]: one["value"] for one in ingest("doctor", "--json").json()["findings"]}

    assert found["payments"] == "processors.payments:payments, bundled, version 1"
    assert found["ledger"].startswith("processors.ledger:ledger, bundled")


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (
            "import ingest\n\ndef payments(:\n",
            ("processors/mine.py, line 3: SyntaxError", "correct the file, or remove it"),
        ),
        ("x = 1\n\n1 / 0\n", ("processors/mine.py, line 3: ZeroDivisionError", "correct the file")),
        ("import no_such_thing\n", ("line 1: ModuleNotFoundError", "install no_such_thing beside ingest")),
        ("import os\nos.abort()\n", ("the import of processor 'mine' ended the process", "ingest try")),
        ("x = 1\n", ("processors.mine has no 'mine'", "it declares no processor")),
    ],
)
def test_a_processor_that_cannot_be_imported_is_named_once_with_file_line_and_what(
    well: Path, ingest: Ingest, code: str, parts: tuple[str, str]
) -> None:
    (well / "processors").mkdir()
    (well / "processors" / "mine.py").write_text(code)
    with (well / "ingest.toml").open("a") as settings:
        settings.write('\n[[processor]]\nname = "mine"\nuse = "mine:mine"\n')

    found = problems(ingest)

    assert says(found, *parts)
    assert len(found) == 1
    assert "payments" in ingest("doctor").out


def test_a_file_beside_them_that_is_no_python_is_named_though_nothing_imports_it(
    well: Path, ingest: Ingest
) -> None:
    (well / "processors").mkdir()
    (well / "processors" / "later.py").write_text("def f():\nreturn 1\n")
    (well / "processors" / "bytes.py").write_bytes(b"\0\xff")
    (well / "processors" / "deep.py").write_text("-" * 100_000 + "1\n")

    found = problems(ingest)

    assert says(found, "processors/later.py, line 2: IndentationError", "correct the file")
    assert says(found, "processors/bytes.py")
    assert says(found, "processors/deep.py")


def test_nothing_is_written_beside_the_processors_it_looks_at(well: Path, ingest: Ingest) -> None:
    (well / "processors").mkdir()
    (well / "processors" / "payments.py").write_text("x = 1\n")

    assert says(problems(ingest), "processors.payments has no 'payments'")
    assert [each.name for each in (well / "processors").iterdir()] == ["payments.py"]
