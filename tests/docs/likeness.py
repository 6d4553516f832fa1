"""Whether a command said what a page shows, where only times and made-up ids may differ.

A page shows real output. A time stands for any time, and so do a duration, a process id and the
size of a write-ahead log, to which every beat adds, for any other. An id stands for one real id, the
same wherever it is shown again, and a command of the page that names it is given the real one. White
space counts once, and so does a line that ends before an inode, which may be longer elsewhere; a
line `...` stands for any lines.
Everything else must be so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import unified_diff

_PASSING = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?|\b\d\d:\d\d:\d\d\b)"
    r"|(?P<log>\d+(?:\.\d+)? [kM]?B(?= not checkpointed))"
    r"|(?P<pid>(?<=\bpid )\d+|(?<=\bbox )\d+)|(?P<inode>\b\d+:\d{4,}\b)"
    r"|(?P<age>(?<![\w.])\d+(?:\.\d+)? ?(?:ms|s|m|h|d)\b)"
    r"|(?P<id>\b(?:r-|worker-|watcher-)[0-9a-f]{6,}\b|\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,64}\b)"
)
_ANY = {
    "time": r"(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:\.\d+)?Z?",
    "log": r"\d+(?:\.\d+)? [kM]?B",
    "pid": r"\d+",
    "inode": r"\d+:\d+",
    "age": r"\d+(?:\.\d+)? ?(?:ms|s|m|h|d)",
}


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the ids that a page shows stand for, as far as it was read."""

    real: dict[str, str] = field(default_factory=dict)

    def difference(self, shown: str, said: str) -> str:
        """Empty where `said` is what is `shown`, and its ids are then known; else both beside each other."""
        expected, came = _plain(shown), _plain(said)
        pattern, ids = self._pattern(expected)
        found = re.fullmatch(pattern, came)
        if found is None:
            lines = unified_diff(expected.splitlines(), came.splitlines(), "shown", "said", lineterm="")
            return "\n".join(lines)
        self.real.update({each: found[name] for name, each in ids.items()})
        return ""

    def translated(self, command: str) -> str:
        """The command with real ids in place of those that the page shows; the beginning of one is enough."""
        return _PASSING.sub(
            lambda found: self._real_of(found["id"]) if found["id"] else found.group(), command
        )

    def _real_of(self, shown: str) -> str:
        stands = (real[: len(shown)] for whole, real in self.real.items() if whole.startswith(shown))
        return next(stands, shown)

    def _pattern(self, expected: str) -> tuple[str, dict[str, str]]:
        ids: dict[str, str] = {}
        lines = [
            r"(?:.*\n)*?" if line == "..." else self._line(line, ids) + "\n" for line in expected.splitlines()
        ]
        return "".join(lines), ids

    def _line(self, line: str, ids: dict[str, str]) -> str:
        pieces, at = [], 0
        for found in _PASSING.finditer(line):
            pieces += [re.escape(line[at : found.start()]), self._passing(found, ids)]
            at = found.end()
        return "".join([*pieces, re.escape(line[at:])])

    def _passing(self, found: re.Match[str], ids: dict[str, str]) -> str:
        kind, shown = str(found.lastgroup), found.group()
        if kind != "id":
            return _ANY[kind]
        if (real := self._real_of(shown)) != shown or shown in self.real:
            return re.escape(real)
        for name, each in ids.items():
            if each == shown:
                return f"(?P={name})"
        name = f"id{len(ids)}"
        ids[name] = shown
        prefix = re.match(r"[a-z]+-|", shown)
        start = prefix.group() if prefix else ""
        return f"(?P<{name}>{start}[0-9a-f]{{{len(shown) - len(start)}}})"


def _plain(text: str) -> str:
    """The lines that say something, their white space and rules counted once."""
    text = re.sub(r"\binode\s+(?=\d+:\d)", "inode ", text)
    lines = (re.sub(r"─+", "─", " ".join(line.split())) for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)
