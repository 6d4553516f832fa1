"""A project directory for one campaign: its configuration, its processors, and a disk of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ingest.store.migrate import create_or_upgrade
from tests import server
from tests.crash.pipeline import Pipeline, with_store
from tests.server import Server
from tests.store.backends import chosen, url_in
from tests.torture.model import Place
from tests.torture.sources import SOURCES

GIVEN = Path(__file__).parent / "given"
DISK = "160m"
DATABASE = "pipeline"
LEASE = 3.0  # seconds
MAX_CRASHES = 2  # of `odd`; the others have enough never to run out of them
SECRET = "SECRET-OUTSIDE-OF-ALL-SOURCES"
_CONFIG = """\
version = 1

[store]
inline_max = "4KiB"

[work]
lease = "3s"
shutdown_timeout = "20s"

"""
_PROCESSORS = """\
[[processor]]
name = "payments"
use = "payments:payments"
sources = ["{payments}"]
backoff = {{ base = "50ms", cap = "300ms" }}
max_crashes = 1000
max_attempts = 1000

[[processor]]
name = "ledger"
use = "ledger:ledger"
backoff = {{ base = "50ms", cap = "300ms" }}
max_crashes = 1000
max_attempts = 1000

[[processor]]
name = "copies"
use = "copies:copies"
ordered = false
backoff = {{ base = "50ms", cap = "300ms" }}
max_crashes = 1000
max_attempts = 1000

[[processor]]
name = "odd"
use = "odd:odd"
sources = ["odd"]
timeout = "5s"
memory_max = "600MiB"
max_crashes = 2
max_attempts = 3
backoff = {{ base = "50ms", cap = "300ms" }}

[[processor]]
name = "notify"
use = "notify:notify"
accepts = ["ingest.file.landed.v1"]
sources = ["bank"]
options = {{ url = "{receiver}", timeout = "500ms" }}
max_crashes = 1000
max_attempts = 1000
backoff = {{ base = "50ms", cap = "300ms" }}
"""


@dataclass(frozen=True, slots=True)
class Project(Pipeline):
    """One project directory, and the disk below its store."""

    has_own_disk: bool = False
    server: Server | None = None  # that holds the store, and is nobody else's

    @property
    def filler(self) -> Path:
        """What fills the disk of the store."""
        return self.root / ".ingest" / "filler"

    @property
    def outside(self) -> Path:
        """Where things lie before they are dropped."""
        return self.root / "outside"

    def source(self, name: str) -> Path:
        """The directory of a source."""
        return self.root / "inbox" / name

    def at(self, place: Place) -> Path:
        """Where a path of a source lies."""
        return self.source(place[0]) / os.fsdecode(place[1])

    def path_in(self, source: str, at: Path) -> bytes:
        """The path within its source of what lies at `at`."""
        return os.fsencode(at.relative_to(self.source(source)))

    def environment(self) -> dict[str, str]:
        """What every process of the campaign is started with; by it all they bring about are found."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "INGEST_"))}
        return kept | {"TORTURE_ROOT": str(self.root), "TMPDIR": str(self.root / "tmp")}

    def command(self, *args: str) -> list[str]:
        """The command line of `ingest`."""
        return [sys.executable, "-m", "ingest", *args]

    def remove(self) -> None:
        """Nothing of it is left."""
        if self.server is not None:
            self.server.stop(signal.SIGQUIT)
        if self.has_own_disk:
            subprocess.run(["umount", "-l", str(self.root / ".ingest")], check=False)
        shutil.rmtree(self.root, ignore_errors=True)


def project(root: Path, *, wants_own_disk: bool, receiver: str) -> Project:
    """A fresh project in `root`; its `.ingest` lies on a disk of its own where that is wanted and can be.

    The store is a file in there, or on a server of the campaign's own, as PIPELINE_STORE says.
    """
    for folder in ("tmp", "flaky", "outside", "processors", "logs", "backups", ".ingest"):
        (root / folder).mkdir(parents=True)
    for source in SOURCES:
        (root / "inbox" / source.name).mkdir(parents=True)
    for module in GIVEN.glob("*.py"):
        shutil.copy(module, root / "processors" / module.name)
    (root / "outside" / "secret.txt").write_text(SECRET)
    payments = '", "'.join(source.name for source in SOURCES if source.contents == "payments")
    text = (
        _CONFIG
        + "".join(source.toml() for source in SOURCES)
        + _PROCESSORS.format(payments=payments, receiver=receiver)
    )
    has_own_disk = wants_own_disk and _mount(root / ".ingest")
    own = _server() if chosen() == "postgresql" else None
    url = own.url(DATABASE) if own is not None else url_in(root / ".ingest")
    create_or_upgrade(url, root / ".ingest")
    (root / "ingest.toml").write_text(with_store(text, url))
    made = Project(root, has_own_disk=has_own_disk, server=own)
    made.archive.mkdir(mode=0o700, exist_ok=True)
    return made


def _server() -> Server:
    """It keeps what it has confirmed, also when it is killed."""
    own = server.new()
    own.start()
    own.run(f"CREATE DATABASE {DATABASE}")
    return own


def _mount(directory: Path) -> bool:
    """True when `directory` is a small disk of its own now; only root can see to that."""
    options = f"size={DISK},mode=0700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "torture", str(directory)]
    return os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
