"""An object store that fails: said, waited out, and never an event without its bytes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.archive import Abandoned, Archive
from ingest.archive.bucket import PIECE, BucketObjects
from ingest.archive.client import Client
from ingest.archive.staging import Staged, Staging
from ingest.archive.verifying import verify
from ingest.config import Bucket
from ingest.errors import ArchiveDamaged, CannotWrite, Unreachable
from tests import objectstore
from tests.archive.places import Behind, behind, reached_at
from tests.objectstore import Answer, Cut, Fault, Proxy, Silence, Spoil, well
from tests.watch.place import LARGE, Place, new_place, until

DATA = os.urandom(LARGE)
DIGEST = hashlib.sha256(DATA).hexdigest()
IN_PARTS = os.urandom(2 * PIECE + 5)
IN_PARTS_DIGEST = hashlib.sha256(IN_PARTS).hexdigest()


PEAK = """
import os, resource, sys
from pathlib import Path
from ingest.archive.bucket import BucketObjects
from ingest.archive.staging import Staging
from ingest.config import Bucket

size = int(sys.argv[3])
objects = BucketObjects(Bucket(sys.argv[1], "memory"), Staging(Path(sys.argv[2])))
with open(sys.argv[2] + "/source", "w+b") as source:
    source.truncate(size)
    source.write(sys.argv[3].encode())
    source.seek(0)
    one = objects.stage(source.fileno(), "me", expected=size, should_stop=lambda: False)
objects.store([one])
file, found = objects.read(one.sha256)
assert (found, file.seek(0, 2)) == (one.sha256, size)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@dataclass
class Cloud:
    """A pipeline whose archive is reached through a proxy."""

    place: Place
    proxy: Proxy
    behind: Behind

    @property
    def landed(self) -> int:
        return len(self.place.landed())


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    location = objectstore.new_location()
    with (
        objectstore.proxy() as proxy,
        reached_at(proxy.url),
        new_place(tmp_path, archive=location) as place,
    ):
        yield Cloud(place, proxy, behind(location))


def impatient(cloud: Cloud) -> BucketObjects:
    """The objects, by a client that waits a short while for an answer."""
    location = cloud.behind.location
    assert isinstance(location, Bucket)
    client = Client(location, bound=timedelta(seconds=0.3))
    return BucketObjects(location, Staging(cloud.place.root / "outgoing"), client=client)


def staged(objects: BucketObjects, data: bytes, root: Path) -> Staged:
    source = root / "to-stage"
    source.write_bytes(data)
    handle = os.open(source, os.O_RDONLY)
    try:
        return objects.stage(handle, "watcher-1", expected=len(data), should_stop=lambda: False)
    finally:
        os.close(handle)


def on(method: str, within: str, fault: Fault) -> objectstore.Rule:
    return lambda asked, path: fault if asked == method and within in path else None


