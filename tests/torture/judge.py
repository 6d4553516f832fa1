"""The invariants of the catalogue, asked of the store and held against what the campaign knows it dropped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from tests.torture import outside
from tests.torture.books import Books, is_part_of
from tests.torture.contents import Content
from tests.torture.fleet import Fleet
from tests.torture.model import Model, Place
from tests.torture.project import MAX_CRASHES, Project
from tests.torture.receiver import Receiver
from tests.torture.sources import BY_NAME
from tests.torture.trace import Violation, hold

Question = Callable[[], str]  # what is missing; empty when nothing is

_LANDED = "type = 'ingest.file.landed.v1'"
_BEHIND = (
    "SELECT count(*) FROM deliveries d JOIN lanes l ON l.id = d.lane_id"
    " JOIN generations g ON g.id = l.generation_id WHERE l.state <> 'parked' AND g.state <> 'closed'"
)


def has_drained(project: Project, model: Model) -> str:
    """All that lies there has landed, or it is said why not, and nothing is due; else what is missing."""
    books = Books(project, model)
    missing = [p for p, content in model.standing.items() if not books.account_for(p, content)]
    if missing:
        return f"{len(missing)} files have not landed, as {missing[0]}"
    if not_left := books.not_left():
        return f"{len(not_left)} files have not left, as {not_left[0]}"
    [(left,)] = project.rows(_BEHIND)
    return f"{left} deliveries are due" if left else ""


def good_but_dead(project: Project, model: Model) -> list[tuple[str, str]]:
    """Good files whose worker was killed so often while they ran that they count as poison."""
    found = []
    for event_id, processor, content, crashes, error in _dead(project):
        known = model.contents.get(content)
        if known is None or not known.is_poison:
            if processor != "odd" or crashes < MAX_CRASHES:
                raise Violation("I4", f"a good file is dead: {processor} {event_id} {known}: {error}")
            found.append((event_id, processor))
    return found


def judge(project: Project, model: Model, fleet: Fleet, receiver: Receiver) -> str:
    """Every invariant holds; what there was, in a few words."""
    books = Books(project, model)
    versions = books.versions
    _landings_are_what_was_dropped(project, model, books)
    outside.what_left_is_whole(project, model, books)
    hold("I11", not books.not_left(), f"has not left: {books.not_left()[:3]}")
    _refusals_are_visible(project, model, books)
    _events_are_whole(project)
    _outcomes_are_one_each(project, model)
    _effects_are_once(project, model, versions)
    outside.notified_under_one_key(project, receiver)
    _effects_are_in_order(project)
    _replays_changed_nothing(project)
    outside.nothing_is_left(project)
    outside.logs_are_clean(project)
    _status_is_true(project)
    project.assert_sound()
    events, done = project.rows("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM outcomes)")[0]
    landed = sum(map(len, versions.values()))
    largest = " ".join(f"{kind} {size >> 20}" for kind, size in sorted(fleet.largest.items()))
    return f"{landed} landed, {events} events, {done} outcomes, {len(_dead(project))} dead; MiB: {largest}"


def _landings_are_what_was_dropped(project: Project, model: Model, books: Books) -> None:
    """I1, I2: versions of a path are contents that lay there, in their order, up to the last."""
    for place, landed in books.versions.items():
        lay = [content.sha256 for content in model.history.get(place, ())]
        hold("I2", is_part_of(landed, lay), f"{place} landed as {landed}, what lay there was {lay}")
        is_said_again = BY_NAME[place[0]].resend == "land"
        is_said_again |= place in model.by_hand
        hold("I1", is_said_again or all(a != b for a, b in pairwise(landed)), f"{place} landed twice")
    for place, content in model.standing.items():
        hold("I1", books.account_for(place, content), f"what lies at {place} has not landed: {content.kind}")
    for place, content in model.must:
        has_landed = content.sha256 in books.versions[place] or books.tell_why_not(place, content)
        hold("I1", has_landed, f"{content.sha256} lay at {place} while all was well, and did not land")
    [(events,)] = project.rows(f"SELECT count(*) FROM events WHERE {_LANDED}")
    [(last,)] = project.rows(
        "SELECT coalesce(sum(n), 0) FROM (SELECT max(version) n FROM landings GROUP BY source, path) AS last"
    )
    hold("I1", events == last == sum(map(len, books.versions.values())), f"{events} events, {last} versions")


def _refusals_are_visible(project: Project, model: Model, books: Books) -> None:
    """I13: what is no file is refused, once; what is to be ignored has not landed."""
    refused = {(s, p) for s, p in project.rows("SELECT source, path FROM sightings WHERE state = 'refused'")}
    for place in model.refused:
        hold("I13", place in refused, f"{place} is not refused")
    [(events,)] = project.rows("SELECT count(*) FROM events WHERE type = 'ingest.file.refused.v1'")
    hold("I13", events >= len(refused), f"{events} refusals stated, {len(refused)} stand")
    silent = (model.ignored | model.withheld) & (refused | books.versions.keys())
    hold("I13", not silent, f"was to be left alone: {silent}")


def _events_are_whole(project: Project) -> None:
    """I1, I3: ids are unique, keys are dense, versions and duplicates name what they claim."""
    by_id, last = {}, defaultdict[str, int](int)
    for id_, key, keyseq, body in project.rows("SELECT id, key, keyseq, body FROM events ORDER BY position"):
        hold("I3", id_ not in by_id, f"event {id_} stands twice")
        hold("I3", keyseq == last[key] + 1, f"key {key!r} goes from {last[key]} to {keyseq}")
        last[key], by_id[id_] = keyseq, json.loads(body)
    for event in by_id.values():
        data = event["data"]
        if data.get("supersedes"):
            former = by_id[data["supersedes"]]["data"]
            is_next = (former["path"], former["version"]) == (data["path"], data["version"] - 1)
            hold("I1", is_next, f"{data} supersedes {former}")
        if data.get("duplicateof"):
            twin = by_id[data["duplicateof"]]["data"]
            hold("I2", twin["sha256"] == data["sha256"], f"{data} is no duplicate of {twin}")


def _outcomes_are_one_each(project: Project, model: Model) -> None:
    """I4: each event and subscribed processor has one end, or waits behind a dead one of its key."""
    query = """
        SELECT s.processor, s.accepts, s.origins, e.id, e.type, e.origin, e.content,
          (SELECT state FROM outcomes o WHERE o.generation_id = s.generation_id AND o.position = e.position),
          (SELECT 'dead' FROM dead d WHERE d.generation_id = s.generation_id AND d.position = e.position),
          (SELECT max(l.state) FROM deliveries v JOIN lanes l ON l.id = v.lane_id
            WHERE l.generation_id = s.generation_id AND v.position = e.position)
        FROM subscriptions s CROSS JOIN events e"""
    for processor, accepts, origins, id_, type_, origin, content, *ends in project.rows(query):
        is_meant = type_ in json.loads(accepts) and (not json.loads(origins) or origin in json.loads(origins))
        found = [end for end in ends if end is not None]
        hold("I4", len(found) == (1 if is_meant else 0), f"{processor} {id_} {type_}: ends {found}")
        if found:
            _holds_end(processor, id_, found[0], model.contents.get(content))


def _holds_end(processor: str, id_: str, end: str, content: Content | None) -> None:
    is_poison = content is not None and content.is_poison and processor in ("payments", "odd")
    allowed = ("dead", "discarded", "superseded", "parked") if is_poison else ("done", "parked", "superseded")
    hold("I4", end in allowed, f"{processor} {id_} ends {end}; it was {content and content.kind}")


def _effects_are_once(project: Project, model: Model, versions: dict[Place, list[str]]) -> None:
    """I5: each good payment is booked once as it stood in the file, and posted twice, sum zero."""
    landed = [model.contents[sha] for shas in versions.values() for sha in shas]
    wanted = {
        p.id: (p.account, p.cents) for content in landed if not content.is_poison for p in content.payments
    }
    waiting = _payments_behind_poison(project, model)
    rows = project.rows("SELECT payment_id, account, amount FROM payments")
    booked = {id_: (account, round(float(amount) * 100)) for id_, account, amount in rows}
    hold("I5", len(booked) == len(rows), "a payment is booked twice")
    wrong = {id_ for id_, payment in booked.items() if wanted.get(id_) != payment}
    hold("I5", not wrong, f"booked, and not so in any file: {sorted(wrong)[:5]}")
    hold(
        "I5",
        wanted.keys() - booked.keys() <= waiting,
        f"not booked: {sorted(wanted.keys() - booked.keys() - waiting)[:5]}",
    )
    posted = project.rows(
        "SELECT payment_id, count(*), sum(amount_minor), max(amount_minor) FROM ledger_postings GROUP BY 1"
    )
    for id_, count, total, most in posted:
        is_right = (count, total) == (2, 0) and id_ in booked and most == booked[id_][1]
        hold("I5", is_right, f"payment {id_} has {count} postings, sum {total}, {most}")
    hold("I5", len(posted) == len(booked), f"{len(booked)} payments are booked, {len(posted)} are posted")
    _copies_are_exact(project)


def _payments_behind_poison(project: Project, model: Model) -> set[str]:
    waiting = project.rows(
        "SELECT e.content FROM deliveries d JOIN lanes l ON l.id = d.lane_id AND l.state = 'parked'"
        " JOIN events e ON e.position = d.position"
    )
    return {p.id for (sha,) in waiting if sha in model.contents for p in model.contents[sha].payments}


def _copies_are_exact(project: Project) -> None:
    """I2, I5: each file was read once in effect, and what was read is what was announced."""
    copies = project.rows("SELECT event_id, sha256, size FROM copies")
    events = project.rows(f"SELECT id, body FROM events WHERE {_LANDED}")
    announced = {id_: json.loads(body)["data"] for id_, body in events}
    hold("I5", len(copies) == len({row[0] for row in copies}) == len(announced), "not one copy a file")
    for id_, digest, size in copies:
        hold(
            "I2",
            (announced[id_]["sha256"], announced[id_]["size"]) == (digest, size),
            f"{id_} read otherwise",
        )
    twice = project.rows("SELECT event_id FROM odd GROUP BY 1 HAVING count(*) > 1")
    hold("I5", not twice, f"noted twice: {twice[:5]}")


def _effects_are_in_order(project: Project) -> None:
    """I6: within each ordered generation and key, deliveries were done in the order of keyseq."""
    done = project.rows(
        "SELECT o.generation_id, e.key, e.keyseq, o.ended_at, s.processor FROM outcomes o"
        " JOIN events e ON e.position = o.position JOIN generations g ON g.id = o.generation_id"
        " JOIN subscriptions s ON s.processor = g.processor"
        " WHERE o.state = 'done' AND s.is_ordered ORDER BY o.generation_id, e.key, e.keyseq"
    )
    for one, next_ in pairwise(done):
        is_same_lane = one[:2] == next_[:2]
        hold("I6", not is_same_lane or one[3] <= next_[3], f"out of order: {one}, then {next_}")


def _replays_changed_nothing(project: Project) -> None:
    """I5: a replay of the same version came to its end and found nothing to change."""
    for id_, state in project.rows("SELECT id, state FROM replays"):
        hold("I11", state in ("done", "cancelled"), f"replay {id_} is {state}")
    changed = project.rows("SELECT generation_id, position, note FROM outcomes WHERE verdict = 'changed'")
    hold("I5", not changed, f"replays changed {changed[:5]}")


def _status_is_true(project: Project) -> None:
    """I10: what status says is what stands."""
    said = json.loads(project.ok("status", "--json"))
    for processor in said["processors"]:
        [(done, dead)] = project.rows(
            "SELECT (SELECT count(*) FROM outcomes o WHERE o.generation_id = s.generation_id),"
            " (SELECT count(*) FROM dead d WHERE d.generation_id = s.generation_id)"
            f" FROM subscriptions s WHERE processor = '{processor['name']}'"
        )
        hold(
            "I10", (processor["done"], processor["dead"]) == (done, dead), f"{processor} where {done} {dead}"
        )
        hold("I4", processor["running"] == 0, f"still running: {processor}")
    ended = project.rows(
        "SELECT generation_id, state, verdict, count(*) FROM outcomes GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    kept = project.rows("SELECT generation_id, state, verdict, outcomes FROM outcome_totals ORDER BY 1, 2, 3")
    hold("I10", kept == ended, f"kept are the totals {kept} where {ended} stand")
    for source in said["sources"]:
        [(landed,)] = project.rows(f"SELECT count(*) FROM landings WHERE source = '{source['name']}'")
        hold("I10", source["landed"] == landed, f"{source} where {landed} landed")


def _dead(project: Project) -> Sequence[tuple[Any, ...]]:
    return project.rows(
        "SELECT e.id, g.processor, e.content, d.crashes, d.error FROM dead d"
        " JOIN events e ON e.position = d.position JOIN generations g ON g.id = d.generation_id"
    )
