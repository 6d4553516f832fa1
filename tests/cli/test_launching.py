"""What the suite has forked from its launcher is like what was started: see `tests/launching.py`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests import launching
from tests.cli.project import SETTINGS, write
from tests.crash.pipeline import Pipeline, children, wait_until
from tests.launching import Command
from tests.patience import PATIENCE

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs handles of processes")

# What a processor sees of its worker's process, which a command here plays: imported by `ingest try`.
LOOK = """\
import gc, json, os, resource, signal, sys, threading
from ingest import Context, FileLanded, processor

SEEN = {
    "cwd": os.getcwd(),
    "environment": {name: value for name, value in os.environ.items() if name != "PWD"},
    "handles": [n for n in range(100) if os.path.exists(f"/proc/self/fd/{n}")],
    "where": [os.readlink(f"/proc/self/fd/{n}").partition(":")[0] for n in range(3)],
    "signals": [  # which are ignored is inherited from whoever runs the tests, and may change meanwhile
        repr(signal.getsignal(number)).replace("SIG_IGN: 1", "SIG_DFL: 0")
        for number in sorted(signal.valid_signals())
    ],
    "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "limits": [resource.getrlimit(each) for each in (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE)],
    "umask": os.umask(0o22),
    "argv": [sys.argv[1:], sys.orig_argv],
    "path": sys.path,
    "flags": repr(sys.flags),
    "collector": [gc.isenabled(), gc.get_threshold()],
    "threads": threading.active_count(),
    "main": sys.modules["__main__"].__spec__.name,
    "streams": [[s.fileno(), s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty(), s.name]
                for s in (sys.stdin, sys.__stdout__, sys.__stderr__)],
}
"""


ASKED = """
@processor(accepts=FileLanded, version="1")
def look(event: FileLanded, ctx: Context) -> None:
    with open("seen", "w") as file:
        json.dump(SEEN, file)
"""
TRY = ["try", "processors.look:look", "a.csv"]
Start = Callable[..., subprocess.Popen[bytes]]


def started(args: Sequence[str], **given: Any) -> subprocess.Popen[bytes]:
    """The command, really started."""
    return subprocess.Popen([sys.executable, "-m", "ingest", *args], **given)


either = pytest.mark.parametrize("start", [Command, started], ids=["launched", "started"])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path, SETTINGS, {})
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "processors").mkdir()
    (tmp_path / "processors/look.py").write_text(LOOK + ASKED)
    return tmp_path


def customization(home: Path, code: str) -> str:
    """A folder with a `sitecustomize.py` and nothing else."""
    folder = home / "customized"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code)
    return str(folder)


@pytest.mark.parametrize("customized", [False, True], ids=["as it is", "customized"])
def test_its_process_is_in_no_way_that_counts_another_than_one_that_was_started(
    home: Path, *, customized: bool
) -> None:
    environment = {**os.environ, "INGEST_WORK__LEASE": "9s", "ODD": "a\udcffb"}
    if customized:
        environment["PYTHONPATH"] = customization(home, "")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # no command of a test is given it
    found = []

    for start in (Command, started):
        with (home / "out").open("wb") as out, (home / "out").open("rb") as given:
            process = start(TRY, cwd=home, env=environment, stdin=given, stdout=out, stderr=subprocess.PIPE)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        found.append(json.loads((home / "seen").read_text()))

    assert found[0] == found[1]
    assert found[0]["environment"]["ODD"] == "a\udcffb"


@either
def test_what_it_printed_comes_whole_and_in_order_and_its_exit_code_is_its_own(
    home: Path, start: Start
) -> None:
    both = start(
        ["events", "list", "--limit", "nought"], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    helped = start(["--help"], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    assert both.communicate(timeout=PATIENCE)[0].startswith(b"error: ")
    assert both.returncode == 2
    assert helped.communicate(timeout=PATIENCE)[1] == b""
    assert helped.returncode == 0


@either
def test_it_dies_of_a_signal_and_of_an_interrupt_as_it_should(home: Path, start: Start) -> None:
    assert launching.run("watch", "--once", cwd=home).returncode == 0  # it makes the store

    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 0)):
        process = start(["watch"], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(partial(_is_up, home, process.pid), "it is up")
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)

        process.send_signal(number)

        assert process.wait() == code
        assert not Path(f"/proc/{process.pid}").exists()
        assert process.poll() == code


def _is_up(home: Path, pid: int) -> bool:
    return pid in Pipeline(home).live()


def test_what_decides_how_an_interpreter_starts_makes_it_a_real_start(home: Path) -> None:
    (home / "sitecustomize.py").write_text("import os; os._exit(77)")
    environment: Mapping[str, str] = {**os.environ, "PYTHONPATH": str(home)}

    assert launching.run("--version", cwd=home, env=environment).returncode == 77
    assert launching.run("--version", cwd=home).returncode == 0


@either
def test_a_folder_with_nothing_but_a_sitecustomize_is_imported_from_before_the_command_begins(
    home: Path, start: Start
) -> None:
    said = "import os, sys; os.write(1, repr(sys.orig_argv[1:]).encode())"
    environment = {**os.environ, "PYTHONPATH": customization(home, said)}

    process = start(["--version"], cwd=home, env=environment, stdout=subprocess.PIPE)

    out, _ = process.communicate(timeout=PATIENCE)
    assert out.startswith(b"['-m', 'ingest', '--version']ingest ")
    assert process.returncode == 0


def test_a_launcher_that_is_gone_is_replaced(home: Path) -> None:
    assert launching.run("--version", cwd=home).returncode == 0
    [launcher] = [
        pid for pid in children(os.getpid()) if b"launcher.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]

    os.kill(launcher, signal.SIGKILL)
    wait_until(
        lambda: Path(f"/proc/{launcher}/stat").read_text().rpartition(")")[2].split()[0] == "Z", "it is dead"
    )

    assert launching.run("--version", cwd=home).returncode == 0
