"""What stands in the way of a source is said once, however much of it there is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.config import SourceSettings
from ingest.domain.settling import StatTuple
from ingest.store.sightings import Look
from ingest.watch import condition as module
from ingest.watch.condition import Condition
from ingest.watch.seeing.scan import Blocked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATHS = (b"a", b"b", b"c", b"d")


def blocked(path: bytes) -> Blocked:
    return Blocked(look=Look(path, StatTuple(0, 0, 0, "1:1")), reason="permission: no")


def test_what_is_blocked_beyond_the_room_is_no_news_at_any_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "ROOM", 2)
    condition = Condition(SourceSettings(name="acme", path=tmp_path))

    news = []
    for _ in range(2):
        news += [condition.block(blocked(path)) for path in PATHS]
        condition.end_scan(ignored=0, blocked=set(PATHS), at=NOON)

    assert news == [True, True, *[False] * 6]
    assert condition.report().error.startswith("2 or more blocked, as a: ")
    assert [record.message for record in caplog.records] == [
        "acme: blocked: a: permission: no",
        "acme: blocked: b: permission: no",
        "acme: more than 2 are blocked: the others are not named",
    ]


def test_what_is_not_blocked_any_more_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 2)
    condition = Condition(SourceSettings(name="acme", path=tmp_path))
    for path in PATHS[:3]:
        condition.block(blocked(path))

    condition.end_scan(ignored=0, blocked={b"b"}, at=NOON)

    assert condition.report().error.startswith("1 blocked, as b: ")
    assert condition.block(blocked(b"c"))
