"""Modules that do their worst when they are imported: it is said, and nobody else ends or hangs."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.config import ProcessorSettings
from ingest.errors import ProcessorUnloadable, TryAgain, UsageError
from ingest.registry import find
from ingest.work.asking import ask_now
from ingest.work.declared import Declared
from tests.crash.pipeline import Pipeline, children, pipeline, wait_until
from tests.patience import PATIENCE

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc"),
    pytest.mark.timeout(300),  # they start many processes; how fast depends on who shares the machine
]

CONFIG = """\
version = 1

[work]
concurrency = 1
lease = "30s"
start_timeout = "TIME"

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"
rescan = "1s"

[[processor]]
name = "good"
use = "good:good"

[[processor]]
name = "bad"
use = "bad:bad"
"""
GOOD = """\
from ingest import Context, FileLanded, processor, table

DONE = table("NAME_done", name=str, size=int | None, unique="name")


@processor(accepts=FileLanded, version="7")
def NAME(event: FileLanded, ctx: Context) -> None:
    ctx.insert(DONE, {"name": event.name})
"""
HEAD = """\
import ctypes, os, signal, subprocess, sys, time
from pathlib import Path

HERE = Path(__file__).parent.parent
"""
DAEMON = """\
daemon = subprocess.Popen(["sleep", "1000"], start_new_session=True)
(HERE / "daemon").write_text(str(daemon.pid))
"""
GARBAGE = """\
for link in Path("/proc/self/fd").iterdir():
    try:
        os.write(int(link.name), b'{"kind": "declared", "name": "bad", "declared": 1}\\n')
    except OSError:
        pass
"""
PARENT = """\
if "ingest.work.declare" in Path(f"/proc/{os.getppid()}/cmdline").read_text():
    os.kill(os.getppid(), signal.SIGKILL)
time.sleep(1000)
"""
ENDINGS = {
    "ctypes.string_at(0)": "ended the process: killed by SIGSEGV",
    "os._exit(9)": "ended the process: exited with status 9",
    PARENT: "ended the process: killed by SIGKILL",
    "for _ in range(100): os.write(1, bytes(2**20))\nos._exit(0)": (
        "ended the process: exited with status 0; it printed 104857600 bytes, not repeated here"
    ),
    "os.closerange(3, 256)": "ended the process: exited with status 1; it printed",
    f"{DAEMON}os._exit(3)": "ended the process: exited with status 3",
    GARBAGE: "said what is no report",
}
IN_A_CHILD = 'if "ingest.work.child" in sys.orig_argv and not (HERE / "mended").exists():\n    '
COUNTED = f'{IN_A_CHILD}os.write(os.open(HERE / "starts", 0o2101), b"%f " % time.monotonic()); '


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    made = pipeline(tmp_path / "p", CONFIG.replace("TIME", "20s"))
    (made.root / "processors").mkdir()
    write(made, "good", "")
    return made


def write(project: Pipeline, name: str, act: str) -> None:
    """The module `name` does this when it is imported, before it declares its processor."""
    text = f"{HEAD}{act}\n{GOOD.replace('NAME', name)}"
    (project.root / "processors" / f"{name}.py").write_text(text)


def give(project: Pipeline, seconds: str, lease: str = "30s") -> None:
    """The imports may take so long."""
    text = CONFIG.replace("TIME", seconds).replace('lease = "30s"', f'lease = "{lease}"')
    project.configure(text)


def asked(project: Pipeline, seconds: float = 30) -> dict[str, Declared]:
    both = [ProcessorSettings(name=name, use=f"{name}:{name}") for name in ("good", "bad")]
    return ask_now(both, local=project.root / "processors", limit=timedelta(seconds=seconds))


def subscribed(project: Pipeline) -> list[str]:
    return [row[0] for row in project.rows("SELECT processor FROM subscriptions ORDER BY 1")]


def done(project: Pipeline) -> int:
    return sum(project.rows(f"SELECT count(*) FROM {name}_done")[0][0] for name in ("good", "bad"))


@contextmanager
def service(project: Pipeline, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command runs within the block, and ends cleanly with it."""
    process = project.start(*args)
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        with suppress(ValueError):
            process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "act", ENDINGS, ids=["crash", "exit", "parent", "flood", "handles", "daemon", "forged"]
)
def test_a_module_that_ends_its_process_ends_no_other_and_is_named(project: Pipeline, act: str) -> None:
    write(project, "bad", act)

    with pytest.raises(TryAgain if act == PARENT else ProcessorUnloadable) as raised:
        asked(project)

    assert raised.value.message.startswith(f"the import of processor 'bad' {ENDINGS[act]}")
    assert no_daemon_is_left(project)


def test_a_module_that_does_not_come_to_an_end_is_ended(project: Pipeline) -> None:
    write(project, "bad", f"{DAEMON}time.sleep(1000)")

    with pytest.raises(ProcessorUnloadable, match="processor 'bad' took longer than 5 s"):
        asked(project, seconds=5)

    assert no_daemon_is_left(project)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("bytearray(2**33)", "bad.py, line 5: MemoryError"),
        ("1 +", "bad.py, line 5: SyntaxError: invalid syntax"),
    ],
)
def test_a_module_that_raises_is_told_by_file_and_line(project: Pipeline, act: str, said: str) -> None:
    write(project, "bad", act)

    with pytest.raises(UsageError, match=said):
        asked(project)


