"""The invariants outside of the store: files that left, logs, leftovers, and what a receiver was told."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.torture.books import Books
from tests.torture.contents import MARK, Content
from tests.torture.model import Model
from tests.torture.project import SECRET, Project
from tests.torture.receiver import Receiver
from tests.torture.sources import BY_NAME, SOURCES
from tests.torture.trace import hold

_LANDED = "type = 'ingest.file.landed.v1'"
_CALLS = (
    "SELECT e.id, c.scope, c.key, c.made_at IS NOT NULL FROM calls c"
    " JOIN events e ON e.position = c.position WHERE c.processor = 'notify'"
)
_REPEATED = (
    "SELECT e.id, r.id FROM replays r JOIN outcomes o ON o.generation_id = r.generation_id"
    " JOIN events e ON e.position = o.position"
    " WHERE r.mode = 'force' AND r.processor = 'notify' AND o.state = 'done'"
)


def what_left_is_whole(project: Project, model: Model, books: Books) -> None:
    """I1: what left its source had landed, and lies where it was to go; I2: nothing else left.

    What left is whatever was gone when we came to replace it, or is gone now. I8: no private name is left.
    """
    gone = [pair for pair in model.standing.items() if not project.at(pair[0]).exists()]
    for place, content in model.left + gone:
        source, path = BY_NAME[place[0]], place[1]
        hold("I1", not source.keeps, f"{place} was taken from a source that keeps")
        hold(
            "I1", content.sha256 in books.versions[place], f"{place} has left, and {content.kind} not landed"
        )
        if source.moves_to:
            is_there = _lies_below(project.root / source.moves_to, path, content)
            hold("I1", is_there, f"{place} has left, and {content.kind} {content.sha256} lies nowhere")
    for place in model.withheld | model.ignored | model.refused:
        hold("I1", os.path.lexists(project.at(place)), f"{place} has left, and was never to land")
    for source in SOURCES:
        if source.moves_to:
            _nothing_else_lies(project.root / source.moves_to, source.name, model)
    private = [file for file in (project.root / "inbox").rglob(".*") if file.name.endswith(".leaving")]
    hold("I8", not private, f"private names are left: {private[:3]}")


def _lies_below(directory: Path, path: bytes, content: Content) -> bool:
    """True when the content is there under its path, or beside another of that name."""
    at = directory / os.fsdecode(path)
    ending = f"-{content.sha256[:12]}"
    beside = (f for f in _listed(at.parent) if ending in f.name and f.name[0] == at.name[0])
    return any(_digest(file) == content.sha256 for file in (at, *beside))


def _nothing_else_lies(directory: Path, source: str, model: Model) -> None:
    lay: dict[bytes, set[str]] = defaultdict(set)
    for (name, path), contents in model.history.items():
        if name == source:
            lay[path.rpartition(b"/")[0] or b"."] |= {content.sha256 for content in contents}
    words = {path for name, path in model.announced.values() if name == source}
    for file in _files(directory):
        folder = os.fsencode(file.parent.relative_to(directory))
        is_marker = os.fsencode(file.relative_to(directory)) in words and not file.stat().st_size
        hold("I2", is_marker or _digest(file) in lay[folder], f"{file} was never dropped")


def notified_under_one_key(project: Project, receiver: Receiver) -> None:
    """I5: the receiver was told of each file under one key, and one more for each replay that repeats it."""
    forced = {id_ for (id_,) in project.rows("SELECT id FROM replays WHERE mode = 'force'")}
    keys: dict[str, dict[str, str]] = defaultdict(dict)  # by event id and scope
    for id_, scope, key, is_made in project.rows(_CALLS):
        hold("I5", scope in {"", *forced}, f"a key of no replay that repeats: {id_} {scope}")
        hold("I5", scope not in keys[id_], f"two keys for one effect: {id_} {scope}")
        hold("I5", not is_made or key in receiver.answered[id_], f"never received: {id_} {scope} {key}")
        keys[id_][scope] = key
    for id_, seen in receiver.keys.items():
        hold("I5", seen <= set(keys[id_].values()), f"{id_} came under keys that do not stand: {seen}")
    every = [key for seen in receiver.keys.values() for key in seen]
    hold("I5", len(every) == len(set(every)), "one key for two effects")
    for (id_,) in project.rows(f"SELECT id FROM events WHERE {_LANDED} AND origin = 'bank'"):
        hold("I5", keys[id_].get("") in receiver.answered[id_], f"not told of {id_}")
    for id_, scope in project.rows(_REPEATED):
        hold("I5", keys[id_].get(scope) in receiver.answered[id_], f"replay {scope} did not repeat {id_}")


def nothing_is_left(project: Project) -> None:
    """I8: no temporary file, no lock file of a worker that is gone."""
    left = [*(project.root / "tmp").iterdir(), *(project.database.parent / "workers").glob("*")]
    left += list((project.archive / "tmp").glob("*"))
    hold("I8", not left, f"left behind: {left[:5]}")


def logs_are_clean(project: Project) -> None:
    """I16: each line of a log is one record; no payload and no control character is in it. I14: no secret."""
    for log in (project.root / "logs").glob("*.err"):
        text = log.read_bytes()
        hold("I16", MARK.encode() not in text, f"payload in {log}")
        for line in text.splitlines():
            hold("I16", all(byte >= 32 for byte in line), f"control characters in {log}: {line[:200]!r}")
            hold("I17", b"Traceback" not in line, f"{log}: {line[:2000]!r}")
            if "-watch" in log.name or "-work" in log.name:
                hold(
                    "I16",
                    _is_record(line) or line.startswith(b"error: "),
                    f"no log record in {log}: {line[:200]!r}",
                )
    for file in (*_files(project.root / ".ingest"), *_files(project.root / "logs")):
        hold("I14", SECRET.encode() not in file.read_bytes(), f"the secret is in {file}")


def _is_record(line: bytes) -> bool:
    try:
        return {"at", "level", "message"} <= json.loads(line).keys()
    except (ValueError, AttributeError):
        return False


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def _listed(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())