def test_bytes_are_in_the_bucket_when_the_event_is_there_and_no_second_time(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    assert cloud.behind.get(DIGEST) == DATA

    cloud.place.drop("two.bin", DATA)
    cloud.place.once()

    assert cloud.landed == 2
    assert cloud.proxy.answers("PUT", "/sha256/") == [200, 412]  # the second was refused: the object stood
    assert cloud.behind.get(DIGEST) == DATA


def test_a_large_content_goes_in_parts_and_not_again(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", IN_PARTS)
    cloud.place.once()
    assert (cloud.proxy.count("PUT", "partNumber"), cloud.behind.get(IN_PARTS_DIGEST)) == (3, IN_PARTS)

    cloud.place.drop("two.bin", IN_PARTS)
    cloud.place.once()

    assert (cloud.landed, cloud.proxy.count("PUT", "partNumber")) == (2, 3)


def test_small_contents_need_no_object_store(cloud: Cloud) -> None:
    cloud.place.drop("small.csv", b"small")

    cloud.place.once()

    assert (cloud.landed, cloud.proxy.seen) == (1, [])


@pytest.mark.parametrize(
    ("data", "method", "within", "fault", "said"),
    [
        (DATA, "PUT", "/sha256/", Answer(503, "SlowDown"), "answers 503 SlowDown"),
        (DATA, "PUT", "/sha256/", Answer(403, "InvalidAccessKeyId"), "refuses us: 403 InvalidAccessKeyId"),
        (DATA, "PUT", "/sha256/", Answer(404, "NoSuchBucket"), "there is no such bucket"),
        (IN_PARTS, "PUT", "partNumber=2", Answer(500, "InternalError"), "answers 500 InternalError"),
        (IN_PARTS, "POST", "uploadId", Answer(400, "InvalidPart"), "answers 400 InvalidPart"),
    ],
    ids=["503", "wrong key", "no bucket", "one part", "the last step"],
)
def test_what_the_store_refuses_is_no_event_and_lands_when_it_is_well(
    cloud: Cloud, data: bytes, method: str, within: str, fault: Fault, said: str
) -> None:
    cloud.place.drop("small.csv", b"small")
    cloud.place.drop("large.bin", data)
    cloud.proxy.rule = on(method, within, fault)

    with cloud.place.watching():
        until(lambda: said in cloud.place.one("SELECT coalesce(max(error), '') FROM sources"))
        assert cloud.place.landed() == [(b"small.csv", 1)]
        cloud.proxy.rule = well
        until(lambda: cloud.landed == 2)

    assert cloud.behind.get(hashlib.sha256(data).hexdigest()) == data
    assert cloud.place.unfinished() == []
    assert objectstore.KEY_ID not in cloud.place.one("SELECT coalesce(max(error), '') FROM sources")


def test_a_store_that_is_away_is_asked_ever_more_rarely_and_nothing_is_copied_for_it(cloud: Cloud) -> None:
    for number in range(20):
        cloud.place.drop(f"{number}.bin", os.urandom(LARGE))
    cloud.proxy.rule = lambda _method, _path: Answer(403, "AccessDenied")

    summary = cloud.place.once()

    assert (summary.landed, summary.failed) == (0, 20)
    assert len(cloud.proxy.seen) == 1  # the first try was enough
    assert cloud.place.unfinished() == []


def test_after_failures_it_is_left_alone_for_longer_and_longer(cloud: Cloud) -> None:
    objects = impatient(cloud)
    cloud.proxy.rule = lambda _method, _path: Answer(403, "AccessDenied")
    rests = []
    for _ in range(6):
        objects._rests_until = 0.0
        with pytest.raises(CannotWrite):
            objects.store([staged(objects, DATA, cloud.place.root)])
        rests.append(objects._rests_until - time.monotonic())
    asked = len(cloud.proxy.seen)

    with pytest.raises(CannotWrite, match="refuses us"):
        staged(objects, DATA, cloud.place.root)

    assert len(cloud.proxy.seen) == asked
    assert rests == sorted(rests)
    assert 20 < rests[-1] <= 30


def test_a_bucket_that_lost_everything_is_not_begun_anew(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    cloud.behind.remove(DIGEST)
    objectstore.ask("DELETE", f"{objectstore.bucket_of(cloud.behind.location)}/our/archive/ingest-archive")
    again = Archive(cloud.place.store, cloud.behind.location)

    with pytest.raises(Unreachable, match="there is no archive at s3://"):
        again.open(DIGEST)
    with pytest.raises(CannotWrite, match="has gone, with all its objects"):
        again.objects.make_directories()


def test_a_body_that_is_cut_short_is_fetched_again(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    faults: list[Fault] = [Cut(100)]
    cloud.proxy.rule = lambda asked, _path: faults.pop() if asked == "GET" and faults else None

    with cloud.place.archive.open(DIGEST) as file:
        assert file.read() == DATA


def test_a_body_that_is_always_cut_short_is_an_outage_and_no_damage(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    cloud.proxy.rule = on("GET", "/sha256/", Cut(100))

    for ask in (lambda: cloud.place.archive.open(DIGEST), lambda: verify(cloud.place.archive)):
        with pytest.raises(Unreachable, match="does not answer, or not to the end"):
            ask()


def test_bytes_that_were_changed_on_their_way_are_fetched_again(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    faults: list[Fault] = [Spoil()]
    cloud.proxy.rule = lambda asked, _path: faults.pop() if asked == "GET" and faults else None

    with cloud.place.archive.open(DIGEST) as file:
        assert file.read() == DATA


def test_bytes_that_stay_wrong_are_never_handed_out(cloud: Cloud) -> None:
    cloud.place.drop("one.bin", DATA)
    cloud.place.once()
    cloud.proxy.rule = on("GET", "/sha256/", Spoil())

    with pytest.raises(ArchiveDamaged, match=DIGEST):
        cloud.place.archive.open(DIGEST)


@pytest.mark.parametrize("data", [DATA, IN_PARTS], ids=["whole", "in parts"])
def test_what_stands_under_the_name_is_not_believed_but_read(cloud: Cloud, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    cloud.behind.put(digest, b"half of it")
    cloud.place.drop("one.bin", data)

    cloud.place.once()

    assert (cloud.landed, cloud.behind.get(digest)) == (1, data)


def test_a_store_that_says_nothing_is_not_waited_for_without_end(cloud: Cloud) -> None:
    objects = impatient(cloud)
    one = staged(objects, DATA, cloud.place.root)
    cloud.proxy.rule = on("PUT", "/sha256/", Silence())

    with pytest.raises(CannotWrite, match="does not answer"):
        objects.store([one])

    assert list(objects.staging.unfinished()) == []


def test_an_answer_that_does_not_come_is_asked_for_again(cloud: Cloud) -> None:
    objects = impatient(cloud)
    objects.store([staged(objects, DATA, cloud.place.root)])
    faults: list[Fault] = [Silence()]
    cloud.proxy.rule = lambda asked, _path: faults.pop() if asked == "GET" and faults else None

    file, found = objects.read(DIGEST)

    assert (file.read(), found, faults) == (DATA, DIGEST, [])
    file.close()


def test_an_upload_ends_when_the_watcher_is_to_stop(cloud: Cloud) -> None:
    objects = impatient(cloud)
    one = staged(objects, IN_PARTS, cloud.place.root)
    asked = iter([False, True])

    with pytest.raises(Abandoned):
        objects.store([one], should_stop=lambda: next(asked))

    assert [name for names in objects.shards() for name in names] == []
    assert list(objects.staging.unfinished()) == []
    assert b"<Upload>" not in objectstore.ask(
        "GET", f"{objectstore.bucket_of(cloud.behind.location)}?uploads"
    )


def test_bytes_that_the_disk_changed_on_their_way_are_not_stored(cloud: Cloud) -> None:
    objects = impatient(cloud)
    for data in (DATA, IN_PARTS):
        one = staged(objects, data, cloud.place.root)
        os.pwrite(one.handle, b"other bytes", len(data) - 11)

        with pytest.raises(CannotWrite, match="is not what it was"):
            objects.store([one])
        objects._rests_until = 0.0

    assert [name for names in objects.shards() for name in names] == []


def test_memory_stays_flat_however_large_a_content_is(cloud: Cloud, tmp_path: Path) -> None:
    few, many = (peak_of_both_ways(cloud, tmp_path, parts=parts) for parts in (6, 14))

    assert many < few + 4 * PIECE  # a content held whole would take twice as much


def peak_of_both_ways(cloud: Cloud, folder: Path, *, parts: int) -> int:
    """Bytes, of a process that stored so many parts and read them back."""
    argv = [objectstore.bucket_of(cloud.behind.location), str(folder), str(parts * PIECE)]
    with reached_at(objectstore.endpoint()):
        said = subprocess.check_output([sys.executable, "-c", PEAK, *argv])
    return int(said) * 1024
