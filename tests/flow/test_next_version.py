"""A fact gets its next version: the first is read in the second, and nothing is told twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crash.pipeline import Pipeline, pipeline
from tests.flow.versions import CONFIG, GIVEN

LATE = """
[[processor]]
name = "late"
use = "late:late"
"""
V1, V2 = "tests.order.placed.v1", "tests.order.placed.v2"
TOLD = [
    (V1, {"order_id": "o1", "total": "10.00 EUR"}),
    (V1, {"order_id": "o2", "total": "20.00 EUR"}),
    (V2, {"order_id": "o3", "amount": "30.00", "currency": "EUR"}),
]
SUMS = [("o1", "10.00 EUR"), ("o2", "20.00 EUR"), ("o3", "30.00 EUR")]


def _release(project: Pipeline, version: str) -> None:
    """The code of `processors/` is that of this version."""
    folder = project.root / "processors"
    for file in (GIVEN / version).rglob("*.*"):
        place = folder / file.relative_to(GIVEN / version)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())


def _told(project: Pipeline) -> list[tuple[str, object]]:
    bodies = project.rows("SELECT body FROM events WHERE producer = 'shop' ORDER BY position")
    return [(event["type"], event["data"]) for event in (json.loads(body) for (body,) in bodies)]


def _lines(project: Pipeline, *args: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in project.ok(*args, "--json").splitlines()]


def _sums(project: Pipeline, table: str = "sums") -> list[tuple[object, ...]]:
    return project.rows(f"SELECT order_id, total FROM {table} ORDER BY order_id")


def _forget_the_upcaster(project: Pipeline) -> None:
    """The second version comes without a way to read the first: that is said, and waits for a person."""
    _release(project, "v2")
    facts = project.root / "processors" / "facts.py"
    facts.write_text(facts.read_text().replace("@upcast", "# @upcast"))
    done = project.run("work", "--once")
    assert (done.returncode, b"KeyError" in done.stderr) == (3, False)
    (dead,) = _lines(project, "dead", "list")
    assert "no upcaster leads from v1 to v2" in str(dead["error"])
    assert '@upcast("tests.order.placed", to=2)' in str(dead["error"])
    assert dead["attempts"] == 1


def _run_the_past_again(project: Pipeline) -> None:
    """Whichever version it was told in, it is told by nobody again."""
    project.ok("replay", "--yes")
    project.ok("replay", "shop", "--mode", "shadow")
    project.ok("work", "--once")
    same = {"state": "done", "total": 3, "unchanged": 3, "repaired": 0, "changed": 0, "dead": 0}
    reports = _lines(project, "replays", "list")
    assert [{name: report[name] for name in same} for report in reports] == [same] * 4
    project.assert_sound()


def _look_at_the_first(project: Pipeline) -> None:
    """A fact is shown as it was told, and tried as it is read."""
    (id_,) = project.rows(f"SELECT id FROM events WHERE type = '{V1}' LIMIT 1")[0]
    shown = json.loads(project.ok("events", "show", id_, "--json"))["event"]
    assert (shown["type"], shown["data"]) == TOLD[0]
    (project.root / "told.json").write_text(json.dumps(shown))
    tried = json.loads(project.ok("try", "sums", "told.json", "--json"))
    assert tried["differences"]["rows"]["sums"] == tried["differences"]["rows"]["sums"] | {"unchanged": 1}
    assert V1 in json.dumps(_lines(project, "trace", "1.csv"))


@pytest.mark.timeout(300)  # a dozen commands, on a machine that may have others to serve
def test_what_was_told_in_the_first_version_is_read_in_the_second_and_told_once(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG)
    _release(project, "v1")
    project.drop("1.csv", b"o1;10.00;EUR")
    project.ok("run", "--once")
    project.drop("2.csv", b"o2;20.00;EUR")
    project.ok("watch", "--once")
    project.ok("work", "--once", "-p", "shop")  # what it tells is due when the code is replaced
    assert (_told(project), _sums(project)) == (TOLD[:2], SUMS[:1])

    _forget_the_upcaster(project)
    _release(project, "v2")
    project.configure(CONFIG + LATE)  # who is added is given the past as it is now read
    project.ok("dead", "retry", "--yes")
    project.drop("3.csv", b"o3;30.00;EUR")
    project.ok("run", "--once")
    assert _told(project) == TOLD, "what was written stands as it was written"
    assert _sums(project) == _sums(project, "late_sums") == SUMS

    _run_the_past_again(project)
    assert _told(project) == TOLD
    assert _sums(project) == _sums(project, "late_sums") == SUMS
    _look_at_the_first(project)


def test_whoever_reads_the_first_version_is_given_the_second_by_a_downgrade(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG)
    _release(project, "v2")
    (project.root / "processors" / "sums.py").write_bytes((GIVEN / "sums_as_text.py").read_bytes())
    project.drop("1.csv", b"o1;10.00;EUR")

    project.ok("run", "--once")

    assert [type_ for type_, _ in _told(project)] == [V2]
    assert _sums(project) == [("o1", "10.00 EUR")]
