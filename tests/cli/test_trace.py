"""`trace` and `why`: the life of a file, and the reason of its fate."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.cli.project import GOOD, SETTINGS, Ingest, spawned, write


def test_the_whole_life_of_a_file_is_told(day: Path, ingest: Ingest) -> None:
    found = ingest("trace", "inbox/good.csv", "--json").json()

    assert set(found) >= {"v", "file", "sightings", "events"}
    assert found["file"]["name"] == "good.csv"
    assert len(found["file"]["sha256"]) == 64
    assert found["file"]["size"] == len(GOOD)
    [sighting] = found["sightings"]
    assert (sighting["source"], sighting["path"], sighting["state"]) == ("inbox", "good.csv", "landed")
    landed, *settled = found["events"]
    [payments] = landed["deliveries"]
    assert set(payments) >= {"processor", "state", "attempts", "outcome", "effects", "emitted"}
    assert (payments["processor"], payments["state"]) == ("payments", "done")
    [attempt] = payments["attempts"]
    assert set(attempt) >= {"n", "worker", "started_at", "ended_at", "ended", "error"}
    assert (attempt["n"], attempt["ended"]) == (1, "done")
    assert set(payments["outcome"]) >= {"rows_in", "rows_booked", "rows_duplicate", "rows_rejected", "digest"}
    assert set(payments["effects"][0]) >= {"key", "at"}
    assert payments["emitted"] == [event["event"]["id"] for event in settled]
    assert [event["deliveries"][0]["processor"] for event in settled] == ["ledger"] * len(settled)


def test_a_file_is_found_by_path_event_and_content(day: Path, ingest: Ingest) -> None:
    by_path = ingest("trace", "good.csv", "--json").json()
    event, digest = by_path["events"][0]["event"]["id"], by_path["file"]["sha256"]

    by_event = ingest("trace", event[:10], "--json").json()
    by_content = ingest("trace", digest, "--json").json()

    assert by_event["events"] == by_path["events"]
    assert {sighting["path"] for sighting in by_content["sightings"]} == {"good.csv", "copy.csv"}


def test_a_dead_file_tells_why(day: Path, ingest: Ingest) -> None:
    [event] = ingest("trace", "inbox/bad.csv", "--json").json()["events"]

    [payments] = event["deliveries"]
    assert payments["state"] == "dead"
    assert payments["error"]
    assert [attempt["ended"] for attempt in payments["attempts"]] == ["failed"]
    assert "bad.csv" in ingest("trace", "inbox/bad.csv").out


def test_what_was_refused_has_a_life_too(day: Path, ingest: Ingest) -> None:
    found = ingest("trace", "inbox/link.csv", "--json").json()

    assert found["sightings"][0]["state"] == "refused"
    assert found["events"][0]["event"]["data"]["reason"] == "symlink"


def test_facts_beyond_the_limit_are_announced(day: Path, ingest: Ingest) -> None:
    found = ingest("trace", "good.csv", "--json", "--limit", "2").json()

    assert len(found["events"]) == 2
    assert found["complete"] is False


@pytest.mark.parametrize("command", ["trace", "why"])
def test_what_nobody_knows_is_not_found(command: str, day: Path, ingest: Ingest) -> None:
    assert ingest(command, "/nowhere/at/all.csv").code == 4


@pytest.mark.parametrize("command", ["trace", "why"])
def test_a_path_that_two_sources_have_is_listed_and_refused(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest
) -> None:
    second = SETTINGS.replace(
        "[[processor]]", '[[source]]\nname = "other"\npath = "other"\nquiet = "50ms"\n\n[[processor]]', 1
    )
    write(tmp_path, second, {"same.csv": GOOD})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "same.csv").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    assert spawned("watch", "--once", cwd=tmp_path).code == 0

    said = ingest(command, "same.csv")

    assert said.code == 2
    assert "inbox/same.csv" in said.err
    assert "other/same.csv" in said.err
    assert ingest(command, "other/same.csv").code == 0


def verdict(ingest: Ingest, path: str) -> str:
    said = ingest("why", path, "--json")
    assert said.code == 0
    return said.json()["verdict"]


def test_why_names_rule_tuple_and_what_stands(day: Path, ingest: Ingest) -> None:
    found = ingest("why", "copy.csv", "--json").json()
    first = ingest("why", "good.csv", "--json").json()

    assert found["verdict"] == first["verdict"] == "landed"
    assert (first["duplicateof"], found["duplicateof"]) == (None, first["event_id"])
    assert found["rule"]["word"] == "included"
    assert set(found["sighting"]["tuple"]) == {"size", "mtime_ns", "ctime_ns", "inode"}
    assert found["quiet_since"]
    assert found["complete"] in ("stable", "stable+lease")
    shown = ingest("why", "copy.csv").out
    assert f"landed since    {found['sighting']['since']}" in shown
    assert re.search(rf"known whole by +{re.escape(found['complete'])} ", shown)


def test_why_says_which_pattern_ignores_a_path(worked: Path, ingest: Ingest) -> None:
    (worked / "inbox" / "x.part").write_text("x")

    assert ingest("why", "old.bak", "--json").json()["rule"] == {
        "word": "ignored",
        "pattern": "*.bak",
        "built_in": False,
    }
    assert ingest("why", "inbox/x.part", "--json").json()["rule"]["built_in"] is True
    assert verdict(ingest, "x.part") == "ignored"


def test_why_says_what_was_refused_and_what_was_never_seen(worked: Path, ingest: Ingest) -> None:
    (worked / "inbox" / "new.csv").write_text("x")

    assert verdict(ingest, "link.csv") == "refused"
    assert verdict(ingest, "good.csv") == "unseen"  # the copy is another inode
    assert verdict(ingest, "new.csv") == "unseen"
    assert ingest("why", "new.csv", "--json").json()["complete"] is None
    assert verdict(ingest, "inbox/never.csv") == "absent"


def test_why_names_who_holds_a_file_open_and_what_supersedes(worked: Path, ingest: Ingest) -> None:
    with (worked / "inbox" / "open.csv").open("w") as file:
        file.write("x")
        file.flush()

        holders = ingest("why", "inbox/open.csv", "--json").json()["held_open_by"]

    assert os.getpid() in [holder["pid"] for holder in holders]


def test_a_name_that_is_not_utf_8_is_told_exactly(worked: Path, ingest: Ingest) -> None:
    name = b"caf\xe9\x1b[31m.csv"
    (worked / "inbox" / os.fsdecode(name)).write_text(GOOD)
    spawned("watch", "--once", cwd=worked)

    said = ingest("trace", os.fsdecode(b"inbox/" + name), "--json")
    people = ingest("trace", os.fsdecode(name))

    assert said.code == people.code == 0
    assert said.json()["sightings"][0]["path"] == r"caf\xe9\x1b[31m.csv"
    assert said.json()["sightings"][0]["path_b64"] == "Y2Fm6RtbMzFtLmNzdg=="
    assert "\x1b" not in people.out
