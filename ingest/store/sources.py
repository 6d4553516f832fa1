"""The sources as their watcher last reported them, and what came of them in total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update

from ingest.store.dialect import insert
from ingest.store.engine import Tx
from ingest.store.schema import sources


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """How a source is watched, and what its last scan found."""

    name: str
    path: str
    mode: str  # notify | poll
    state: str  # ok | idle | unavailable | degraded
    proof: str  # how completeness is established
    last_scan_at: datetime | None  # None: leave what stands
    ignored: int
    error: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of a source, to be added to its totals."""

    landed: int = 0
    redelivered: int = 0
    refused: int = 0
    suppressed: int = 0
    contents: int = 0  # that were new to the archive
    content_bytes: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        mine, others = astuple(self), astuple(other)
        return Counts(*(a + b for a, b in zip(mine, others, strict=True)))


def report(tx: Tx, said: SourceReport) -> None:
    """The source stands as `said`; its totals stay what they are."""
    tx.execute(
        _REPORT,
        {
            "name": said.name,
            "path": said.path,
            "mode": said.mode,
            "state": said.state,
            "proof": said.proof,
            "last_scan_at": said.last_scan_at,
            "ignored": said.ignored,
            "error": said.error,
        },
    )


def introduce(tx: Tx, name: str, path: str) -> None:
    """The source is known, so that what comes of it can be counted; idle until a watcher reports it."""
    said = dict.fromkeys(_SAID, "") | {"path": path, "mode": "poll", "state": "idle"}
    tx.execute(_INTRODUCE, {"name": name, **said, "ignored": 0, "last_scan_at": None})


def count(tx: Tx, name: str, counts: Counts) -> None:
    """The totals of the source are higher by `counts`."""
    tx.execute(_COUNT, {"of_name": name, **asdict(counts)})


def every(tx: Tx) -> Sequence[Any]:
    """The rows of all sources, by name."""
    return tx.execute(select(sources).order_by(sources.c.name)).all()


_COUNTED = tuple(field.name for field in fields(Counts))
_SAID = ("path", "mode", "state", "proof", "ignored", "error")
_NEW = insert(sources).values(
    {name: bindparam(name) for name in ("name", "last_scan_at", *_SAID)}
    | dict.fromkeys(("settling", *_COUNTED), 0)
)
_INTRODUCE = _NEW.on_conflict_do_nothing(index_elements=["name"])
_REPORT = _NEW.on_conflict_do_update(
    index_elements=["name"],
    set_={name: _NEW.excluded[name] for name in _SAID}
    | {"last_scan_at": func.coalesce(_NEW.excluded.last_scan_at, sources.c.last_scan_at)},
)
_COUNT = (
    update(sources)
    .where(sources.c.name == bindparam("of_name"))
    .values({name: sources.c[name] + bindparam(name) for name in _COUNTED})
)
