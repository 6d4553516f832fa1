"""Small real disks that can be filled, and how a pipeline on them fares."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.crash.pipeline import Pipeline, wait_until
from tests.launching import Command

CORRECTED = 1  # e2fsck(8): errors were found, and all of them mended


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[Path]:
    """A tmpfs of so many bytes at `at`; the test is skipped where none can be mounted."""
    at.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", str(at)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk needs the right to mount a tmpfs")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


@contextmanager
def failing_disk(at: Path) -> Iterator[Path]:
    """An ext4 at `at`: with `fail` the kernel makes it read-only, `mend` is what its owner does then."""
    at.mkdir(parents=True, exist_ok=True)
    image = _image(at)
    with image.open("wb") as file:
        file.truncate(32 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", str(image)], capture_output=True, check=False)
    if os.geteuid() != 0 or made.returncode != 0 or not _mount(at):
        pytest.skip("a disk that fails needs ext4, a loop device and the right to mount it")
    try:
        at.chmod(0o700)
        if not _switch(at).exists():
            pytest.skip("this kernel has no switch that lets an ext4 fail")
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fail(disk: Path) -> None:
    """The kernel met an error on the disk and writes to it no more; whoever has files open keeps them."""
    os.sync()
    _switch(disk).write_text("tested")


def mend(disk: Path) -> None:
    """The disk was unmounted, which nobody may hinder, checked, and what it held mounted again.

    It is mounted from a copy: as long as another mount namespace, of another test, still knows the
    disk, the kernel would hand out the same file system once more, failed as it is.
    """
    subprocess.run(["umount", str(disk)], check=True)
    image, copy = _image(disk), _image(disk).with_suffix(".copy")
    shutil.copyfile(image, copy)
    copy.replace(image)
    checked = subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)
    assert checked.returncode <= CORRECTED, checked.stdout
    assert _mount(disk)


def _image(disk: Path) -> Path:
    return disk.with_name(f"{disk.name}.img")


def _mount(disk: Path) -> bool:
    command = ["mount", "-o", "loop,errors=remount-ro", str(_image(disk)), str(disk)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _switch(disk: Path) -> Path:
    device = disk.stat().st_dev
    name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    return Path(f"/sys/fs/ext4/{name}/trigger_fs_error")


def remount(at: Path, options: str) -> None:
    """The disk at `at` is mounted anew with these options."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(at)], check=True)


def fill(disk: Path) -> Path:
    """Nothing more fits on the disk until the file that is returned has gone."""
    filler = disk / ".filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            while True:
                try:
                    if file.write(bytes(size)) < size:
                        break
                except OSError:
                    break
    return filler


@contextmanager
def running(project: Pipeline, *args: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command runs while the block does; afterwards it has stopped cleanly."""
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    log = (project.root / f"{args[0]}.log").open("ab")
    process = Command(args, cwd=project.root, env=plain | env, stdout=log, stderr=log)
    try:
        wait_until(lambda: process.pid in project.live(), f"{args[0]} is up")
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, (project.root / f"{args[0]}.log").read_text()[-3000:]
    finally:
        process.kill()
        process.wait()
        log.close()


def problems(project: Pipeline) -> list[str]:
    """What `status --check` complains of; its exit code says the same."""
    done = project.run("status", "--json", "--check")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (3 if found["problems"] else 0)
    return [str(problem) for problem in found["problems"]]
