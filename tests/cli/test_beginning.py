"""`init`, `demo`: a newcomer's first minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.project import GOOD, Ingest, spawned

FOLDERS = pytest.mark.parametrize("example", [(), ("--example",)])


@FOLDERS
def test_init_makes_a_project_that_works_at_once(example: tuple[str, ...], tmp_path: Path) -> None:
    home = tmp_path / "new"

    said = spawned("init", str(home), *example, cwd=tmp_path)

    assert (said.code, said.err) == (0, "")
    assert spawned("config", "check", cwd=home).code == 0
    assert spawned("schema", "check", cwd=home).code == 0
    assert spawned("status", cwd=home).code == 0
    if not example:
        (home / "inbox" / "payments.csv").write_text(GOOD)
    assert spawned("run", "--once", "--quiet", "0.05", cwd=home).code == (3 if example else 0)
    done = {p["name"]: p["done"] for p in spawned("status", "--json", cwd=home).json()["processors"]}
    assert done == (
        {"payments": 2, "ledger": 11, "large_payments": 11}
        if example
        else {"line_counts": 1, "payments": 1, "ledger": 3}
    )


def test_the_first_processor_comes_with_a_test_that_passes(tmp_path: Path, ingest: Ingest) -> None:
    assert ingest("init", str(tmp_path)).code == 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ingest.testing.plugin", "-p", "no:cacheprovider"]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stdout
    assert b"1 passed" in ended.stdout


def test_init_overwrites_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest) -> None:
    monkeypatch.chdir(tmp_path)
    assert ingest("init").code == 0
    (tmp_path / "ingest.toml").write_text('version = 1\n[[source]]\nname = "mine"\npath = "mine"\n')
    (tmp_path / "processors/line_counts.py").write_text("# mine\n")
    before = _contents(tmp_path)

    said = ingest("init", "--json")

    assert said.code == 0
    assert {k: v for k, v in _contents(tmp_path).items() if k in before} == before
    assert {each["path"]: each["new"] for each in said.json()["written"]} == {
        "ingest.toml": False,
        "mine/": True,
        ".ingest/": False,
    }


def test_init_where_nothing_can_be_written_is_73(tmp_path: Path, ingest: Ingest) -> None:
    (tmp_path / "file").write_text("")

    assert ingest("init", str(tmp_path / "file")).code == 73
    assert ingest("init", "-C", "x.toml").code == 2


def test_the_demo_comes_to_what_the_sample_data_promises(tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    said = spawned("demo", "--keep", str(kept), cwd=tmp_path)

    assert (said.code, said.err) == (0, "")
    assert "the replay changed nothing" in said.out
    assert "\n\nday 1, evening" in said.out
    assert "\x1b" not in said.out
    status = spawned("status", "--json", cwd=kept).json()
    assert {p["name"]: (p["done"], p["dead"]) for p in status["processors"]} == {
        "ledger": (32, 0),
        "payments": (11, 2),
    }
    assert spawned("events", "verify", cwd=kept).code == 0
    assert spawned("demo", "--keep", str(kept), cwd=tmp_path).code == 2


def test_the_demo_is_kept_in_no_file(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")

    said = spawned("demo", "--keep", str(taken), cwd=tmp_path)

    assert (said.code, said.out) == (73, "")
    assert said.err.startswith(f"error: cannot make the directory {taken}: ")
    assert taken.read_text() == "mine"


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    said = spawned("demo", "--json", cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)})

    assert (said.code, said.json()["wrong"]) == (0, [])
    assert list(tmp_path.iterdir()) == []


def _contents(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*.*")
        if path.is_file() and ".ingest" not in path.parts
    }
