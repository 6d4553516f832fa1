"""A small project, and the command line as a test calls it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import launching
from tests.crash.pipeline import Pipeline, with_store
from tests.launching import Command
from tests.patience import PATIENCE
from tests.store.backends import unmade_url

GOOD = """payment_id,account,amount,currency,value_date,counterparty,reference
P-1,ACC-1,10.00,EUR,2026-03-02,Alma,one
P-2,ACC-1,20.00,EUR,2026-03-02,Bert,two
P-3,ACC-2,30.00,USD,2026-03-02,Cleo,three
"""
BAD = """payment_id,account,amount,currency,value_date,counterparty,reference
P-8,ACC-1,10.00,EUR,2026-03-02,Alma,one
P-9,ACC-1,"=1+1",EUR,2026-03-02,Bert,two
"""
SETTINGS = """version = 1

[work]
concurrency = 1

[[source]]
name = "inbox"
path = "inbox"
quiet = "50ms"
ignore = ["*.bak"]

[[processor]]
name = "payments"
use = "processors.payments:payments"

[[processor]]
name = "ledger"
use = "processors.ledger:ledger"
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """The documents on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Ingest = Callable[..., Said]


def spawned(*argv: str, cwd: Path, env: Mapping[str, str] | None = None) -> Said:
    """The command as a process of its own."""
    done = launching.run(*argv, cwd=cwd, stdin=subprocess.DEVNULL, env=env, text=True)
    return Said(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(*argv: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """The command while the block runs; it is gone afterwards, whatever happened."""
    with Command(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def until(is_so: Callable[[], object]) -> None:
    """Return when it is so; fail when it does not become so for a long time.

    What is waited for needs the processor more: asking takes a quarter of the time at most.
    """
    deadline = time.monotonic() + PATIENCE
    asked = time.monotonic()
    while not is_so():
        took = time.monotonic() - asked
        assert asked + took < deadline
        time.sleep(max(0.02, 3 * took))
        asked = time.monotonic()


def write(home: Path, settings: str, files: dict[str, str]) -> None:
    """A project with these files in its inbox, and no store yet."""
    (home / "ingest.toml").write_text(with_store(settings, unmade_url(home / ".ingest")))
    (home / "inbox").mkdir()
    for name, text in files.items():
        (home / "inbox" / name).write_text(text)


def configure(home: Path, settings: str) -> None:
    """The project goes by other settings, with the store that it has."""
    Pipeline(home).configure(settings)


def error_of(said: Said) -> dict[str, Any]:
    """The JSON error on stderr."""
    errors = [json.loads(line) for line in said.err.splitlines() if '"error"' in line]
    return errors[-1]["error"]
