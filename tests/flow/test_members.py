"""A member of a container has a life of its own: traced, dead, replayed by itself, long after all is gone."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, payments_file, pipeline
from tests.vetting.archives import Zipped, zip_of

MEMBERS = (
    CONFIG.replace(
        'use = "payments:payments"\n', 'use = "payments:payments"\naccepts = ["ingest.file.extracted.v1"]\n'
    )
    + """
[[processor]]
name = "unpack"
use = "unpack:unpack"
options = { members = ["**/*.csv"] }
"""
)
FIRST = payments_file("P-1", "P-2")
PATHS = ["day.zip/1.csv", "day.zip/in/2.csv"]
LARGE = payments_file(*(f"L-{n}" for n in range(3_000)))  # more than lies in the store itself
EXTRACTED = ("--type", "ingest.file.extracted.v1")


@pytest.fixture
def worked(tmp_path: Path) -> Pipeline:
    """A zip file of two files of payments that was worked off; it is not in the inbox any more."""
    made = pipeline(tmp_path / "p", MEMBERS)
    container = zip_of(
        Zipped(name=b"1.csv", data=FIRST),
        Zipped(name=b"in/2.csv", data=LARGE, method=0),
        Zipped(name=b"readme"),
    )
    made.drop("day.zip", container)
    made.heal()
    (made.inbox / "day.zip").unlink()
    return made


def events(of: Pipeline, *flags: str) -> list[dict[str, Any]]:
    return [json.loads(line)["event"] for line in of.ok("events", "list", "--json", *flags).splitlines()]


def alike() -> tuple[bytes, bytes, str]:
    """Two files whose digests begin alike, and how."""
    known: dict[str, bytes] = {}
    for data in (payments_file(f"A-{n}") for n in count()):
        beginning = sha256(data).hexdigest()[:6]
        if beginning in known:
            return known[beginning], data, beginning
        known[beginning] = data
    raise AssertionError


def booked(of: Pipeline) -> int:
    [(rows,)] = of.rows("SELECT count(*) FROM payments")
    return int(rows)


def test_every_member_is_worked_off_once_and_everything_is_sound(worked: Pipeline) -> None:
    worked.assert_sound()
    worked.assert_worked_off()

    assert booked(worked) == 3_002
    assert [event["data"]["path"] for event in events(worked, *EXTRACTED)] == [
        "day.zip/1.csv",
        "day.zip/in/2.csv",
    ]


def test_a_member_is_replayed_by_itself_long_after_the_file_is_gone(worked: Pipeline) -> None:
    member = events(worked, *EXTRACTED)[1]["id"]

    started = json.loads(worked.ok("replay", "payments", "--id", member, "--yes", "--json"))
    worked.ok("work", "--once")

    report = json.loads(worked.ok("replays", "show", started["replay_id"], "--json"))
    assert (report["total"], report["unchanged"], report["dead"]) == (1, 1, 0)
    assert booked(worked) == 3_002


def test_the_bytes_of_a_member_are_got_by_its_event_and_by_what_followed_from_it(worked: Pipeline) -> None:
    first, second = events(worked, *EXTRACTED)
    [settled] = [e for e in events(worked, "--type", "ingest.payment.settled.v1") if e["subject"] == "P-1"]

    assert worked.ok("archive", "get", first["id"]) == FIRST
    assert worked.ok("archive", "get", second["id"]) == LARGE
    assert worked.ok("archive", "get", settled["id"]) == FIRST


def test_the_bytes_of_a_member_are_got_by_their_digest(worked: Pipeline) -> None:
    first, second = (event["data"]["sha256"] for event in events(worked, *EXTRACTED))

    assert worked.ok("archive", "get", first) == FIRST
    assert worked.ok("archive", "get", second) == LARGE
    assert worked.run("archive", "get", first[::-1]).returncode == 4


def test_of_the_containers_that_had_a_member_one_that_is_kept_gives_it(worked: Pipeline) -> None:
    letting_go = ("db", "prune", "--older-than", "0s", "--what", "contents", "--what", "outcomes")
    worked.ok(*letting_go, "--reason", "a test", "--yes")
    [digest, _] = (event["data"]["sha256"] for event in events(worked, *EXTRACTED))
    gone = worked.run("archive", "get", digest)
    worked.drop("again.zip", zip_of(Zipped(name=b"other.csv", data=FIRST)))
    worked.heal()

    assert gone.returncode == 4
    assert b"retention may have let it go" in gone.stderr
    assert worked.ok("archive", "get", digest) == FIRST


def test_a_container_is_traced_down_to_what_came_of_its_members(worked: Pipeline) -> None:
    traced = json.loads(worked.ok("trace", "inbox/day.zip", "--json"))

    told = {each["event"]["type"] for each in traced["events"]}
    assert {"ingest.file.landed.v1", "ingest.file.extracted.v1", "ingest.payment.settled.v1"} <= told
    by_id = {each["event"]["id"]: each["event"] for each in traced["events"]}
    for event in by_id.values():
        if event["type"] == "ingest.file.extracted.v1":
            assert by_id[event["causationid"]]["subject"] == "day.zip"
            assert event["data"]["container"] == event["causationid"]
            assert event["partitionkey"] == by_id[event["causationid"]]["partitionkey"]
    second = events(worked, *EXTRACTED)[1]
    assert b"day.zip/in/2.csv" in worked.ok("trace", "inbox/day.zip")
    file = json.loads(worked.ok("trace", second["id"], "--json"))["file"]
    assert file == {name: second["data"][name] for name in ("name", "sha256", "size")}


def test_a_member_is_traced_by_its_digest_in_every_container_that_has_it(worked: Pipeline) -> None:
    worked.drop("again.zip", zip_of(Zipped(name=b"other.csv", data=FIRST)))
    worked.heal()
    first, second, again = events(worked, *EXTRACTED)
    digest = first["data"]["sha256"]

    traced = json.loads(worked.ok("trace", digest, "--json"))

    told = [each["event"]["id"] for each in traced["events"]]
    assert told[:2] == [first["id"], again["id"]]
    causes = {each["event"]["causationid"] for each in traced["events"][2:]}
    assert causes == {first["id"]}  # what a payment is booked from once is not booked again
    assert traced["file"] == {name: first["data"][name] for name in ("name", "sha256", "size")}
    assert json.loads(worked.ok("trace", digest[:8].upper(), "--json")) == traced
    assert second["id"] not in told
    assert worked.run("trace", digest[::-1]).returncode == 4
    assert json.loads(worked.ok("trace", digest, "--limit", "1", "--json"))["complete"] is False


def test_a_container_is_traced_by_the_beginning_of_its_digest(worked: Pipeline) -> None:
    whole = json.loads(worked.ok("trace", "inbox/day.zip", "--json"))

    by_digest = json.loads(worked.ok("trace", whole["file"]["sha256"][:8], "--json"))

    assert by_digest["events"] == whole["events"]


def test_a_beginning_that_several_digests_have_is_not_taken_for_one_of_them(worked: Pipeline) -> None:
    one, other, beginning = alike()
    worked.drop("both.zip", zip_of(Zipped(name=b"one.csv", data=one), Zipped(name=b"other.csv", data=other)))
    worked.heal()
    of_members = worked.run("trace", beginning)
    worked.drop("one.csv", one)
    worked.drop("other.csv", other)
    worked.heal()
    of_files = worked.run("trace", beginning)

    for said in (of_members, of_files):
        assert said.returncode == 2
        assert f"several contents begin with '{beginning}'".encode() in said.stderr


def test_bytes_that_are_not_what_they_were_are_refused_for_members_too(worked: Pipeline) -> None:
    [object_] = [path for path in (worked.archive / "sha256").rglob("*") if path.is_file()]
    object_.chmod(0o600)
    data = bytearray(object_.read_bytes())
    data[len(data) // 2] ^= 1
    object_.write_bytes(data)
    member = events(worked, *EXTRACTED)[0]["id"]

    worked.ok("replay", "payments", "--id", member, "--yes")
    worked.run("work", "--once")

    assert worked.run("archive", "get", member).returncode == 65
    [report] = [json.loads(line) for line in worked.ok("replays", "list", "--json").splitlines()]
    assert (report["unreplayable"], report["dead"]) == (1, 0)
    assert booked(worked) == 3_002


def test_a_member_whose_container_was_let_go_is_not_to_be_had(worked: Pipeline) -> None:
    old = ("db", "prune", "--older-than", "0s", "--what", "contents", "--what", "outcomes")
    worked.ok(*old, "--reason", "a test", "--yes")
    member = events(worked, *EXTRACTED)[0]["id"]

    refused = worked.run("archive", "get", member)

    assert refused.returncode == 4
    assert b"let go by retention run" in refused.stderr
    worked.ok("events", "verify")


def test_a_bad_member_is_dead_by_itself_and_is_tried_again_by_itself(tmp_path: Path) -> None:
    made = pipeline(tmp_path / "p", MEMBERS.replace("max_crashes = 20", 'max_crashes = 20\non_dead = "skip"'))
    cut = FIRST[:-9] + b'"'
    made.drop("day.zip", zip_of(*(Zipped(name=n, data=d) for n, d in ((b"1.csv", cut), (b"2.csv", LARGE)))))
    made.ok("watch", "--once")

    assert made.run("work", "--once").returncode == 3

    [dead] = [json.loads(line) for line in made.ok("dead", "list", "--json").splitlines()]
    assert dead["processor"] == "payments"
    assert dead["event_id"] == events(made, *EXTRACTED)[0]["id"]
    assert booked(made) == 3_000
    made.ok("dead", "retry", dead["event_id"], "--yes")
    assert made.run("work", "--once").returncode == 3
    made.drop("day.zip", zip_of(*(Zipped(name=n, data=d) for n, d in ((b"1.csv", FIRST), (b"2.csv", LARGE)))))
    made.heal()
    assert made.ok("dead", "list", "--json") == b""
    assert booked(made) == 3_002


@pytest.mark.parametrize(
    "hostile",
    [
        zip_of(Zipped(), Zipped(name=b"../../etc/passwd.csv", data=FIRST)),
        zip_of(Zipped(name=b"1.csv", data=FIRST), Zipped(name=b"2.csv", mode=0o120777)),
        zip_of(Zipped(name=b"1.csv", data=FIRST), Zipped(name=b"2.csv", data=bytes(50_000_000))),
        zip_of(*(Zipped(name=b"%d.csv" % n, data=b"") for n in range(20_000))),
        zip_of(Zipped(name=b"1.csv", data=FIRST), Zipped(name=b"2.csv", data=LARGE))[:-3_000],
    ],
    ids=["traversal", "link", "bomb", "entries", "truncated"],
)
def test_nothing_of_a_hostile_container_is_told_and_nothing_is_written_under_its_names(
    tmp_path: Path, hostile: bytes
) -> None:
    made = pipeline(tmp_path / "p", MEMBERS)
    made.drop("day.zip", hostile)
    made.ok("watch", "--once")
    before = sorted(path.name for path in made.root.rglob("*.csv"))

    assert made.run("work", "--once").returncode == 3

    assert events(made, *EXTRACTED) == []
    [dead] = [json.loads(line) for line in made.ok("dead", "list", "--json").splitlines()]
    assert dead["processor"] == "unpack"
    assert sorted(path.name for path in made.root.rglob("*.csv")) == before
