"""What is no file is refused, visibly and once, and never opened; what cannot be read is tried again."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ingest.watch.seeing.rules import verdict
from tests.watch.place import Place, as_nobody


def refused(place: Place) -> list[tuple[str, str]]:
    return [
        (event.data["path"], event.data["reason"])
        for event in place.events()
        if event.type == "ingest.file.refused.v1"
    ]


@pytest.mark.parametrize("target", ["/etc/passwd", "/dev/zero", "nowhere", "link.csv", ".", ".."])
def test_a_symbolic_link_is_refused_wherever_it_leads(place: Place, target: str) -> None:
    (place.inbox / "link.csv").symlink_to(target)

    summary = place.once()

    assert (summary.landed, summary.refused) == (0, 1)
    assert refused(place) == [("link.csv", "symlink")]


def test_a_named_pipe_is_refused_and_blocks_nothing(place: Place) -> None:
    os.mkfifo(place.inbox / "pipe.csv")
    place.drop("good.csv")

    summary = place.once()

    assert (summary.landed, summary.refused) == (1, 1)
    assert refused(place) == [("pipe.csv", "fifo")]


def test_a_socket_is_refused(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(place.inbox, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{here}/s")
        os.close(here)

        place.once()

    assert refused(place) == [("s", "socket")]


def test_a_device_is_refused(place: Place) -> None:
    try:
        os.mknod(place.inbox / "null.csv", 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")

    place.once()

    assert refused(place) == [("null.csv", "device")]


def test_what_is_refused_is_said_once_however_often_it_is_scanned(place: Place) -> None:
    (place.inbox / "link.csv").symlink_to("/etc/passwd")

    counts = [place.once().refused for _ in range(3)]

    assert counts == [1, 0, 0]
    assert place.rows("SELECT state, reason FROM sightings") == [
        ("refused", "symlink: a symbolic link is never followed")
    ]
    assert place.one("SELECT refused FROM sources") == 1


def test_another_link_under_the_same_name_is_refused_anew(place: Place) -> None:
    for target in ("/etc/passwd", "/etc/shadow"):
        (place.inbox / "link.csv").unlink(missing_ok=True)
        (place.inbox / "link.csv").symlink_to(target)
        place.once()

    first, second = place.events()
    assert (first.keyseq, second.keyseq) == (1, 2)


def test_a_file_lands_where_a_link_was_refused(place: Place) -> None:
    link = place.inbox / "a.csv"
    link.symlink_to("/etc/passwd")
    place.once()
    link.unlink()
    place.drop("a.csv", b"now a file")

    place.once()

    assert place.landed() == [(b"a.csv", 1)]
    assert place.one("SELECT state FROM sightings") == "landed"


def test_a_link_in_place_of_a_landed_file_is_refused_and_the_content_stands(place: Place) -> None:
    place.drop("a.csv", b"same").unlink()
    place.drop("a.csv", b"same")
    place.once()
    (place.inbox / "a.csv").unlink()
    (place.inbox / "a.csv").symlink_to("/etc/passwd")
    place.once()
    assert place.one("SELECT state FROM sightings") == "refused"
    (place.inbox / "a.csv").unlink()
    place.drop("a.csv", b"same")

    summary = place.once()

    assert (summary.landed, summary.redelivered) == (0, 1)


def test_links_to_folders_are_not_entered(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "keys.csv").write_bytes(b"secret")
    (place.inbox / "way").symlink_to(secret)

    summary = place.once()

    assert (summary.landed, summary.refused) == (0, 1)


def test_an_ignored_name_is_not_refused_whatever_it_is(place: Place) -> None:
    (place.inbox / ".link").symlink_to("/etc/passwd")

    assert place.once().refused == 0


def test_an_unreadable_file_is_blocked_and_the_others_go_on(place: Place) -> None:
    place.once()  # everything is imported before rights are given up
    yield_to_nobody(place)
    locked = place.drop("locked.csv", b"secret")
    locked.chmod(0)
    place.drop("open.csv", b"open")
    yield_to_nobody(place)

    with as_nobody():
        first, second = place.once(), place.once()

    assert (first.landed, first.failed) == (1, 1)
    assert (second.landed, second.failed) == (0, 1)
    assert place.rows("SELECT path, reason FROM sightings WHERE state = 'blocked'") == [
        (b"locked.csv", "permission: Permission denied")
    ]
    state, error = place.rows("SELECT state, error FROM sources")[0]
    assert state == "degraded"
    assert "locked.csv" in error
    locked.chmod(0o644)
    with as_nobody():
        assert place.once().landed == 1
    assert place.rows("SELECT state, error FROM sources") == [("ok", "")]


def test_an_unreadable_folder_is_blocked_and_the_others_go_on(place: Place) -> None:
    place.once()
    place.drop("locked/a.csv", b"a")
    place.drop("open/b.csv", b"b")
    yield_to_nobody(place)
    (place.inbox / "locked").chmod(0)

    with as_nobody():
        summary = place.once()

    assert (summary.landed, summary.failed) == (1, 1)
    assert place.rows("SELECT path FROM sightings WHERE state = 'blocked'") == [(b"locked",)]
    (place.inbox / "locked").chmod(0o755)
    with as_nobody():
        assert place.once().landed == 1
    assert place.rows("SELECT state FROM sightings") == [("landed",), ("landed",)]


def test_the_rules_say_why_a_path_is_taken_or_not(place: Place) -> None:
    place.set(include=("*.csv", "deep/**"), ignore=("old*",))
    source = place.settings.sources[0]

    words = {
        path: (rule.word, rule.pattern, rule.is_built_in)
        for path in (b"a.csv", b"a.txt", b"old.csv", b"a.csv.part", b"deep/b.txt")
        for rule in [verdict(source, path)]
    }

    assert words == {
        b"a.csv": ("included", "*.csv", False),
        b"a.txt": ("not included", "", False),
        b"old.csv": ("ignored", "old*", False),
        b"a.csv.part": ("ignored", "**/*.part", True),
        b"deep/b.txt": ("included", "deep/**", False),
    }


def yield_to_nobody(place: Place) -> None:
    """Everything of the place belongs to the user that `as_nobody` becomes."""
    if os.geteuid() != 0:
        return
    for above in (place.root, *place.root.parents):
        if above.name.startswith(("pytest-", "popen-")) or above == place.root:
            above.chmod(0o755)
    for at, folders, files in os.walk(place.root):
        for name in (".", *folders, *files):
            os.chown(Path(at, name), 65534, 65534, follow_symlinks=False)
