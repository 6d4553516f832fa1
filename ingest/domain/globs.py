"""Which names a pattern means.

A pattern is matched against the whole path relative to its source, case
counts. `*` and `?` stay within one folder or file name, `[a-z]` and `[!a-z]`
are sets of characters, and `**` standing alone between slashes is any number
of folders, none included. Every other character means itself.

A path is bytes; what is not UTF-8 in it counts as one character a byte.
Patterns compile to one regular expression that cannot run away: each star is
settled for good before the next is tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

# Names of files that are still being written, or were never meant to arrive.
ALWAYS_IGNORED = (
    "**/.*",
    "**/.*/**",
    "**/*.part",
    "**/*.partial",
    "**/*.filepart",
    "**/*.tmp",
    "**/*.temp",
    "**/*.crdownload",
    "**/*.writing",
    "**/*.swp",
    "**/*~",
    "**/*.lock",
    "**/.nfs*",
    "**/~$*",
)

_PIECE = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_MAX_LENGTH = 1_000  # characters; a pattern is written by hand


def compile_globs(patterns: Iterable[str]) -> Callable[[bytes], bool]:
    """Answers whether a path matches any of `patterns`; of no patterns, none ever does.

    Raises `ValueError` for a pattern that could never match a relative path.
    """
    wanted = [f"(?:{_translate(pattern)})" for pattern in patterns]
    if not wanted:
        return lambda _path: False
    matches = re.compile("|".join(wanted), re.DOTALL).fullmatch
    return lambda path: matches(path.decode("utf-8", "surrogateescape")) is not None


def matching_glob(patterns: Sequence[str]) -> Callable[[bytes], str | None]:
    """Answers which of `patterns` a path matches first, for whoever asks why."""
    compiled = [(pattern, compile_globs([pattern])) for pattern in patterns]
    return lambda path: next((pattern for pattern, matches in compiled if matches(path)), None)


def _translate(pattern: str) -> str:
    _refuse_what_never_matches(pattern)
    first, *rest = _runs(pattern)
    if not rest:
        return "/".join(first)
    *middle, last = rest
    parts = ["".join(f"{name}/" for name in first)]
    # The leftmost place where a run of names fits is as good as any later one, hence the atomic group.
    parts += [f"(?>(?:[^/]+/)*?{'/'.join(run)}/)" for run in middle if run]
    parts.append(f"(?:[^/]+/)*{'/'.join(last)}" if last else ".+")
    return "".join(parts)


def _refuse_what_never_matches(pattern: str) -> None:
    names = pattern.split("/")
    if len(pattern) > _MAX_LENGTH:
        raise ValueError(f"a pattern has at most {_MAX_LENGTH} characters")
    if pattern.startswith("/"):
        raise ValueError(f"the pattern {pattern!r} starts with a slash, but paths are relative to the source")
    if pattern.endswith("/"):
        raise ValueError(
            f"the pattern {pattern!r} names a folder: write {pattern + '**'!r} for what is in it"
        )
    if not all(names) or {".", ".."} & set(names):
        raise ValueError(f"the pattern {pattern!r} matches nothing: no part of a path is empty, '.' or '..'")


def _runs(pattern: str) -> list[list[str]]:
    """The translated names of a pattern, parted at each `**`."""
    runs: list[list[str]] = [[]]
    for name in pattern.split("/"):
        if name == "**":
            runs.append([])
        else:
            runs[-1].append(_translate_name(name))
    return runs


def _translate_name(name: str) -> str:
    first, *rest = _stretches(name)
    if not rest:
        return first
    *middle, last = rest
    return "".join([first, *(f"(?>[^/]*?{stretch})" for stretch in middle if stretch), f"[^/]*{last}"])


def _stretches(name: str) -> list[str]:
    """What stands between the stars of one name, translated; each stretch has a fixed length."""
    stretches = [""]
    for piece in _PIECE.findall(name):
        if piece.startswith("*"):
            stretches.append("")
        else:
            stretches[-1] += _translate_piece(piece)
    return stretches


def _translate_piece(piece: str) -> str:
    if piece == "?":
        return "[^/]"
    if len(piece) == 1:
        return re.escape(piece)
    negated = piece.startswith("[!")
    return _translate_set(piece[2:-1] if negated else piece[1:-1], negated=negated)


def _translate_set(members: str, *, negated: bool) -> str:
    """A set of characters that never holds the slash; a range that runs backwards is an error."""
    parts = []
    at = 0
    while at < len(members):
        if members[at + 1 : at + 2] == "-" and at + 2 < len(members):
            low, high = members[at], members[at + 2]
            if low > high:
                raise ValueError(f"the range {low}-{high} in a pattern runs backwards")
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            parts.append(re.escape(members[at]))
            at += 1
    return f"(?!/)[{'^' if negated else ''}{''.join(parts)}]"
