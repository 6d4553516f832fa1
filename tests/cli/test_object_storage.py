"""An archive on object storage, from the command line."""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ingest.store.schema import metadata
from tests import objectstore, server
from tests.archive.places import Behind, behind, reached_at
from tests.cli.project import GOOD, SETTINGS, Ingest, error_of, running, spawned, until, write
from tests.crash.pipeline import Pipeline
from tests.objectstore import Answer, Proxy, Silence, well
from tests.patience import PATIENCE

ROWS = "".join(f"P-{number},ACC-1,10.00,EUR,2026-03-02,Alma,{'x' * 200}\n" for number in range(10, 800))
LARGE = GOOD + ROWS  # more than `inline_max`
DIGEST = hashlib.sha256(LARGE.encode()).hexdigest()


@dataclass
class Cloud:
    home: Path
    proxy: Proxy
    behind: Behind


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    location = objectstore.new_location()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    write(home, f'{SETTINGS}\n[store]\narchive = "{location}"\n', {"large.csv": LARGE})
    with objectstore.proxy() as proxy, reached_at(proxy.url):
        yield Cloud(home, proxy, behind(location))


def test_the_whole_way_of_a_large_file(cloud: Cloud, ingest: Ingest) -> None:
    assert ingest("watch", "--once").code == 0
    (cloud.home / "inbox" / "large.csv").unlink()
    assert cloud.behind.get(DIGEST) == LARGE.encode()

    assert spawned("work", "--once", "--json", cwd=cloud.home).json()["dead"] == 0
    replayed = ingest("replay", "payments", "--yes")
    assert replayed.code == 0
    assert spawned("work", "--once", "--json", cwd=cloud.home).json()["done"] == 1

    assert ingest("archive", "get", DIGEST).out == LARGE
    verified = ingest("archive", "verify", "--json").json()
    assert (verified["sound"], verified["checked"]) == (True, 1)
    assert ingest("status", "--check").code == 0
    found = ingest("doctor", "--json").json()["findings"]
    assert any(each["area"] == "archive" and "answers" in each["value"] for each in found)


def test_what_the_bucket_lost_is_named(cloud: Cloud, ingest: Ingest) -> None:
    ingest("watch", "--once")
    cloud.behind.remove(DIGEST)

    said = ingest("archive", "verify", "--json")

    assert (said.code, said.json()["missing"]) == (65, [DIGEST])


def test_a_store_that_is_away_is_69_to_who_reads_and_nothing_is_called_damaged(
    cloud: Cloud, ingest: Ingest
) -> None:
    ingest("watch", "--once")
    cloud.proxy.rule = lambda _method, _path: Answer(503, "SlowDown")

    for command in (("archive", "get", DIGEST), ("archive", "verify"), ("work", "--once")):
        said = spawned(*command, cwd=cloud.home)
        assert said.code == 69, command
        assert "answers 503" in said.err
    assert ingest("doctor").code == 3
    cloud.proxy.rule = well
    assert spawned("work", "--once", "--json", cwd=cloud.home).json()["done"] > 2


def test_a_file_that_cannot_be_stored_is_told_and_waits(cloud: Cloud, ingest: Ingest) -> None:
    ingest("init")
    cloud.proxy.rule = lambda _method, _path: Answer(403, "SignatureDoesNotMatch")

    said = ingest("watch", "--once", "--json")
    told = ingest("status", "--json")

    assert (said.code, said.json()["landed"], said.json()["failed"]) == (3, 0, 1)
    assert "refuses us: 403 SignatureDoesNotMatch" in told.json()["sources"][0]["error"]
    assert ingest("land", "inbox/large.csv", "--source", "inbox").code == 73
    cloud.proxy.rule = well
    assert ingest("watch", "--once", "--json").json()["landed"] == 1


def test_a_watcher_lands_by_itself_what_waited_for_its_store(cloud: Cloud, ingest: Ingest) -> None:
    ingest("init")
    cloud.proxy.rule = lambda _method, _path: Answer(500, "InternalError")

    with running("watch", cwd=cloud.home):
        until(lambda: "500" in (ingest("status", "--json").json()["sources"][0]["error"] or ""))
        cloud.proxy.rule = well
        until(lambda: ingest("status", "--json").json()["sources"][0]["landed"] == 1)

    assert cloud.behind.get(DIGEST) == LARGE.encode()


