"""What other public parsers make of a file: `python -m tests.corpus.peers PARSER FILE` prints its records.

Each runs in a process of its own: some crash, hang or eat all memory.
"""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree  # noqa: ICN001  # its own name

MEMORY = 1 << 30
SECONDS = 10


def _mt940(path: Path) -> int:
    return len(import_module("mt940").parse(str(path)).transactions)


def _ofxparse(path: Path) -> int:
    with path.open("rb") as file:
        read = import_module("ofxparse").OfxParser.parse(file)
    return sum(len(account.statement.transactions) for account in read.accounts if account.statement)


def _bai2(path: Path) -> int:
    with path.open() as file:
        read = import_module("bai2.bai2").parse_from_file(file)
    return sum(len(account.children) for group in read.children for account in group.children)


def _ach(path: Path) -> int:
    read = import_module("ach.parser").Parser(path.read_text()).as_dict()
    return sum(len(batch.get("entries", [])) for batch in read["batches"])


def _openpyxl(path: Path) -> int:
    book = import_module("openpyxl").load_workbook(path, read_only=True, data_only=True)
    rows = book.worksheets[0].iter_rows(values_only=True)
    return sum(1 for row in rows if any(cell is not None for cell in row))


def _bankstatementparser(path: Path) -> int:
    return len(import_module("bankstatementparser").create_parser(str(path)).parse())


def _json(path: Path) -> int:
    json.loads(path.read_bytes())
    return 1


def _json_lines(path: Path) -> int:
    return len([json.loads(line) for line in path.read_bytes().splitlines() if line.strip()])


def _zipfile(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return len(archive.namelist())


def _csv(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _elementtree(path: Path) -> int:
    ElementTree.parse(path)
    return 1


PEERS: dict[str, tuple[str, str, Callable[[Path], int]]] = {
    "mt-940": ("mt940", "mt940", _mt940),
    "ofxparse": ("ofx", "ofxparse", _ofxparse),
    "bai2": ("bai2", "bai2", _bai2),
    "ach": ("ach", "ach", _ach),
    "openpyxl": ("excel", "openpyxl", _openpyxl),
    "bankstatementparser (camt)": ("camt", "bankstatementparser", _bankstatementparser),
    "bankstatementparser (mt940)": ("mt940", "bankstatementparser", _bankstatementparser),
    "bankstatementparser (ofx)": ("ofx", "bankstatementparser", _bankstatementparser),
    "json": ("json", "json", _json),
    "json by lines": ("jsonl", "json", _json_lines),
    "zipfile": ("zip", "zipfile", _zipfile),
    "csv": ("csv", "csv", _csv),
    "csv of payments": ("payments_csv", "csv", _csv),
    "ElementTree": ("xml_attack", "xml", _elementtree),
}
"""By its name: the format it is asked about, the module it needs, and how it is asked."""


def installed(format_: str) -> list[str]:
    """The parsers of a format that are here."""
    return [name for name, (of, module, _) in PEERS.items() if of == format_ and find_spec(module)]


def ask(peer: str, path: Path) -> int | None:
    """How many records a parser reads in the file; None where it refuses it, or comes to no end."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.corpus.peers", peer, str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    return int(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.strip() else None


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(PEERS[sys.argv[1]][2](Path(sys.argv[2])))
