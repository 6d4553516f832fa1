"""By which names a payment's text may mean an invoice, however it was typed.

A name is in capitals, without spaces, dashes, dots and slashes. One inside a
longer text counts where it is made of whole words and holds a digit; a
structured creditor reference counts where its check digits are right, and then
also without them. ISO 11649, whose check is that of ISO 7064 MOD 97-10.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

LONGEST = 140  # characters of a name
_MOST_WORDS = 256  # of one text
_WORDS_TOGETHER = 4  # that one name may have been broken into
_SHORTEST = 4  # characters of a name inside a longer text
_LONGEST_SUFFIX = 3  # letters that a name may end with
_STRUCTURED = re.compile(r"RF[0-9]{2}[A-Z0-9]{0,21}")
_GROUP = re.compile(r"[A-Z0-9]{1,4}")
_LONGEST_STRUCTURED = 25
_BREAK = re.compile(r"[\W_]+")


def name(text: str) -> str:
    """The whole of `text` as a name; empty where it holds none, or is too long for one."""
    joined = "".join(_words(text))
    return joined if len(joined) <= LONGEST else ""


def names(text: str) -> list[str]:
    """Every name that `text` may mean, sorted."""
    words = _words(text)[:_MOST_WORDS]
    found = {name(text)} - {""}
    start = 0
    while start < len(words):
        taken, structured = _structured(words[start:])
        if taken:
            found |= structured
            start += taken
        else:
            found.update(_beginning_with(words[start : start + _WORDS_TOGETHER]))
            start += 1
    return sorted(found)


def is_structured(text: str) -> bool:
    """True of a creditor reference whose check digits are right, written without spaces."""
    if not _STRUCTURED.fullmatch(text) or len(text) == len("RF00"):
        return False
    return int("".join(str(int(digit, 36)) for digit in text[4:] + text[:4])) % 97 == 1


def _words(text: str) -> list[str]:
    return [word for word in _BREAK.split(unicodedata.normalize("NFKC", text).upper()) if word]


def _beginning_with(words: Sequence[str]) -> Iterator[str]:
    for count in range(1, len(words) + 1):
        joined, last = "".join(words[:count]), words[count - 1]
        is_end = len(last) <= _LONGEST_SUFFIX or any(map(str.isdecimal, last))  # "0042", "A"; not "THANKS"
        if is_end and _SHORTEST <= len(joined) <= LONGEST and any(map(str.isdecimal, joined)):
            yield joined


def _structured(words: Sequence[str]) -> tuple[int, set[str]]:
    """How many words a creditor reference takes at the beginning of `words`, and the names it is.

    One whose check digits are wrong is taken too: no part of it is a name of its own.
    """
    if not _STRUCTURED.fullmatch(words[0]):
        return 0, set()
    joined, taken, most = "", 0, words[0]
    for count, word in enumerate(words, start=1):
        if (count > 1 and not _GROUP.fullmatch(word)) or len(joined + word) > _LONGEST_STRUCTURED:
            break
        joined, taken, most = joined + word, count, joined + word
        if is_structured(joined):
            return count, {joined, joined[4:]}
    return taken, {most}
