"""A process is proved alive, or dead, by the lock the kernel keeps for it."""

import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from ingest.store import presence
from ingest.store.presence import CHILDREN, Board, Presence, Running
from tests.watch.mounts import tmpfs

RAN = Running(7, 3, 2, 1_000, 2_000)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "workers"


@pytest.fixture
def stranger(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that is present, runs something, has a child of its own, and waits to be killed."""
    program = """
        import subprocess, sys
        from pathlib import Path
        from ingest.store.presence import Presence, Running
        with Presence(Path(sys.argv[1]), "worker") as me:
            me.board.write(5, Running(7, 3, 2, 1_000, 2_000))
            child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
            print(me.id, child.pid, flush=True)
            sys.stdin.read()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", dedent(program), str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def introduce(stranger: "subprocess.Popen[str]") -> tuple[str, int]:
    assert stranger.stdout is not None
    worker, child = stranger.stdout.readline().split()
    return worker, int(child)


def test_who_is_present_is_not_dead_until_it_leaves(directory: Path) -> None:
    with Presence(directory, "worker") as me:
        while_here = presence.is_dead(directory, me.id)

    assert (while_here, presence.is_dead(directory, me.id)) == (False, True)
    assert list(directory.iterdir()) == []


def test_ids_say_the_kind_and_are_unique_per_start(directory: Path) -> None:
    with Presence(directory, "worker") as one, Presence(directory, "watcher") as other:
        assert one.id.startswith("worker-")
        assert other.id.startswith("watcher-")
        assert one.id.split("-")[1] != other.id.split("-")[1]


def test_a_process_that_was_killed_is_dead_at_once_though_its_children_live(
    directory: Path, stranger: "subprocess.Popen[str]"
) -> None:
    worker, child = introduce(stranger)
    before = presence.is_dead(directory, worker)

    stranger.kill()
    stranger.wait()

    os.kill(child, 0)
    assert (before, presence.is_dead(directory, worker)) == (False, True)


def test_a_process_that_is_stopped_is_not_dead(directory: Path, stranger: "subprocess.Popen[str]") -> None:
    worker, _ = introduce(stranger)

    stranger.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, stranger.pid, os.WSTOPPED)

    assert not presence.is_dead(directory, worker)


def test_the_last_words_of_a_process_that_was_killed_say_what_its_children_ran(
    directory: Path, stranger: "subprocess.Popen[str]"
) -> None:
    worker, _ = introduce(stranger)
    stranger.kill()
    stranger.wait()

    assert presence.last_words(directory, worker) == [RAN]

    presence.forget(directory, worker)
    presence.forget(directory, worker)
    assert presence.last_words(directory, worker) is None


def test_asking_whether_it_is_dead_does_not_make_it_look_alive_to_others(directory: Path) -> None:
    with Presence(directory, "worker") as me:
        path = me.path
        kept = path.read_bytes()
    path.write_bytes(kept)
    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # another that asks at this very moment

        assert presence.is_dead(directory, me.id)
    finally:
        os.close(handle)


def test_who_began_here_and_has_no_file_is_dead(directory: Path) -> None:
    with Presence(directory, "worker") as me:
        me.path.unlink()

        assert presence.is_dead(directory, me.id)


def test_nothing_is_proved_of_who_began_in_another_directory(directory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "workers"
    with Presence(directory, "worker") as me, Presence(other, "worker") as another:
        assert not presence.is_dead(directory, another.id)
        assert not presence.is_dead(other, me.id)
        assert not presence.is_dead(tmp_path / "none" / "workers", me.id)
    assert not presence.is_dead(directory, another.id)


def test_nothing_is_proved_where_the_mark_was_copied_to(directory: Path, tmp_path: Path) -> None:
    with Presence(directory, "watcher") as living:
        copied = tmp_path / "copy" / "workers"
        copied.mkdir(parents=True)
        shutil.copy2(directory.with_name("place"), copied.with_name("place"))

        assert not presence.is_dead(copied, living.id)
        with Presence(copied, "watcher") as another:
            assert not presence.is_dead(directory, another.id)
    assert presence.is_dead(directory, living.id)


def test_nothing_is_proved_on_a_host_of_another_name(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Presence(directory, "watcher") as living:
        pass
    monkeypatch.setattr("socket.gethostname", lambda: "another")

    assert not presence.is_dead(directory, living.id)


@pytest.mark.parametrize("said", [b"", b"\0\0\0\0\0\0", b"\xff\xfe", b"../../", b"abcdef\n", None])
def test_a_mark_that_a_power_cut_spoiled_only_leaves_it_to_the_lease(
    directory: Path, said: bytes | None
) -> None:
    spoiled = directory.with_name("place")
    if said is None:
        spoiled.mkdir()
    else:
        spoiled.write_bytes(said)

    with Presence(directory, "worker") as me:
        assert re.fullmatch("worker-[0-9a-f]{10}", me.id)
        assert not presence.is_dead(directory, me.id)
    assert not presence.is_dead(directory, me.id)


def test_who_was_killed_before_ids_said_where_they_began_is_dead(directory: Path) -> None:
    with Presence(directory, "worker"):
        (directory / "worker-0123456789abcdef.lock").touch()

        assert presence.is_dead(directory, "worker-0123456789abcdef")
        assert presence.abandoned(directory) == ["worker-0123456789abcdef"]


def test_every_slot_of_a_board_says_what_its_child_runs(directory: Path) -> None:
    with Presence(directory, "worker") as me, me.path.open("r+b") as file:
        theirs = Board(file.fileno())
        me.board.write(0, RAN)
        me.board.write(CHILDREN - 1, Running(2**62, 2**62, 2**62, 2**62))
        me.board.write(1, RAN)
        me.board.write(1, None)

        found = [theirs.read(slot) for slot in (0, 1, 2, CHILDREN - 1)]
        theirs.close()

        assert found == [RAN, None, None, Running(2**62, 2**62, 2**62, 2**62)]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_files_and_directories_are_private_whatever_the_umask(directory: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with Presence(directory, "worker") as me:
            modes = [stat.S_IMODE(path.stat().st_mode) for path in (me.path, directory)]
    finally:
        os.umask(before)

    assert modes == [0o600, 0o700]


def test_the_lock_files_lie_beside_the_store(tmp_path: Path) -> None:
    assert presence.directory_of(tmp_path / "ingest.db") == tmp_path / "workers"


def test_a_full_disk_ends_no_process_that_is_present_and_lets_no_other_be(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from ingest.errors import CannotWrite
        from ingest.store.presence import CHILDREN, Presence, Running
        directory = Path(sys.argv[1])
        with Presence(directory, "worker") as me, (directory / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                pass
            for slot in range(CHILDREN):
                me.board.write(slot, Running(7, 3, 2, 1_000, 2_000))
            try:
                Presence(directory, "worker")
            except CannotWrite:
                print(sorted(path.name for path in directory.glob("*.lock")) == [me.path.name])
    """

    with tmpfs(tmp_path / "disk", size="64k") as disk:
        ended = subprocess.run(
            [sys.executable, "-c", dedent(program), str(disk)], check=False, capture_output=True, text=True
        )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "True\n", "")
