"""The JSON that scripts rely on: every key here is a promise. Keys are added, never renamed or removed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ingest.domain.instants import rfc3339
from ingest.domain.showing import show
from ingest.replay.planning import Planned, Started
from ingest.store.decisions import DeadDelivery
from ingest.store.reading.browsing import Listed
from ingest.store.reading.history import Attempt, Called, Ended, Handling, Life
from ingest.store.reading.refused import Refused
from ingest.store.reading.roster import Subscribed
from ingest.store.replays import ReplayReport
from ingest.store.sightings import Sighting

_NS = 1_000_000_000


def name(field: str, raw: bytes) -> dict[str, str]:
    """A name as text for display, and exactly where it is not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return {field: show(raw), f"{field}_b64": base64.b64encode(raw).decode("ascii")}
    return {field: show(raw)}


def time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, or null."""
    return None if moment is None else rfc3339(moment)


def cloud_event(listed: Listed) -> dict[str, Any]:
    """The event as CloudEvents 1.0 JSON, at its place."""
    return {**json.loads(listed.body), "keyseq": listed.keyseq}


def event(listed: Listed) -> dict[str, Any]:
    """One line of `events list`."""
    shown = {"position": listed.position, "event": cloud_event(listed), "deliveries": listed.deliveries}
    return {**shown, "retired": listed.retired} if listed.retired else shown


def life(lived: Life) -> dict[str, Any]:
    """One event of `trace`."""
    return {
        "position": lived.event.position,
        "event": cloud_event(lived.event),
        "deliveries": [_handling(handling) for handling in lived.handlings],
    }


def sighting(seen: Sighting) -> dict[str, Any]:
    """One sighting of `trace` and `why`."""
    standing = seen.standing
    return {
        "source": seen.source,
        **name("path", seen.path),
        "state": seen.state,
        "reason": seen.reason,
        "since": time(seen.since),
        "tuple": {
            "size": seen.seen.size,
            "mtime_ns": seen.seen.mtime_ns,
            "ctime_ns": seen.seen.ctime_ns,
            "inode": seen.seen.inode,
        },
        "version": None if standing is None else standing.version,
        "sha256": None if standing is None else standing.sha256,
        "event_id": None if standing is None else standing.event_id,
        "redelivered": seen.redelivered,
    }


def replay(report: ReplayReport) -> dict[str, Any]:
    """One replay of `status` and `replays list`."""
    return {
        "id": report.id,
        "processor": report.processor,
        "mode": report.mode,
        "state": report.state,
        "total": report.total,
        "done": report.done,
        "unchanged": report.unchanged,
        "repaired": report.repaired,
        "changed": report.changed,
        "dead": report.dead,
        "superseded": report.superseded,
        "unreplayable": report.unreplayable,
    }


def replay_in_full(report: ReplayReport) -> dict[str, Any]:
    """One replay of `replays show`: also who wanted it, and why."""
    return {
        **replay(report),
        "plan_id": report.plan_id,
        "first_position": report.first_position,
        "last_position": report.last_position,
        "reason": report.reason,
        "who": report.who,
        "requested_at": time(report.requested_at),
        "ended_at": time(report.ended_at),
    }


def planned(plan: Planned, started: Started, report: ReplayReport | None = None) -> dict[str, Any]:
    """One line of `replay`: the set, and what came of it so far."""
    state = "planned" if started.plan.events else "done"
    if started.replay_id is not None:
        state = report.state if report is not None else "filling"
    return {
        "plan_id": plan.id,
        "replay_id": started.replay_id,
        "processor": started.plan.processor,
        "mode": plan.mode,
        "events": started.plan.events,
        "first_position": started.plan.first_position,
        "last_position": started.plan.last_position,
        "unchanged": report.unchanged if report is not None else 0,
        "repaired": report.repaired if report is not None else 0,
        "changed": report.changed if report is not None else 0,
        "dead": report.dead if report is not None else 0,
        "superseded": report.superseded if report is not None else 0,
        "unreplayable": report.unreplayable if report is not None else 0,
        "state": state,
    }


def dead(delivery: DeadDelivery) -> dict[str, Any]:
    """One line of `dead list`."""
    return {
        "event_id": delivery.event_id,
        "processor": delivery.processor,
        "key": delivery.key,
        "attempts": delivery.attempts,
        "crashes": delivery.crashes,
        "error": delivery.error,
        "since": time(delivery.since),
        "behind": delivery.behind,
        "position": delivery.position,
    }


def refused(row: Refused) -> dict[str, Any]:
    """One line of `rejects list`."""
    return asdict(row)


def subscribed(processor: Subscribed) -> dict[str, Any]:
    """One line of `processors list`."""
    found = {
        **asdict(processor),
        "added_at": time(processor.added_at),
        "changed_at": time(processor.changed_at),
    }
    return _plain(found)


def _handling(handling: Handling) -> dict[str, Any]:
    return {
        "processor": handling.processor,
        "state": handling.state,
        "error": handling.error,
        "attempts": [attempt(each) for each in handling.attempts],
        "outcome": None if handling.outcome is None else _ended(handling.outcome),
        "replays": [
            {"id": ended.replay, **_ended(ended), "verdict": ended.verdict} for ended in handling.replays
        ],
        "effects": [
            {"key": effect.key, "name": effect.name, "at": time(effect.at)} for effect in handling.effects
        ],
        "calls": [_called(call) for call in handling.calls],
        "emitted": list(handling.emitted),
    }


def _called(call: Called) -> dict[str, Any]:
    return {
        "key": call.key,
        "name": call.name,
        "state": call.state,
        "replay": call.replay,
        "request": call.request,
        "result": call.result,
        "intended_at": time(call.intended_at),
        "made_at": time(call.made_at),
    }


def attempt(attempt: Attempt) -> dict[str, Any]:
    """One try."""
    return {
        "n": attempt.n,
        "worker": attempt.worker,
        "started_at": time(attempt.started_at),
        "ended_at": time(attempt.ended_at),
        "ended": attempt.ended,
        "error": attempt.error,
        "replay": attempt.replay,
    }


def _ended(ended: Ended) -> dict[str, Any]:
    return {
        "state": ended.state,
        "rows_in": ended.rows_in,
        "rows_booked": ended.rows_booked,
        "rows_duplicate": ended.rows_duplicate,
        "rows_rejected": ended.rows_rejected,
        "digest": ended.digest,
        "note": ended.note,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
