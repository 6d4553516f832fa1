"""Replays for machines and for people: what came of them, in all and event by event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.domain.comparing import Differences
from ingest.domain.showing import show
from ingest.store import replays, shadows
from ingest.store.engine import Tx
from ingest.store.reading.replayed import Replayed
from ingest.store.replays import ReplayReport
from ingest.store.shadows import Turn

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

VERDICTS = ("unchanged", "repaired", "changed", "dead", "superseded", "unreplayable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A replay and, where it is a shadow, what would change in all."""

    report: ReplayReport
    differences: Differences
    turns: Sequence[Turn]


def read(tx: Tx, replay_id: str) -> Shown:
    """The replay with this id; raises `NotFound`."""
    [report] = replays.reports(tx, replay_id)
    return Shown(
        report=report,
        differences=shadows.totals(tx, report.generation_id),
        turns=shadows.turns(tx, report.generation_id),
    )


def differences_as_json(shown: Shown) -> dict[str, Any] | None:
    """What would change in all; null for a replay that is no shadow."""
    if shown.report.mode != "shadow":
        return None
    turns = [{"stands": turn.stands, "would": turn.would, "events": turn.events} for turn in shown.turns]
    return {"outcomes": turns, **shown.differences.totals_as_plain()}


def as_json(shown: Shown) -> dict[str, Any]:
    """The document of `replays show --json`."""
    return {**shapes.replay_in_full(shown.report), "differences": differences_as_json(shown)}


def event_as_json(event: Replayed, *, is_shadow: bool) -> dict[str, Any]:
    """One line of `replays show --events --json`."""
    return {
        "position": event.position,
        "event_id": event.event_id,
        "key": event.key,
        "verdict": event.verdict or event.state,
        "note": event.note,
        "stands": event.stood if is_shadow else None,
        "would": event.state if is_shadow else None,
        "differences": event.found,
    }


def listed(found: Iterable[ReplayReport]) -> Table:
    """The table of `replays list`; what its events came to is one cell, so that it fits 80 columns."""
    columns = ("replay", "processor", "mode", "state", "#total", "came to")
    return output.table(
        "",
        columns,
        [(r.id, r.processor, r.mode, r.state, r.total, _came_to(shapes.replay(r))) for r in found],
    )


def requested(lines: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """What `replay` prints of each processor's set, and who carries it out; within 80 columns."""
    from rich.text import Text

    columns = ("processor", "#events", "positions", "state", "came to", "replay")
    rows = [
        (
            line["processor"],
            line["events"],
            _positions(line),
            line["state"],
            _came_to(line),
            line["replay_id"],
        )
        for line in lines
    ]
    yield output.table("", columns, rows)
    if not any(line["events"] for line in lines):
        yield Text("no such event: there is nothing to do")
    elif any(line["state"] == "filling" for line in lines):
        yield Text("`ingest work` carries it out; `ingest replays show ID` follows it")


def _positions(line: Mapping[str, Any]) -> str:
    first, last = line["first_position"], line["last_position"]
    return "" if first is None else str(first) if first == last else f"{first} to {last}"


def _came_to(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in VERDICTS if counts[name])


def view(shown: Shown) -> Iterator[RenderableType]:
    """What `replays show` prints."""
    yield output.facts(shapes.replay_in_full(shown.report).items())
    if shown.report.mode == "shadow":
        yield from changes(shown)


def changes(shown: Shown) -> Iterator[RenderableType]:
    """What a shadow replay found, in all."""
    found = shown.differences
    if shown.turns:
        turns = [(turn.stands, turn.would, turn.events) for turn in shown.turns]
        yield output.table("deliveries", ("stand", "would be", "#events"), turns)
    yield from differing(found)
    if not shown.turns and not found.differs():
        from rich.text import Text

        yield Text("nothing would change", style="green")


def differing(found: Differences) -> Iterator[RenderableType]:
    """Counts and sums of what would change."""
    tallies = [
        (kind, name, tally.added, tally.removed, tally.changed, tally.unchanged)
        for (kind, name), tally in sorted(found.tallies.items())
    ]
    if tallies:
        yield output.table("", ("", "", "#added", "#removed", "#changed", "#unchanged"), tallies)
    money = found.totals_as_plain()["money"]
    if money:
        sums = [
            (f"{m['table']}.{m['column']}", show(m["currency"]), m["before"], m["after"], m["delta"])
            for m in money
        ]
        yield output.table("money", ("", "", "#stands", "#would be", "#more"), sums)


def events(found: Iterable[Replayed], *, is_shadow: bool) -> Iterator[str]:
    """The lines of `replays show --events`."""
    for event in found:
        state = f"{event.stood} -> {event.state}" if is_shadow and event.stood != event.state else ""
        parts = (str(event.position), event.event_id[:12], show(event.key), event.verdict or event.state)
        said = (*parts, state, _in_short(event.found), event.note)
        yield output.one_line("  ".join(part for part in said if part)) + "\n"


def _in_short(found: dict[str, Any] | None) -> str:
    """`payments +1 -0 ~2  amount EUR +10.00`."""
    if found is None:
        return ""
    named = {**found["rows"], **found["facts"], "rejects": found["rejects"], "calls": found["calls"]}
    tallies = [
        f"{name} +{t['added']} -{t['removed']} ~{t['changed']}"
        for name, t in named.items()
        if t["added"] or t["removed"] or t["changed"]
    ]
    sums = [
        f"{m['column']} {show(m['currency'])} {'' if m['delta'].startswith('-') else '+'}{m['delta']}"
        for m in found["money"]
        if m["delta"].strip("-0.")
    ]
    return "  ".join([*tallies, *sums])
