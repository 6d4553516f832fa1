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
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]  # the parsed form; no public one
from typing import Any

from ingest.domain.showing import show

LONGEST_NAME = 255  # bytes
LONGEST_PATTERN = 500  # characters
MOST_WAYS = 100_000

_OTHER = 256  # stands for every character beyond Latin-1
_NOTHING: frozenset[int] = frozenset()
_Chars = frozenset[int]
_Node = tuple[Any, Any]


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
        tree = _parser.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no regular expression: {error}") from error
    ways = _Ways(compiled.flags & ~re.DEBUG).of_sequence(tree)
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

    def of_sequence(self, nodes: Sequence[_Node], follow: _Chars = _NOTHING) -> float:
        """The ways of `nodes` one after the other, where `follow` may begin what comes after them."""
        ways = 1.0
        for node in reversed(list(nodes)):
            ways *= self._of(node, follow)
            first, may_be_empty = self._begins(node)
            follow = first | follow if may_be_empty else first
        return ways

    def _of(self, node: _Node, follow: _Chars) -> float:
        op, value = node
        if op in _ONE_CHARACTER or op is _constants.AT:
            return 1
        if op in _REPEATS:
            return self._of_repeat(value, follow)
        if op is _constants.POSSESSIVE_REPEAT:
            return self._of_repeat(value, _NOTHING)
        if op is _constants.BRANCH:
            return self._of_branch(value[1], follow)
        if _inner(node) is None:
            raise ValueError("back-references and conditions have no place in a pattern of names")
        # What is atomic, or only looked at, is never divided anew for the sake of what follows.
        return self.of_sequence(_inner(node) or [], follow if op is _constants.SUBPATTERN else _NOTHING)

    def _of_branch(self, branches: Sequence[Sequence[_Node]], follow: _Chars) -> float:
        ways = [self.of_sequence(branch, follow) for branch in branches]
        begun: _Chars = _NOTHING
        for branch in branches:
            first, may_be_empty = self._first(branch)
            if may_be_empty or first & begun:
                return sum(ways)
            begun |= first
        return max(ways)  # the first character decides

    def _of_repeat(self, value: tuple[int, Any, Any], follow: _Chars) -> float:
        least, most, body = value
        first, may_be_empty = self._first(body)
        if may_be_empty and int(most) > 1:
            return inf
        inner = self.of_sequence(body, follow | first)
        times = min(int(most), LONGEST_NAME // max(body.getwidth()[0], 1))
        if inner == 1:
            return 1 if not first & follow else max(times - int(least), 0) + 1
        ways = 0.0
        for n in range(min(int(least), times), times + 1):
            ways += inner**n
            if ways > MOST_WAYS:
                return inf
        return ways

    def _begins(self, node: _Node) -> tuple[_Chars, bool]:
        """What characters may begin `node`, never too few, and whether it may be empty."""
        op, value = node
        if op in _ONE_CHARACTER:
            return self._characters(node), False
        if op in _REPEATS or op is _constants.POSSESSIVE_REPEAT:
            first, may_be_empty = self._first(value[2])
            return first, may_be_empty or int(value[0]) == 0
        if op is _constants.BRANCH:
            begins = [self._first(branch) for branch in value[1]]
            return _NOTHING.union(*(first for first, _ in begins)), any(empty for _, empty in begins)
        if op is _constants.AT or op in _LOOKS:
            return _NOTHING, True
        return self._first(_inner(node) or [])

    def _first(self, nodes: Sequence[_Node]) -> tuple[_Chars, bool]:
        found: _Chars = _NOTHING
        for node in nodes:
            first, may_be_empty = self._begins(node)
            found |= first
            if not may_be_empty:
                return found, False
        return found, True

    def _characters(self, node: _Node) -> _Chars:
        """The characters that one node may be, in either case; all beyond Latin-1 count as one."""
        found = set() if _is_of_latin_1(node) else {_OTHER}
        for flags in (self._flags | re.DOTALL, self._flags | re.DOTALL | re.IGNORECASE):
            pattern = _parser.SubPattern(_parser.State(), [node])
            pattern.state.flags = flags
            matches = _compiler.compile(pattern, flags).fullmatch
            found.update(code for code in range(_OTHER) if matches(chr(code)))
        return frozenset(found)


def _is_of_latin_1(node: _Node) -> bool:
    op, value = node
    if op is _constants.IN:
        return all(_is_of_latin_1(item) for item in value)
    if op is _constants.RANGE:
        return bool(value[1] < _OTHER)
    return op is _constants.LITERAL and value < _OTHER


def _inner(node: _Node) -> Sequence[_Node] | None:
    """The nodes within a group of any kind, None for what is no group."""
    op, value = node
    if op is _constants.SUBPATTERN:
        return list(value[-1])
    if op is _constants.ATOMIC_GROUP:
        return list(value)
    return list(value[1]) if op in _LOOKS else None


_ONE_CHARACTER = frozenset({_constants.LITERAL, _constants.NOT_LITERAL, _constants.IN, _constants.ANY})
_REPEATS = frozenset({_constants.MAX_REPEAT, _constants.MIN_REPEAT})
_LOOKS = frozenset({_constants.ASSERT, _constants.ASSERT_NOT})
