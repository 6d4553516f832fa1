"""What the command line tells of files that a policy of their source decided about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import Ingest, running, until, write

SOURCE = '[[source]]\nname = "acme"\npath = "inbox"\nquiet = "0s"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_why_and_trace_tell_of_duplicates_and_empty_files(home: Path, ingest: Ingest) -> None:
    write(home, SOURCE + 'duplicates = "suppress"\nempty = "ignore"\n', {"a.csv": "same"})
    ingest("watch", "--once")
    for name, text in (("b.csv", "same"), ("empty.csv", "")):
        (home / "inbox" / name).write_text(text)
    summary = ingest("watch", "--once", "--json").json()

    first, duplicate, empty = (
        ingest("why", name, "--json").json() for name in ("a.csv", "b.csv", "inbox/empty.csv")
    )
    assert (summary["suppressed"], summary["ignored"]) == (1, 1)
    assert duplicate["verdict"] == "suppressed"
    assert duplicate["says"] == f"duplicate: the same bytes as event {first['event_id']}"
    assert (empty["verdict"], empty["says"]) == ("ignored", "the source ignores empty files")
    told = [line["event"]["type"] for line in ingest("trace", "b.csv", "--json").json()["events"]]
    assert told == ["ingest.file.duplicate_received.v1"]
    assert ingest("status", "--json").json()["sources"][0]["suppressed"] == 1
    assert ingest("events", "verify").code == 0


def test_a_refusal_names_the_policy_and_exits_3(home: Path, ingest: Ingest) -> None:
    write(
        home, SOURCE + "max_size = '3B'\nname_pattern = '[a-z]+[.]csv'\n", {"large.csv": "1234", "A.csv": "1"}
    )

    said = ingest("watch", "--once")

    assert said.code == 3
    assert (
        ingest("why", "large.csv", "--json").json()["says"] == "too_large: 4 bytes are more than max_size, 3"
    )
    assert ingest("why", "A.csv", "--json").json()["says"] == "name: the name does not match name_pattern"
    told = [line["event"]["data"]["reason"] for line in ingest("trace", "A.csv", "--json").json()["events"]]
    assert told == ["name"]


def test_why_tells_which_marker_a_file_waits_for_and_since_when(home: Path, ingest: Ingest) -> None:
    write(
        home,
        SOURCE + 'complete = "marker"\n',
        {"a.csv": "data", "b.csv.done": "", "c.csv": "x", "c.csv.done": ""},
    )
    ingest("watch", "--once")
    with running("watch", cwd=home):
        until(lambda: ingest("status", "--json").json()["sources"][0]["settling"] == 2)
        status = ingest("status", "--json").json()["sources"][0]

    file, lonely, spent = (
        ingest("why", f"inbox/{name}", "--json").json() for name in ("a.csv", "b.csv.done", "c.csv.done")
    )
    assert (file["verdict"], file["says"]) == ("settling", "waiting for its marker a.csv.done")
    assert file["quiet_since"]
    assert (lonely["verdict"], lonely["says"]) == ("settling", "a marker whose file b.csv has not come")
    assert (spent["verdict"], spent["rule"]["word"]) == ("marker", "marker")
    assert status["oldest_settling_s"] > 0
    assert status["landed"] == 1


def test_a_file_is_landed_by_hand_from_anywhere(home: Path, ingest: Ingest) -> None:
    write(home, SOURCE + 'max_size = "9B"\n', {"a.csv": "same"})
    (home / "large.csv").write_text("x" * 10)
    ingest("watch", "--once")

    landed = ingest("land", "inbox/a.csv", "--source", "acme", "--reason", "asked\nby mail", "--json")
    refused = ingest("land", "large.csv", "--source", "acme", "--as", "b.csv")

    assert (landed.code, landed.json()["state"], landed.json()["version"]) == (0, "landed", 2)
    assert ingest("why", "a.csv", "--json").json()["says"] == "by hand: asked\nby mail"
    assert "by hand: asked\\nby mail" in ingest("why", "a.csv").out
    assert refused.code == 3
    assert "refused: too_large" in refused.out
    assert ingest("land", "nowhere", "--source", "acme").code == 4
    assert ingest("land", "inbox/a.csv", "--source", "acne").code == 4
    assert ingest("watch", "--once", "--json").json()["landed"] == 0


def test_why_tells_what_a_manifest_waits_for(home: Path, ingest: Ingest) -> None:
    write(
        home,
        SOURCE + 'complete = "manifest"\n',
        {"a.csv": "half", "all.sha256": f"{'0' * 64}  a.csv\n{'1' * 64}  gone.csv\n"},
    )
    ingest("watch", "--once")
    with running("watch", cwd=home):
        until(lambda: ingest("status", "--json").json()["sources"][0]["settling"] == 2)
        status = ingest("status", "--json").json()["sources"][0]

    member, manifest = (ingest("why", name, "--json").json() for name in ("a.csv", "all.sha256"))
    assert (member["verdict"], manifest["verdict"]) == ("settling", "settling")
    assert member["says"] == "its digest is not the one its manifest gives"
    assert manifest["says"] == (
        "2 of 2 members have not landed: a.csv has another digest; gone.csv is not there"
    )
    assert status["oldest_settling_s"] > 0
    assert (status["landed"], status["proof"]) == (0, "manifest")
