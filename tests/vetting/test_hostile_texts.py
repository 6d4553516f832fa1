"""XML that explodes and JSON without end are refused early: few bytes are read, in little memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MEASURED = """
import io, sys
from ingest.vetting import Refused, json_document, json_elements, xml_pieces

READERS = {
    "xml": lambda file: list(xml_pieces(file, whole=["a"])),
    "json": json_document,
    "elements": lambda file: list(json_elements(file)),
}

class Counted(io.FileIO):
    taken = 0

    def read(self, size=-1):
        chunk = super().read(size)
        self.taken += len(chunk)
        return chunk

def peak():  # unlike `ru_maxrss`, not that of the process that started this one
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

with Counted(sys.argv[2]) as file:
    before = peak()
    rule = "taken"
    try:
        READERS[sys.argv[1]](file)
    except Refused as refused:
        rule = refused.rule
    print(rule, file.taken, peak() - before)
"""
MOST = 100_000  # kB
ALL = 1 << 30
CHUNK = 65_536


def laughs() -> bytes:
    names = [f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10)]
    return f'<!DOCTYPE a [<!ENTITY b0 "ha">{"".join(names)}]><a>&b9;</a>'.encode()


def quadratic() -> bytes:
    return b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 500_000 + b'">]><a>' + b"&b;" * 500_000 + b"</a>"


ATTACKS: dict[str, tuple[str, Callable[[], bytes], str, int]] = {
    "entities of entities": ("xml", laughs, "xml_doctype", CHUNK),
    "one long entity, often": ("xml", quadratic, "xml_doctype", CHUNK),
    "a file of this machine": (
        "xml",
        lambda: b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///dev/zero">]><a>&b;</a>',
        "xml_doctype",
        CHUNK,
    ),
    "a prolog without end": ("xml", lambda: b"<!--" + b" " * 20_000_000, "xml_prolog", 17 * CHUNK),
    "elements without end": ("xml", lambda: b"<a>" + b"<b>" * 10_000_000, "xml", 17_000_000),
    "elements that nobody knows": ("xml", lambda: b"<a>" + b"<b/>" * 10_000_000, "xml_piece", 17_000_000),
    "elements with a text each": (
        "xml",
        lambda: b"<a>" + b"<b>x</b>" * 5_000_000,
        "xml_piece",
        17_000_000,
    ),
    "attributes without end": (
        "xml",
        lambda: b"<a>" + b'<b c="x" d="y" e="z"/>' * 2_000_000,
        "xml_piece",
        17_000_000,
    ),
    "a text without end": ("xml", lambda: b"<a>" + b"x" * 40_000_000, "xml", 17_000_000),
    "brackets without end": ("json", lambda: b"[" * 8_000_000, "json_depth", ALL),
    "braces without end": ("json", lambda: b'{"a":' * 1_000_000, "json_depth", ALL),
    "brackets in an element": ("elements", lambda: b"[" * 8_000_000, "json_depth", 2 * CHUNK),
    "digits without end": ("json", lambda: b"9" * 8_000_000, "json_number", ALL),
    "more than a document holds": ("json", lambda: b'"' + b"x" * 40_000_000, "size", 34 << 20),
}
"""By name: what reads it, its bytes, the rule that it breaks, and how many bytes may be read until then."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_before_it_costs_anything(attack: str, tmp_path: Path) -> None:
    reader, make, wanted, most = ATTACKS[attack]
    path = tmp_path / "attack"
    path.write_bytes(make())

    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, reader, str(path)], capture_output=True, check=True, text=True
    )

    rule, taken, grown = ran.stdout.split()
    assert rule == wanted
    assert int(taken) <= most, "bytes"
    assert int(grown) < MOST, "kB"
