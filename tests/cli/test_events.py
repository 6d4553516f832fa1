"""`events`: browsing, following and proving the log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.project import GOOD, Ingest, running, spawned
from tests.crash.pipeline import Pipeline


def ids(ingest: Ingest, *flags: str) -> list[str]:
    return [line["event"]["id"] for line in ingest("events", "list", "--json", *flags).lines()]


def positions(ingest: Ingest, *flags: str) -> list[int]:
    said = ingest("events", "list", "--json", *flags)
    assert said.code == 0
    return [line["position"] for line in said.lines()]


def test_each_line_has_the_promised_keys_in_position_order(day: Path, ingest: Ingest) -> None:
    lines = ingest("events", "list", "--json").lines()

    assert [line["position"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert all(set(line) == {"v", "position", "event", "deliveries"} for line in lines)
    assert all(line["event"]["specversion"] == "1.0" and line["event"]["keyseq"] for line in lines)
    assert {state for line in lines for state in line["deliveries"].values()} == {"done", "dead"}


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (("--type", "ingest.file.landed.v1"), 3),
        (("--type", "ingest.file.landed.v1", "--type", "ingest.file.refused.v1"), 4),
        (("--source", "inbox"), 7),
        (("--source", "inbox", "--key", "elsewhere"), 0),
        (("--key", "ACC-1"), 2),
        (("--status", "dead"), 1),
        (("--processor", "ledger"), 3),
        (("--processor", "payments"), 3),
        (("--status", "dead", "--processor", "ledger"), 0),
        (("--status", "done", "--processor", "ledger"), 3),
        (("--status", "done"), 5),
        (("--status", "retrying"), 0),
        (("--from", "2", "--to", "4"), 3),
        (("--after", "5"), 2),
        (("--limit", "2"), 2),
        (("--after", "5", "--limit", "1"), 1),
        (("--since", "2020-01-01"), 7),
        (("--until", "2020-01-01T00:00:00Z"), 0),
        (("--since", "2020-01-01T00:00:00+02:00", "--limit", "1"), 1),
    ],
)
def test_the_filters_narrow_the_list(flags: tuple[str, ...], count: int, day: Path, ingest: Ingest) -> None:
    assert len(positions(ingest, *flags)) == count


@pytest.mark.parametrize(
    "flags", [("--status", "fine"), ("--since", "yesterday"), ("--id", "abc"), ("--limit", "0")]
)
def test_a_filter_that_cannot_be_read_is_a_usage_error(
    flags: tuple[str, ...], day: Path, ingest: Ingest
) -> None:
    said = ingest("events", "list", *flags)

    assert (said.code, said.out) == (2, "")


def test_an_unknown_processor_is_not_found(day: Path, ingest: Ingest) -> None:
    assert ingest("events", "list", "--status", "done", "--processor", "nobody").code == 4


def test_an_event_is_shown_by_id_by_the_beginning_of_it_and_by_position(day: Path, ingest: Ingest) -> None:
    first = ids(ingest)[0]

    shown = [ingest("events", "show", asked, "--json").json() for asked in (first, first[:8], "1")]

    assert shown[0] == shown[1] == shown[2]
    assert shown[0]["event"]["id"] == first


def test_an_event_that_is_not_there_is_not_found(day: Path, ingest: Ingest) -> None:
    assert ingest("events", "show", "f" * 64).code == 4
    assert ingest("events", "show", "99").code == 4


def test_people_get_one_line_an_event(day: Path, ingest: Ingest) -> None:
    out = ingest("events", "list").out

    assert out.count("\n") == 7
    assert "payments=dead" in out


def test_the_newest_are_shown_and_those_to_come_followed(worked: Path) -> None:
    with running("events", "tail", "-n", "1", "-f", "--json", cwd=worked) as tail:
        assert tail.stdout is not None
        assert json.loads(tail.stdout.readline())["position"] == 7
        (worked / "inbox" / "new.csv").write_text(GOOD + "P-4,ACC-2,1.00,EUR,2026-03-02,Dora,four\n")
        spawned("watch", "--once", cwd=worked)
        assert json.loads(tail.stdout.readline())["position"] >= 8
        tail.terminate()
        tail.wait()

    assert tail.returncode == 0


def test_a_log_that_is_whole_is_proved(day: Path, ingest: Ingest) -> None:
    said = ingest("events", "verify", "--json")

    found = said.json()
    assert said.code == 0
    assert (found["events"], found["holds"], found["breaks"], found["archive"]["checked"]) == (7, True, [], 2)
    assert ingest("events", "verify").out.endswith("every chain holds\n")


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        (
            "UPDATE events SET body = replace(body, '10.00', '99.00') WHERE position = 2",
            "hash does not follow",
        ),
        ("UPDATE events SET type = 'other.v1' WHERE position = 2", "disagree about type"),
        ("UPDATE events SET time = time + 1 WHERE position = 2", "disagree about time"),
        ("DELETE FROM events WHERE position = 2", "keyseq 1 is missing"),
        ("DELETE FROM events WHERE position = 3", "newest events of this key are missing"),
        ("DELETE FROM events WHERE position = 1", "every event of this key is missing"),
        ("UPDATE event_keys SET keyseq = 9 WHERE key = 'ACC-1'", "newest events of this key are missing"),
        ("UPDATE event_keys SET hash = substr(hash, 2) WHERE key = 'ACC-1'", "event_keys does not agree"),
    ],
)
def test_whoever_changes_the_log_is_found_out(
    tampering: str, problem: str, worked: Path, ingest: Ingest
) -> None:
    Pipeline(worked).change(tampering)

    said = ingest("events", "verify", "--json", "--no-archive")

    assert said.code == 65
    assert any(problem in found["problem"] for found in said.json()["breaks"])
    assert said.json()["archive"] is None
    assert ingest("events", "verify", "--no-archive").err.count("\n") == 1


def test_bytes_that_changed_in_the_archive_are_found_out(worked: Path, ingest: Ingest) -> None:
    Pipeline(worked).change("UPDATE contents SET bytes = substr(bytes, 2) WHERE id = 1")

    assert ingest("events", "verify", "--no-archive").code == 0
    said = ingest("events", "verify", "--json")

    assert said.code == 65
    assert len(said.json()["archive"]["damaged"]) == 1


def test_a_content_the_archive_lost_breaks_its_event(worked: Path, ingest: Ingest) -> None:
    Pipeline(worked).change("DELETE FROM contents WHERE id = 1")

    said = ingest("events", "verify", "--json", "--no-archive")

    assert said.code == 65
    assert "knows nothing of its content" in said.json()["breaks"][0]["problem"]