def test_a_watcher_that_was_killed_as_it_sent_loses_and_doubles_nothing(cloud: Cloud, ingest: Ingest) -> None:
    ingest("init")
    cloud.proxy.rule = lambda method, path: Silence() if method == "PUT" and "/sha256/" in path else None
    with running("watch", cwd=cloud.home) as watcher:
        until(lambda: cloud.proxy.count("PUT", "/sha256/"))
        assert any((cloud.home / ".ingest" / "outgoing" / "tmp").iterdir())
        watcher.send_signal(signal.SIGKILL)
        watcher.wait()
    cloud.proxy.rule = well

    assert ingest("watch", "--once", "--json").json()["landed"] == 1

    assert len(ingest("events", "list", "--json").lines()) == 1
    assert ingest("archive", "verify").code == 0
    assert not any((cloud.home / ".ingest" / "outgoing" / "tmp").iterdir())


def test_a_watcher_that_is_told_twice_to_stop_waits_for_no_answer(cloud: Cloud, ingest: Ingest) -> None:
    ingest("init")
    cloud.proxy.rule = lambda method, path: Silence() if method == "PUT" and "/sha256/" in path else None
    with running("watch", cwd=cloud.home) as watcher:
        until(lambda: cloud.proxy.count("PUT", "/sha256/"))

        watcher.terminate()
        until(lambda: "stopping" in ingest("status", "--json").out)
        watcher.terminate()

        assert watcher.wait(timeout=PATIENCE) == 128 + signal.SIGTERM


def test_without_the_extra_it_is_told_what_to_install(
    cloud: Cloud, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)

    said = ingest("watch", "--once", "--json")

    assert said.code == 78
    assert error_of(said)["hint"] == "pip install 'ingest[s3]'"


def test_a_worker_says_what_it_waits_for_charges_nobody_and_goes_on(cloud: Cloud, ingest: Ingest) -> None:
    ingest("watch", "--once")
    cloud.proxy.rule = lambda _method, _path: Answer(503, "SlowDown")

    with running("work", cwd=cloud.home):
        until(lambda: "answers 503" in ingest("status").out)
        asked = len(cloud.proxy.seen)
        told = ingest("status", "--json").json()["processors"]
        assert {(each["dead"], each["retrying"]) for each in told} == {(0, 0)}
        cloud.proxy.rule = well
        until(lambda: all(each["done"] for each in ingest("status", "--json").json()["processors"]))

    assert asked < 100


def test_what_one_host_received_another_processes_without_its_disk(cloud: Cloud, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with server.database() as name:
        settings = f'{SETTINGS}\n[store]\nurl = "{server.url(name)}"\narchive = "{cloud.behind.location}"\n'
        (other / "ingest.toml").write_text(settings)
        (cloud.home / "ingest.toml").write_text(settings)

        assert spawned("watch", "--once", "--json", cwd=cloud.home).json()["landed"] == 1
        shutil.rmtree(cloud.home)
        assert spawned("work", "--once", "--json", cwd=other).json()["dead"] == 0
        assert spawned("archive", "get", DIGEST, cwd=other).out == LARGE


def test_a_store_is_not_made_beside_an_archive_that_is_full(cloud: Cloud, ingest: Ingest) -> None:
    ingest("watch", "--once")
    Pipeline(cloud.home).lose_store()
    for seen in (cloud.home / ".ingest").glob("seen-*"):
        seen.unlink()  # as on another host, which cannot know what was there

    said = ingest("watch", "--once", "--json")

    assert said.code == 65
    assert error_of(said)["message"].startswith("the archive s3://")


def test_a_bucket_that_is_not_there_is_told_at_the_first_command(cloud: Cloud, ingest: Ingest) -> None:
    objectstore.ask("DELETE", objectstore.bucket_of(cloud.behind.location))

    said = ingest("init", "--json")

    assert said.code == 69
    assert "there is no such bucket" in error_of(said)["message"]


def test_no_credential_is_told_or_kept_anywhere(cloud: Cloud, ingest: Ingest) -> None:
    words = [
        spawned("-v", "--log-level", "debug", *command, cwd=cloud.home)
        for command in (
            ("watch", "--once"),
            ("work", "--once"),
            ("doctor",),
            ("config", "show"),
            ("status", "--json"),
        )
    ]
    cloud.proxy.rule = lambda _method, _path: Answer(403, "InvalidAccessKeyId")
    words += [
        ingest("-v", "--log-level", "debug", *command)
        for command in (("archive", "verify"), ("doctor",), ("archive", "get", DIGEST))
    ]

    told = "".join(said.out + said.err for said in words)
    store = Pipeline(cloud.home)
    kept = "".join(str(store.rows(f"SELECT * FROM {table}")) for table in metadata.tables)
    assert DIGEST in kept
    for secret in (objectstore.SECRET, objectstore.KEY_ID):
        assert secret not in told
        assert secret not in kept
