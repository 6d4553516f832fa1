"""The invariants outside of the store: files that left, logs, leftovers, and what a receiver was told."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from tests.torture.contents import MARK
from tests.torture.model import Model
from tests.torture.project import SECRET, Project
from tests.torture.receiver import Receiver
from tests.torture.trace import hold

_LANDED = "type = 'ingest.file.landed.v1'"


def what_left_is_whole(project: Project, model: Model) -> None:
    """What was moved lies where it was to go, byte for byte, and nothing else; no private name is left."""
    found: dict[bytes, set[str]] = defaultdict(set)
    below = project.root / "done" / "moved"
    for file in _files(below):
        found[os.fsencode(file.parent.relative_to(below))].add(sha256(file.read_bytes()).hexdigest())
    lay: dict[bytes, set[str]] = defaultdict(set)
    for (source, path), contents in model.history.items():
        if source == "moved":
            folder = path.rpartition(b"/")[0] or b"."
            lay[folder] |= {content.sha256 for content in contents}
            stands = model.standing.get((source, path))
            is_there = stands is None or stands.sha256 in found[folder]
            hold("I1", is_there, f"{path!r} has left, and lies nowhere: {stands}")
    for folder, digests in found.items():
        hold("I2", digests <= lay[folder], f"below {folder!r} lies what was never dropped")
    private = [file for file in (project.root / "inbox").rglob(".*") if file.name.endswith(".leaving")]
    hold("I8", not private, f"private names are left: {private[:3]}")


def notified_under_one_key(project: Project, receiver: Receiver) -> None:
    """I5: the receiver was told of every file of its source, and never under two keys."""
    twice = {id_: keys for id_, keys in receiver.keys.items() if len(keys) != 1}
    hold("I5", not twice, f"two keys for one effect: {twice}")
    every = [key for keys in receiver.keys.values() for key in keys]
    hold("I5", len(every) == len(set(every)), "one key for two effects")
    landed = {id_ for (id_,) in project.rows(f"SELECT id FROM events WHERE {_LANDED} AND origin = 'bank'")}
    hold("I5", receiver.answered == landed, f"told of {len(receiver.answered)} files, {len(landed)} landed")


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
    for file in (project.database, *_files(project.archive), *_files(project.root / "logs")):
        hold("I14", SECRET.encode() not in file.read_bytes(), f"the secret is in {file}")


def _is_record(line: bytes) -> bool:
    try:
        return {"at", "level", "message"} <= json.loads(line).keys()
    except (ValueError, AttributeError):
        return False


def _files(directory: Path) -> Iterator[Path]:
    return (path for path in directory.rglob("*") if path.is_file())
