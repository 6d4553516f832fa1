"""`init`, `demo`, `try`: a newcomer's first minutes."""

from __future__ import annotations

import json
import os
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
    assert spawned("status", cwd=home).code == 0
    if not example:
        (home / "inbox" / "payments.csv").write_text(GOOD)
    assert spawned("run", "--once", "--quiet", "0.05", cwd=home).code == (3 if example else 0)
    done = {p["name"]: p["done"] for p in spawned("status", "--json", cwd=home).json()["processors"]}
    assert done == (
        {"line_counts": 3, "payments": 2, "ledger": 11}
        if example
        else {"line_counts": 1, "payments": 1, "ledger": 3}
    )


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
    assert "\x1b" not in said.out
    status = spawned("status", "--json", cwd=kept).json()
    assert {p["name"]: (p["done"], p["dead"]) for p in status["processors"]} == {
        "ledger": (32, 0),
        "payments": (11, 2),
    }
    assert spawned("events", "verify", cwd=kept).code == 0
    assert spawned("demo", "--keep", str(kept), cwd=tmp_path).code == 2


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    said = spawned("demo", "--json", cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)})

    assert (said.code, said.json()["wrong"]) == (0, [])
    assert list(tmp_path.iterdir()) == []


def test_try_shows_rows_and_facts_and_applies_nothing(day: Path, ingest: Ingest) -> None:
    before = ingest("status", "--json").json()["head_position"]
    file = "inbox/good.csv"

    found = ingest("try", "payments", file, "--json").json()

    assert found["verdict"] == "done"
    assert [row["values"]["payment_id"] for row in found["rows"]] == ["P-1", "P-2", "P-3"]
    assert [fact["data"]["payment_id"] for fact in found["facts"]] == ["P-1", "P-2", "P-3"]
    assert found["event"]["data"]["source"] == "inbox"
    assert (found["rows_in"], found["rejects"], found["calls"]) == (3, [], [])
    assert ingest("status", "--json").json()["head_position"] == before
    assert "nothing was applied" in ingest("try", "payments", file).out


def test_a_processor_is_not_tried_on_the_database(worked: Path, ingest: Ingest) -> None:
    (worked / "inbox" / "x.csv").hardlink_to(worked / ".ingest" / "ingest.db")

    said = ingest("try", "payments", "inbox/x.csv")

    assert said.code == 2
    assert "part of the database" in said.err


def test_try_shows_what_is_refused_and_exits_3(day: Path, ingest: Ingest) -> None:
    said = ingest("try", "payments", "inbox/bad.csv", "--json")

    assert said.code == 3
    assert said.json()["verdict"] == "dead"
    assert said.json()["rejects"][0]["line"] == 3
    assert ingest("try", "payments", "inbox/bad.csv").code == 3


def test_try_takes_an_event_for_a_processor_of_other_facts(day: Path, tmp_path: Path, ingest: Ingest) -> None:
    event = ingest("events", "list", "--type", "ingest.payment.settled.v1", "--limit", "1", "--json").lines()[
        0
    ]["event"]
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "none.json").write_text("[]")

    found = ingest("try", "ledger", str(tmp_path / "event.json"), "--json").json()

    assert len(found["rows"]) == 2
    assert ingest("try", "ledger", str(tmp_path / "none.json")).code == 2


def test_try_needs_no_store_and_finds_a_processor_by_its_use(empty: Path, ingest: Ingest) -> None:
    (empty / "good.csv").write_text(GOOD)

    assert ingest("try", "processors.payments:payments", "good.csv").code == 0
    assert ingest("try", "nobody", "good.csv").code == 4
    assert ingest("try", "payments", "missing.csv").code == 4
    assert not (empty / ".ingest").exists()


def _contents(home: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*.*")
        if path.is_file() and ".ingest" not in path.parts
    }
