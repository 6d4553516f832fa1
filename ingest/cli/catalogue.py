"""Every command by name, in the order of `ingest --help`, and those that are promised for later."""

from __future__ import annotations

SECTIONS: dict[str, dict[str, str]] = {
    "Begin": {
        "init": "Write ingest.toml, an inbox and a first processor; make the store.",
        "demo": "The whole main job on sample files, in a fresh directory.",
    },
    "Receive and process": {
        "watch": "Land files until stopped.",
        "work": "Process what is due until stopped.",
        "run": "Watch and work, supervised together, for one machine.",
        "replay": "Make past events due again.",
        "replays": "List, show, pause, resume or cancel replays.",
    },
    "Look": {
        "status": "Sources, processors, workers, replays, store and archive now.",
        "events": "Browse, follow and prove the log.",
        "trace": "The whole life of a file.",
        "why": "Why a path was landed, or was not.",
    },
    "Put right": {
        "dead": "What waits for a person: list, show, retry, discard.",
        "rejects": "Rows that were refused: list, export.",
        "land": "Land a file by hand, also one that equals what stands.",
    },
    "Arrange": {
        "processors": "Subscriptions: list, show, pause, resume, add, remove.",
        "inspect": "What a file is, who could process it, and what would be made of it.",
        "try": "Run one processor on a file and apply nothing.",
        "schema": "Published schemas of events: list, show, check, draft, release.",
        "archive": "Get original bytes back; verify that they still are.",
        "db": "Upgrade, check, back up and prune the store.",
        "config": "The settings that hold, and where each comes from.",
        "doctor": "What ingest stands on, and what to do where something is wrong.",
    },
}

COMMANDS: dict[str, str] = {name: line for section in SECTIONS.values() for name, line in section.items()}

LATER = frozenset({"export", "metrics", "relay", "sources", "web"})
