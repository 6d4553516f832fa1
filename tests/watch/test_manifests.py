"""Members land when their own digest verifies; what is missing or differs is known; nothing leads outside."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from ingest.store.sightings import Look
from ingest.watch.announced.manifests import Manifests
from ingest.watch.clock import Clock
from ingest.watch.seeing.root import Root, tuple_of
from ingest.watch.seeing.rules import PathRules
from tests.watch.place import LARGE, Place, new_place, until
from tests.watch.test_refusals import refused

WAITING = "SELECT path, reason FROM sightings WHERE state = 'settling' ORDER BY path"


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Place]:
    """A source whose files wait for a manifest."""
    with new_place(tmp_path) as place:
        place.set(complete="manifest")
        yield place


def line(name: str, data: bytes, *, kind: str = " ") -> str:
    return f"{hashlib.sha256(data).hexdigest()} {kind}{name}\n"


def told(place: Place, *, count: int) -> dict[bytes, str]:
    with place.watching():
        until(lambda: len(place.rows(WAITING)) == count)
        return {row[0]: row[1] for row in place.rows(WAITING)}


def test_members_land_whichever_comes_first_and_the_manifest_does_not(listed: Place) -> None:
    large = os.urandom(LARGE)
    listed.drop("in/a.csv", b"a")
    before = listed.once()
    listed.drop("in/all.sha256", (line("a.csv", b"a") + line("deep/b.bin", large, kind="*")).encode())
    listed.once()
    listed.drop("in/deep/b.bin", large)

    after = listed.once()

    assert (before.landed, before.waiting) == (0, 1)
    assert listed.landed() == [(b"in/a.csv", 1), (b"in/deep/b.bin", 1)]
    assert {e.data["complete"] for e in listed.events()} == {"manifest"}
    assert (after.waiting, listed.once().waiting) == (0, 0)


def test_what_sha256sum_writes_is_understood_whatever_the_names(listed: Place) -> None:
    for name in (
        b"plain.csv",
        b"back\\slash.csv",
        b"line\nbreak.csv",
        b"caf\xe9.csv",
        b" lead.csv",
        b"*star.csv",
    ):
        listed.drop(name, name)
    for flag, manifest in (("-b", "binary.sha256"), ("-t", "text.sha256")):
        found = subprocess.run(
            ["sh", "-c", f"sha256sum {flag} -- *.csv"], cwd=listed.inbox, capture_output=True, check=True
        )
        listed.drop(manifest, found.stdout)

    assert listed.once().landed == 6
    assert listed.once().waiting == 0


def test_a_running_watcher_lands_members_as_soon_as_their_manifest_comes(listed: Place) -> None:
    listed.set(rescan=timedelta(hours=1))
    with listed.watching():
        until(lambda: listed.one("SELECT count(last_scan_at) FROM sources") == 1)
        listed.drop("a.csv", b"a")
        listed.drop("all.sha256", line("a.csv", b"a").encode())

        until(lambda: listed.landed() == [(b"a.csv", 1)])


def test_what_is_missing_or_differs_or_is_not_named_is_known(
    listed: Place, caplog: pytest.LogCaptureFixture
) -> None:
    listed.drop("bad.csv", b"half")
    listed.drop("good.csv", b"good")
    listed.drop("stray.csv", b"stray")
    listed.drop(
        "all.sha256",
        (line("bad.csv", b"half and half") + line("good.csv", b"good") + line("gone.csv", b"gone")).encode(),
    )

    known = told(listed, count=3)

    assert known == {
        b"all.sha256": "2 of 3 members have not landed: bad.csv has another digest; gone.csv is not there",
        b"bad.csv": "its digest is not the one its manifest gives",
        b"stray.csv": "no manifest that is there names it",
    }
    assert listed.landed() == [(b"good.csv", 1)]
    assert "bad.csv: its digest is not the one its manifest gives" in caplog.text
    assert "gone.csv is not there" in caplog.text


def test_a_member_that_differs_is_read_once_and_lands_when_it_is_mended(listed: Place) -> None:
    listed.drop("a.csv", os.urandom(LARGE))
    listed.drop("all.sha256", line("a.csv", b"right").encode())
    assert [listed.once().landed for _ in range(2)] == [0, 0]
    assert listed.unfinished() == listed.objects() == []

    listed.drop("a.csv", b"right")

    assert listed.once().landed == 1


def test_a_new_manifest_under_the_same_name_replaces_what_the_former_said(listed: Place) -> None:
    listed.drop("a.csv", b"a")
    listed.drop("b.csv", b"b")
    listed.drop("all.sha256", line("a.csv", b"other").encode())
    first = listed.once()
    listed.drop("all.sha256", line("a.csv", b"a").encode())

    second = listed.once()

    assert (first.landed, second.landed) == (0, 1)
    assert listed.landed() == [(b"a.csv", 1)]
    assert told(listed, count=1) == {b"b.csv": "no manifest that is there names it"}


def test_a_member_sent_again_waits_for_its_new_manifest(listed: Place) -> None:
    listed.drop("a.csv", b"one")
    listed.drop("all.sha256", line("a.csv", b"one").encode())
    listed.once()
    listed.drop("a.csv", b"two")
    waiting = listed.once()
    listed.drop("all.sha256", line("a.csv", b"two").encode())

    listed.once()

    assert (waiting.landed, waiting.waiting) == (0, 1)
    assert listed.landed() == [(b"a.csv", 1), (b"a.csv", 2)]


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "x/../../secret", "a/./b", "a//b", "..", "\\../x"]
)
def test_a_manifest_that_leads_out_of_its_folder_is_refused_as_a_whole(listed: Place, path: str) -> None:
    (listed.root / "secret").write_bytes(b"secret")
    listed.drop("in/a.csv", b"a")
    start = "\\" if path.startswith("\\") else ""
    listed.drop("in/all.sha256", (line("a.csv", b"a") + start + line(path, b"secret")).encode())

    first, second = listed.once(), listed.once()

    assert (first.landed, first.refused, second.refused) == (0, 1, 0)
    assert refused(listed) == [("in/all.sha256", "manifest")]


def test_a_manifest_that_is_a_link_is_refused_and_not_read(listed: Place) -> None:
    outside = listed.root / "all"
    outside.write_text(line("a.csv", b"a"))
    listed.drop("a.csv", b"a")
    (listed.inbox / "all.sha256").symlink_to(outside)

    assert listed.once().landed == 0
    assert refused(listed) == [("all.sha256", "symlink")]


def test_a_manifest_too_large_to_be_one_is_refused(listed: Place) -> None:
    with (listed.inbox / "all.sha256").open("wb") as file:
        file.truncate(1 << 40)

    assert listed.once().refused == 1


def test_a_manifest_that_cannot_be_followed_is_refused_once_it_was_quiet_and_not_at_the_next_scan(
    listed: Place,
) -> None:
    listed.set(quiet=timedelta(seconds=0.2), rescan=timedelta(hours=1))
    with listed.watching():
        until(lambda: listed.one("SELECT count(last_scan_at) FROM sources") == 1)
        listed.drop("all.sha256", b"no manifest")

        until(lambda: refused(listed) == [("all.sha256", "manifest")])


def test_a_manifest_that_was_refused_is_not_refused_again_by_the_next_watcher(
    listed: Place, caplog: pytest.LogCaptureFixture
) -> None:
    listed.set(quiet=timedelta(seconds=0.1), rescan=timedelta(seconds=0.1))
    listed.drop("all.sha256", b"no manifest")
    with listed.watching():
        until(lambda: refused(listed) == [("all.sha256", "manifest")])
    caplog.clear()

    with listed.watching():
        before = listed.one("SELECT last_scan_at FROM sources")
        until(lambda: listed.one("SELECT last_scan_at FROM sources") > before + 500_000)

    assert listed.rows("SELECT state FROM sightings") == [("refused",)]
    assert "refused" not in caplog.text


def test_a_half_written_manifest_is_given_its_quiet_time(listed: Place) -> None:
    listed.set(quiet=timedelta(seconds=30))
    listed.drop("a.csv", b"a")
    listed.drop("all.sha256", line("a.csv", b"a").encode()[:50])
    assert told(listed, count=2)[b"all.sha256"].startswith("a manifest that cannot be followed yet: line 1")
    listed.set(quiet=timedelta(0))
    listed.drop("all.sha256", line("a.csv", b"a").encode())

    assert listed.once().landed == 1
    assert listed.events()[0].type == "ingest.file.landed.v1"


def test_a_restart_and_a_second_watcher_change_nothing(listed: Place) -> None:
    listed.drop("a.csv", b"a")
    listed.drop("b.csv", b"half")
    listed.drop("all.sha256", (line("a.csv", b"a") + line("b.csv", b"whole")).encode())

    summaries = [listed.once() for _ in range(3)]

    assert [(s.landed, s.waiting) for s in summaries] == [(1, 2), (0, 2), (0, 2)]


class CountingRoot(Root):
    """A directory that counts how often something below it was looked at."""

    looks = 0

    def look(self, path: bytes) -> os.stat_result | None:
        self.looks += 1
        return super().look(path)


@pytest.fixture
def root(listed: Place) -> Iterator[CountingRoot]:
    held = CountingRoot(listed.inbox)
    held.hold()
    yield held
    held.release()


def manifests(place: Place, root: Root, *, room: int) -> Manifests:
    source = place.settings.sources[0]
    return Manifests(source, root, PathRules(source), place.store, room=room)


def heard(source: Manifests, root: Root, path: Path) -> list[str]:
    """Why the manifest at `path` waits."""
    there = Look(os.fsencode(path.name), tuple_of(path.lstat()))
    now = Clock(partial(datetime.now, UTC)).read()
    return [waits.reason for waits in source.hear([there], now, 30).waits]


@pytest.mark.parametrize("said", [line("a.csv", b"a") + line("b.csv", b"b"), "no manifest"])
def test_a_manifest_that_was_withdrawn_holds_no_room(listed: Place, root: CountingRoot, said: str) -> None:
    source = manifests(listed, root, room=2)
    for number in range(2):
        first = listed.drop(f"{number}.sha256", said.encode())
        heard(source, root, first)
        first.unlink()
    later = listed.drop("later.sha256", (line("a.csv", b"a") + line("b.csv", b"b")).encode())

    (reason,) = heard(source, root, later)

    assert reason == "2 of 2 members have not landed: a.csv is not there; b.csv is not there"


def test_a_manifest_that_vanished_is_forgotten_with_all_it_said(listed: Place, root: CountingRoot) -> None:
    source = manifests(listed, root, room=2)
    manifest = listed.drop("all.sha256", line("a.csv", b"a").encode())
    heard(source, root, manifest)
    assert source.concerned([b"a.csv"]) != []

    source.forget(b"all.sha256")

    assert source.concerned([b"a.csv"]) == []


def test_what_is_missing_is_asked_after_only_where_it_is_named(listed: Place, root: CountingRoot) -> None:
    source = manifests(listed, root, room=1000)
    manifest = listed.drop("all.sha256", "".join(line(f"{n}.csv", b"") for n in range(200)).encode())
    heard(source, root, manifest)
    before = root.looks

    (reason,) = heard(source, root, manifest)

    assert reason.startswith("200 of 200 members have not landed: ")
    assert root.looks - before < 10