def test_whoever_asks_is_told_what_the_code_declares(project: Pipeline) -> None:
    write(project, "bad", "for _ in range(100): os.write(1, bytes(2**20))")
    options = {"url": "https://example.org"}
    bundled = [
        ProcessorSettings(name=name, use=f"{name}:{name}", options=options)
        for name in ("payments", "ledger", "notify")
    ]

    found = ask_now(bundled, local=None, limit=timedelta(seconds=30))

    assert found == {
        each.name: Declared.of(find(each.use).processor, each.name, options, origin="bundled")
        for each in bundled
    }
    assert asked(project)["bad"].version == "7"


def test_a_command_says_in_one_line_that_an_import_does_not_end_and_changes_nothing(
    project: Pipeline,
) -> None:
    write(project, "bad", "print('a secret', flush=True)\ntime.sleep(1000)")
    give(project, "4s")

    for args in (("work", "--once"), ("config", "check"), ("processors", "add", "bad")):
        ended = project.run(*args)

        assert ended.returncode == 2, args
        assert ended.stderr.count(b"\n") == 1
        assert b"the import of processor 'bad' took longer than 4 s; it printed 9 bytes" in ended.stderr
        assert b"secret" not in ended.stderr
    assert subscribed(project) == []
    assert project.live() == []


def test_while_an_import_hangs_files_land_and_it_is_said_until_it_does_not(project: Pipeline) -> None:
    (project.root / "hang").touch()
    write(project, "bad", "while (HERE / 'hang').exists(): time.sleep(0.01)")
    give(project, "4s", lease="6s")
    project.drop("a", b"a")

    with service(project, "run"):
        wait_until(lambda: bool(project.rows("SELECT 1 FROM landings")), "a file lands")
        wait_until(lambda: "the import of processor 'bad'" in problems(project), "it is said")
        [before] = beats(project)
        wait_until(lambda: beats(project) != [before], "the worker beats its lease")
        (project.root / "hang").unlink()
        wait_until(lambda: subscribed(project) == ["bad", "good"], "it is loaded")
        wait_until(lambda: done(project) == 2, "the file is worked")
        assert "the import" not in problems(project)
    project.assert_sound()


def test_a_worker_whose_import_hangs_stops_when_it_is_asked_to(project: Pipeline) -> None:
    write(project, "bad", "(HERE / 'began').touch()\ntime.sleep(1000)")

    with service(project, "work") as worker:
        wait_until((project.root / "began").exists, "the import hangs")
        importing = children(worker.pid)

    assert [pid for pid in importing if Path(f"/proc/{pid}").exists()] == []
    assert project.rows("SELECT id FROM workers WHERE kind = 'worker'") == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("print('word'); sys.stdout.flush(); os._exit(9)", b"exited with status 9; it printed 5 bytes"),
        ("while True: os.write(1, b'word'); time.sleep(0.01)", b"it was not ready after 8 s; it printed"),
    ],
)
def test_a_run_whose_processes_cannot_start_says_so_and_ends(
    project: Pipeline, act: str, said: bytes
) -> None:
    write(project, "bad", IN_A_CHILD + act)
    give(project, "8s" if "while" in act else "20s")
    project.drop("a", b"a")
    project.ok("watch", "--once")

    ended = project.run("work", "--once")

    assert ended.returncode == 2
    assert b"the work process cannot start: " + said in ended.stderr.splitlines()[-1]
    assert b"word" not in ended.stderr
    assert project.rows("SELECT count(*) FROM attempts") == [(0,)], "no file is charged for it"


def test_a_service_whose_processes_cannot_start_tries_less_often_and_goes_on_once_they_can(
    project: Pipeline,
) -> None:
    write(project, "bad", f"{COUNTED}os._exit(9)")
    project.drop("a", b"a")
    project.ok("watch", "--once")

    with service(project, "work"):
        wait_until((project.root / "starts").exists, "one was tried")
        wait_until(lambda: len(starts(project)) == 5, "more were tried than the first three")
        assert "the work process cannot start: exited with status 9" in problems(project)
        (project.root / "mended").touch()
        wait_until(lambda: done(project) == 2, "the file is worked")

    assert starts(project)[4] - starts(project)[3] >= 2
    project.assert_sound()


def problems(project: Pipeline) -> str:
    """What `status --check` finds wrong; empty where it finds nothing."""
    checked = project.run("status", "--check", "--json")
    found = json.loads(checked.stdout)["problems"]
    assert checked.returncode == (3 if found else 0)
    return "; ".join(found)


def beats(project: Pipeline) -> list[tuple[str, int]]:
    return project.rows("SELECT id, beat_at FROM workers WHERE kind = 'worker' AND state = 'active'")


def starts(project: Pipeline) -> list[float]:
    return [float(moment) for moment in (project.root / "starts").read_text().split()]


def no_daemon_is_left(project: Pipeline) -> bool:
    """True when none was begun, or it is dead: whoever it fell to may not have taken note yet."""
    if not (project.root / "daemon").exists():
        return True
    try:
        stat = Path(f"/proc/{(project.root / 'daemon').read_text()}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_nothing_is_left_of_a_process_that_was_asked(
    project: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    write(project, "bad", "import tempfile; tempfile.mkdtemp(); tempfile.mkstemp()")

    asked(project)

    assert list((tmp_path / "tmp").iterdir()) == []
    assert len(list(Path("/proc/self/fd").iterdir())) == before
