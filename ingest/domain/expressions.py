r"""How a regular expression is built: what repeats, what follows what, what is one of several.

Read from the text of an expression that `re` has taken already, so nothing
here says what is malformed. Single characters and classes are left as they are
written, for `re` to tell what they match. What no pattern of names needs is
refused: references back, conditions, comments, and the mode in which spaces do not count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

WITHOUT_END = 1 << 62  # times

_ANCHORS = frozenset({"^", "$", r"\A", r"\Z", r"\z", r"\b", r"\B"})
_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|N\{[^}]*\}|0[0-7]{0,2}|[1-3][0-7]{2}|.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_TIMES = re.compile(r"[*+?]|\{(?!\})(\d*)(?:(,)(\d*))?\}")
_OPENING = re.compile(
    r"\((?:\?(?:P<\w+>|(?P<look><?[=!])|(?P<atomic>>)|(?P<flags>[a-zA-Z-]*)(?P<colon>:)?))?"
)
_REFUSED = re.compile(r"\\[1-9](?![0-7]{2})|\\[4-9]|\(\?P=|\(\?\(|\(\?#")


@dataclass(frozen=True, slots=True)
class One:
    """One character, as its text says."""

    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place, and no character."""


@dataclass(frozen=True, slots=True)
class Group:
    """Branches, of which one matches; `look` matches no character, `atomic` is never divided anew."""

    branches: tuple[Sequence, ...]
    kind: Literal["plain", "atomic", "look"] = "plain"
    at: int = -1  # where it begins: two groups are never the same


@dataclass(frozen=True, slots=True)
class Repeat:
    """What is repeated, and how often; `mark` is `?` for a lazy one, `+` for one that gives nothing back."""

    body: Sequence
    least: int
    most: int
    mark: str


Node = One | Anchor | Group | Repeat
Sequence = tuple[Node, ...]


def read(text: str) -> Group:
    """The expression that `text` writes; raises `ValueError` for one that is not for names."""
    return Group(_Reader(text).branches())


def least_width(nodes: Sequence) -> int:
    """How many characters `nodes`, one after the other, match at least."""
    return sum(_least_width(node) for node in nodes)


def _least_width(node: Node) -> int:
    if isinstance(node, Repeat):
        return node.least * least_width(node.body)
    if isinstance(node, Group):
        return 0 if node.kind == "look" else min(least_width(branch) for branch in node.branches)
    return int(isinstance(node, One))


class _Reader:
    """Goes through a text once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def branches(self) -> tuple[Sequence, ...]:
        """All up to the parenthesis that closes, or the end."""
        found: list[Sequence] = []
        nodes: list[Node] = []
        while self._at < len(self._text) and self._text[self._at] != ")":
            if self._text[self._at] == "|":
                self._at += 1
                found.append(tuple(nodes))
                nodes = []
            else:
                node = self._item()
                nodes += [] if node is None else [self._repeated(node)]
        return _factored((*found, tuple(nodes)))

    def _item(self) -> Node | None:
        """What comes next; None for flags that hold for all."""
        char = self._text[self._at]
        if _REFUSED.match(self._text, self._at):
            raise ValueError("back-references, conditions and comments have no place in a pattern of names")
        if char == "(":
            return self._group()
        text = self._taken({"\\": _ESCAPE, "[": _CLASS}[char]) if char in "\\[" else self._taken(None)
        if text in _ANCHORS:
            return Anchor()
        return One(text if len(text) > 1 or char == "." else re.escape(text))

    def _group(self) -> Node | None:
        opening = _OPENING.match(self._text, self._at)
        assert opening is not None  # noqa: S101  # a parenthesis stands there
        at, self._at = self._at, opening.end()
        flags = opening["flags"] or ""
        if "x" in flags:
            raise ValueError("the mode in which spaces do not count has no place in a pattern of names")
        if opening["flags"] is not None and opening["colon"] is None:
            self._at += 1
            return None
        branches = self.branches()
        self._at += 1
        if opening["look"] is not None:
            return Group(branches, "look", at)
        return Group(branches, "atomic" if opening["atomic"] is not None else "plain", at)

    def _repeated(self, node: Node) -> Node:
        """The node with the repeats that follow it."""
        times = _TIMES.match(self._text, self._at)
        if times is None:
            return node
        self._at = times.end()
        mark = self._text[self._at : self._at + 1]
        mark = mark if mark in ("?", "+") else ""
        self._at += len(mark)
        return Repeat((node,), *_how_often(times), mark)

    def _taken(self, pattern: re.Pattern[str] | None) -> str:
        """The text that comes next, as `pattern` says, or one character."""
        found = None if pattern is None else pattern.match(self._text, self._at)
        end = self._at + 1 if found is None else found.end()
        text, self._at = self._text[self._at : end], end
        return text


def _factored(branches: tuple[Sequence, ...]) -> tuple[Sequence, ...]:
    """The same, with what all branches begin with before them, as the matcher has it."""
    shared: list[Node] = []
    while len(branches) > 1 and all(branches) and len({branch[0] for branch in branches}) == 1:
        shared.append(branches[0][0])
        branches = tuple(branch[1:] for branch in branches)
    return ((*shared, Group(branches)),) if shared else branches


def _how_often(times: re.Match[str]) -> tuple[int, int]:
    fixed = {"*": (0, WITHOUT_END), "+": (1, WITHOUT_END), "?": (0, 1)}.get(times[0])
    if fixed is not None:
        return fixed
    least = int(times[1] or 0)
    if times[2] is None:
        return least, least
    return least, int(times[3]) if times[3] else WITHOUT_END
