"""What is left to say of events that were retired, in the form of an event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ingest.domain.instants import rfc3339
from ingest.store.burying import Tombstone, tombstones_of
from ingest.store.engine import Tx


def what_is_left(tx: Tx, emptied: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Type, body and which run retired it, and when, of each of `emptied`, rows of the log, by position."""
    stones = tombstones_of(tx, [event.position for event in emptied])
    return {
        event.position: {"type": stone.type, "body": _body(event, stone), "retired": stone.said}
        for event in emptied
        if (stone := stones.get(event.position)) is not None
    }


def _body(event: Any, stone: Tombstone) -> str:
    cause = {"causationid": event.cause} if event.cause else {}
    return json.dumps(
        {
            "specversion": "1.0",
            "id": event.id,
            "source": event.origin,
            "type": stone.type,
            "time": rfc3339(event.time),
            "partitionkey": event.key,
            **cause,
            "retiredby": stone.run,
            "retiredat": rfc3339(stone.retired_on),
            "data": {},
        }
    )
