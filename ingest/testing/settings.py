"""The ingest.toml of a bench."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_AT_ONCE = {"base": "1ms", "cap": "1ms"}  # a test does not wait for a retry


def written(source: str, processors: Sequence[str], settings: Mapping[str, Any]) -> str:
    """A source whose files are complete when they appear, and processors with these settings."""
    lines = ["version = 1", "[[source]]", f'name = "{source}"', f'path = "{source}"', 'complete = "renamed"']
    for name in processors:
        lines += ["[[processor]]", f'name = "{name}"', f'use = "bench:{name}"']
        lines += [f"{key} = {_toml(value)}" for key, value in {"backoff": _AT_ONCE, **settings}.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
