"""`ingest schema`: what is published is listed, shown, held against the log, written and frozen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.project import error_of, spawned
from tests.crash.pipeline import pipeline
from tests.flow.versions import CONFIG, GIVEN

V1 = "tests.order.placed.v1"


def test_without_a_project_the_schemas_of_the_package_are_known_and_good(tmp_path: Path) -> None:
    listed = spawned("schema", "list", "--json", cwd=tmp_path).lines()
    assert {line["state"] for line in listed} == {"frozen"}
    assert {line["type"]: line["origin"] for line in listed}["ingest.payment.settled.v1"] == "bundled"
    assert spawned("schema", "check", cwd=tmp_path).code == 0
    shown = spawned("schema", "show", "ingest.file.landed", cwd=tmp_path).json()
    assert shown["$id"] == "urn:ingest:schema:ingest.file.landed:1.0"

    missed = spawned("schema", "show", "ingest.file.lnded.v1", "--json", cwd=tmp_path)
    assert (missed.code, error_of(missed)["hint"]) == (
        4,
        "did you mean 'ingest.file.landed.v1'? see `ingest schema list`",
    )


@pytest.mark.timeout(300)  # a dozen commands, on a machine that may have others to serve
def test_a_processor_that_accepts_what_nobody_states_is_named_with_the_nearest(tmp_path: Path) -> None:
    uses = 'use = "processors.payments:payments"\n'
    (tmp_path / "ingest.toml").write_text(
        f'[[source]]\nname = "inbox"\npath = "."\n'
        f'[[processor]]\nname = "one"\n{uses}accepts = ["ingest.file.landed.v1"]\n'
        f'[[processor]]\nname = "other"\n{uses}accepts = ["ingest.file.landd.v1"]\n'
    )

    for check in ("schema", "config"):
        said = spawned(check, "check", "--json", cwd=tmp_path)

        (problem,) = json.loads(said.out.splitlines()[0])["problems"]
        assert said.code == 3
        assert problem.startswith("processor other accepts ingest.file.landd.v1, which nobody here states")
        assert "did you mean 'ingest.file.landed.v1'?" in problem


def test_settings_are_not_said_to_be_good_where_a_processor_would_wait_for_ever(tmp_path: Path) -> None:
    settings = (
        '[[source]]\nname = "inbox"\npath = "."\n'
        '[[processor]]\nname = "books"\nuse = "payments:payments"\naccepts = ["ingest.file.{}.v1"]\n'
    )
    (tmp_path / "ingest.toml").write_text(settings.format("extrcted"))
    wrong = spawned("config", "check", cwd=tmp_path)
    (tmp_path / ".ingest").mkdir()
    (tmp_path / ".ingest" / "ingest.db").write_bytes(b"no database")  # it is not needed to tell
    again = spawned("config", "check", cwd=tmp_path)
    (tmp_path / "ingest.toml").write_text(settings.format("extracted"))
    right = spawned("config", "check", cwd=tmp_path)

    assert (wrong.code, again.code, right.code) == (3, 3, 0)
    assert wrong.out == again.out
    assert "did you mean 'ingest.file.extracted.v1'?" in wrong.out
    assert "is good" not in wrong.out
    assert "is good: 1 source, 1 processor" in right.out


def test_the_schemas_of_ones_own_facts_are_written_frozen_and_held_against_the_log(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG)
    home, folder = project.root, project.root / "processors"
    folder.mkdir()
    for file in (GIVEN / "v1").glob("*.py"):
        (folder / file.name).write_bytes(file.read_bytes())
    project.drop("1.csv", b"o1;10.00;EUR")
    project.ok("run", "--once")

    missing = spawned("schema", "release", cwd=home)
    assert (missing.code, f"`ingest schema draft {V1}`" in missing.err) == (3, True)
    (written,) = spawned("schema", "draft", "--json", cwd=home).json()["written"]
    assert Path(written) == folder / "schemas" / f"{V1}.0.json"
    assert spawned("schema", "release", "--json", cwd=home).json()["frozen"] == [written]
    assert spawned("schema", "check", "--events", cwd=home).code == 0
    lines = spawned("schema", "list", "--json", cwd=home).lines()
    (own,) = (line for line in lines if line["type"] == V1)
    assert (own["state"], own["events"], own["origin"]) == ("frozen", 1, "local")

    # The second version without a schema, an upcaster, or a reader of the first.
    for file in (GIVEN / "v2").glob("*.py"):
        (folder / file.name).write_text(file.read_text().replace("@upcast", "# @upcast"))
    project.ok("work", "--once")
    said = spawned("schema", "check", "--events", "--json", cwd=home)
    assert said.code == 65
    found = json.loads(said.out.splitlines()[0])
    assert any("2.0 has no schema" in each for each in found["problems"])
    assert any("sums cannot read 1 event of type" in each for each in found["problems"])
    assert ["no upcaster leads from v1 to v2" in each for each in found["unreadable"]] == [True]

    for file in (GIVEN / "v2").glob("*.py"):
        (folder / file.name).write_bytes(file.read_bytes())
    spawned("schema", "draft", cwd=home)
    assert spawned("schema", "check", "--events", cwd=home).code == 0
