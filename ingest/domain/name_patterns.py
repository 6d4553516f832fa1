"""Regular expressions that names must match, and only such as cannot run away.

A backtracking matcher tries every way in which a pattern may divide a text. A
pattern is taken only if that number, reckoned from its parsed form for the
longest name there is, stays small: a repeat counts as one way where what it
repeats cannot also be what follows it, and as one way a length otherwise. So no
name a partner chooses can keep the watcher busy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from ingest.domain.expressions import Anchor, Node, One, Repeat, least_width, read
from ingest.domain.showing import show

LONGEST_NAME = 255  # bytes
LONGEST_PATTERN = 500  # characters
MOST_WAYS = 100_000

_OTHER = 256  # stands for every character beyond Latin-1 but a few
_NOTHING: frozenset[int] = frozenset()
_Chars = frozenset[int]
_COUSINS = "\u017f\u212a\u212b\u039c\u03bc\u0178\u1e9e"  # as letters of Latin-1 where case does not count
_BEYOND = re.compile(r"\[\^|\\[dDwWsSuUN]|[^\x00-\xff]|^\.$")  # what may match a character beyond Latin-1


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A pattern that whole names are matched against."""

    text: str
    groups: tuple[str, ...]
    _compiled: re.Pattern[str]

    def fields(self, name: bytes) -> Mapping[str, str] | None:
        """What each group captured from `name`, None where it does not match; absent groups are left out.

        A name that is not UTF-8 is matched with one character a stray byte,
        and what was captured from it is escaped as everywhere.
        """
        values = self.values(name)
        if values is None:
            return None
        return {group: value if _is_text(value) else show(value) for group, value in values.items()}

    def all_match(self, texts: Sequence[str]) -> bool:
        """True where each matches as a whole; a text of more than 255 characters never does."""
        return max(map(len, texts), default=0) <= LONGEST_NAME and all(map(self._compiled.fullmatch, texts))

    def values(self, name: bytes) -> Mapping[str, str] | None:
        """As `fields`, with stray bytes kept as they are (`surrogateescape`)."""
        if len(name) > LONGEST_NAME:
            return None
        match = self._compiled.fullmatch(name.decode("utf-8", "surrogateescape"))
        return None if match is None else {k: v for k, v in match.groupdict().items() if v is not None}


def compile_name_pattern(text: str) -> NamePattern:
    """The pattern written as `text`; raises `ValueError` for one that is malformed or could run away."""
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"a pattern has at most {LONGEST_PATTERN} characters")
    try:
        compiled = re.compile(text)
        ways = _Ways(compiled.flags & ~re.DEBUG).of_sequence((read(text),))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    if ways > MOST_WAYS:
        raise ValueError(
            "some name could keep it busy: repeat no group that repeats by itself, and at most two times"
            " what may also come after (`[^_]*_` instead of `.*_`)"
        )
    return NamePattern(text, tuple(compiled.groupindex), compiled)


def _is_text(value: str) -> bool:
    return not any("\udc80" <= char <= "\udcff" for char in value)


class _Ways:
    """In how many ways a pattern may divide a name, never too few."""

    def __init__(self, flags: int) -> None:
        self._flags = flags

    def of_sequence(self, nodes: Sequence[Node], follow: _Chars = _NOTHING) -> float:
        """The ways of `nodes` one after the other, where `follow` may begin what comes after them."""
        ways = 1.0
        for node in reversed(nodes):
            ways *= self._of(node, follow)
            first, may_be_empty = self._begins(node)
            follow = first | follow if may_be_empty else first
        return ways

    def _of(self, node: Node, follow: _Chars) -> float:
        if isinstance(node, One | Anchor):
            return 1
        if isinstance(node, Repeat):
            return self._of_repeat(node, _NOTHING if node.mark == "+" else follow)
        # What is atomic, or only looked at, is never divided anew for the sake of what follows.
        return self._of_branches(node.branches, follow if node.kind == "plain" else _NOTHING)

    def _of_branches(self, branches: Sequence[Sequence[Node]], follow: _Chars) -> float:
        ways = [self.of_sequence(branch, follow) for branch in branches]
        begun: _Chars = _NOTHING
        for branch in branches if len(branches) > 1 else ():
            first, may_be_empty = self._first(branch)
            if may_be_empty or first & begun:
                return sum(ways)
            begun |= first
        return max(ways)  # the first character decides

    def _of_repeat(self, node: Repeat, follow: _Chars) -> float:
        first, may_be_empty = self._first(node.body)
        if may_be_empty and node.most > 1:
            return inf
        inner = self.of_sequence(node.body, follow | first)
        times = min(node.most, LONGEST_NAME // max(least_width(node.body), 1))
        if inner == 1:
            return 1 if not first & follow else max(times - node.least, 0) + 1
        ways = 0.0
        for n in range(min(node.least, times), times + 1):
            ways += inner**n
            if ways > MOST_WAYS:
                return inf
        return ways

    def _begins(self, node: Node) -> tuple[_Chars, bool]:
        """What characters may begin `node`, never too few, and whether it may be empty."""
        if isinstance(node, One):
            return self._characters(node.text), False
        if isinstance(node, Repeat):
            first, may_be_empty = self._first(node.body)
            return first, may_be_empty or node.least == 0
        if isinstance(node, Anchor) or node.kind == "look":
            return _NOTHING, True
        begins = [self._first(branch) for branch in node.branches]
        return _NOTHING.union(*(first for first, _ in begins)), any(empty for _, empty in begins)

    def _first(self, nodes: Sequence[Node]) -> tuple[_Chars, bool]:
        found: _Chars = _NOTHING
        for node in nodes:
            first, may_be_empty = self._begins(node)
            found |= first
            if not may_be_empty:
                return found, False
        return found, True

    def _characters(self, text: str) -> _Chars:
        """The characters that one may be, in either case; beyond Latin-1 all but a few count as one."""
        found = {_OTHER} if _BEYOND.search(text) else set()
        for flags in (self._flags | re.DOTALL, self._flags | re.DOTALL | re.IGNORECASE):
            matches = re.compile(text, flags).fullmatch
            found.update(code for code in range(_OTHER) if matches(chr(code)))
            found.update(ord(cousin) for cousin in _COUSINS if matches(cousin))
        return frozenset(found)
