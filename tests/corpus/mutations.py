"""`python -m tests.corpus.mutations`: files of the corpus, damaged in a hundred thousand ways, crash nothing.

Each mutation is made from (seed, file, number) alone, so that what is found
can be found again. A processor may take a damaged file or refuse it; anything
else it raises, or a run of more than ten seconds, is printed with its seed. A run
that is stopped by the clock is run once more: the machine may have been busy.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ingest.errors import IngestError
from tests.corpus.manifest import VARIABLE, Known, rows_of
from tests.corpus.ours import FORMATS, format_of

SECONDS = 10
LARGEST = 65_536  # bytes of a file that is mutated
_MARKS = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\x1a")
_SIGNS = (b'"', b"'", b",", b";", b"-", b"+", b"/", b":", b"<", b"{")
_NUMBERS = (b"9" * 40, b"1e9", b"NaN", b"-0", b"1.000,50", b"\xd9\xa1\xd9\xa2", b"0000-00-00", b"2026-02-30")
_WORDS = (b"&x;", b"<!DOCTYPE a [", b"]]>", b"[" * 200, b"\\ud800", b":20:", b":61:", b"-}", b"88,", b"99,")
TOKENS = (*_MARKS, *_SIGNS, *_NUMBERS, *_WORDS, b"</STMTTRN>")


class TookTooLong(BaseException):
    """A run that comes to no end."""


def _swapped(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


DAMAGES: tuple[Callable[[bytes, int, int, random.Random], bytes], ...] = (
    lambda data, at, to, _: data[:at] + data[to:],
    lambda data, at, _to, chance: data[:at] + chance.choice(TOKENS) + data[at:],
    lambda data, at, to, chance: data[:at] + chance.choice(TOKENS) + data[to:],
    lambda data, at, _to, chance: data[:at] + chance.randbytes(1) + data[at + 1 :],
    lambda data, at, _to, _: data[:at],
    lambda data, at, to, chance: data[:at] + data[at:to] * chance.choice((2, 30)) + data[to:],
    lambda data, _at, _to, chance: _swapped(data, chance),
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with one to four damages."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        to = min(len(data), at + chance.choice((1, 1, 2, 8, 94, 200)))
        data = chance.choice(DAMAGES)(data, at, to, chance)
    return data


def run(known: Known, seed: int, number: int) -> str:
    """What became of one mutation: "taken", "refused", or a traceback."""
    name = format_of(known)
    data = mutated(known.content()[:LARGEST], random.Random(f"{seed}/{known}/{number}"))
    signal.alarm(SECONDS)
    try:
        FORMATS[name].read(data, name=known.row["path"])
    except IngestError:
        return "refused"
    except (Exception, TookTooLong):  # noqa: BLE001  # what it may be is what is asked
        return traceback.format_exc(limit=-4)
    finally:
        signal.alarm(0)
    return "taken"


def _too_long(*_: object) -> None:
    raise TookTooLong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=100_000, help="mutations in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="one format")
    asked = parser.parse_args()
    files = [k for k in rows_of(Path(os.environ[VARIABLE])) if format_of(k) in FORMATS and k.content()]
    files = [k for k in files if asked.only in (None, format_of(k))]
    signal.signal(signal.SIGALRM, _too_long)
    counts = {"taken": 0, "refused": 0, "crashed": 0}
    for number in range(asked.count):
        known = files[number % len(files)]
        came_to = run(known, asked.seed, number)
        if TookTooLong.__name__ in came_to:
            came_to = run(known, asked.seed, number)
        counts[came_to if came_to in counts else "crashed"] += 1
        if came_to not in counts:
            print(f"{known} seed {asked.seed} number {number}\n{came_to}", flush=True)
    print(f"seed {asked.seed}: {asked.count:,} mutations of {len(files)} files: {counts}")
    return 1 if counts["crashed"] else 0


if __name__ == "__main__":
    sys.exit(main())
