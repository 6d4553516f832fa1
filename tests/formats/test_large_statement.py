"""A statement of any length is read in the memory of a short one; measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.formats.camt_files import entry, message_of

ROOM = 16_384  # kB that a file of 25 MB may take more than one of two entries
READ = """
import resource, sys
from processors.formats import camt

def read(path):
    with open(path, "rb") as file:
        return sum(1 for _ in camt.read(file))

read(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
parts = read(sys.argv[2])
print(parts, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_long_statement_is_read_in_the_memory_of_a_short_one(tmp_path: Path) -> None:
    short, long = tmp_path / "short.xml", tmp_path / "long.xml"
    short.write_bytes(message_of(entry(), entry()))
    payment = f"<NtryDtls><TxDtls><RmtInf>{'<Ustrd>Invoice</Ustrd>' * 20}</RmtInf></TxDtls></NtryDtls>"
    long.write_bytes(message_of(*[entry(more=payment)] * 40_000))

    command = [sys.executable, "-c", READ, str(short), str(long)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])

    parts, grown = map(int, told.stdout.split())
    assert long.stat().st_size > 25_000_000
    assert parts == 40_002
    assert grown < ROOM
