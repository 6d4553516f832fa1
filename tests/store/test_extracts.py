"""What an event is about is found through its causes: a file as it landed, or a member of it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest

from ingest.archive.extracts import bytes_of
from ingest.domain.codec import new_event
from ingest.domain.events import Event, FileExtracted
from ingest.errors import ArchiveDamaged, NotFound
from ingest.store import outbox
from ingest.store.engine import Store
from tests.store.stage import NOON, a_draft, append
from tests.vetting.archives import Zipped, zip_of

CSV = b"a,b\n1,2\n"
INNER = zip_of(Zipped(name=b"a.csv", data=CSV))
OUTER = zip_of(Zipped(name=b"in.zip", data=INNER))


def extracted(id_: str, cause: str, member: list[str], data: bytes) -> Event:
    """The event of a member, which holds `data`."""
    fact = FileExtracted(
        source="acme",
        name=member[-1],
        path="/".join(["day.zip", *member]),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        media_type="text/csv",
        landed_at=NOON,
        fields={},
        encoding="utf-8",
        container=cause,
        member=member,
        content="archive:sha256:" + hashlib.sha256(OUTER).hexdigest(),
    )
    event = new_event(fact, id=id_, source="/ingest/acme", subject="a", time=NOON, partitionkey="k")
    return replace(event, causationid=cause)


def follower(id_: str, cause: str | None) -> Event:
    """An event that another brought about."""
    event = extracted(id_, "x", ["x"], b"")
    return replace(event, type="tests.thing.v1", data={}, causationid=cause)


def read(store: Store, event: Event) -> bytes:
    with bytes_of(store, event, io.BytesIO(OUTER)) as file:
        return file.read()


def test_an_event_at_a_root_is_about_the_file_that_landed(store: Store) -> None:
    assert read(store, follower("f", None)) == OUTER


def test_a_fact_is_about_the_nearest_member_among_its_causes(store: Store) -> None:
    first = extracted("m1", "root", ["in.zip"], INNER)
    second = extracted("m2", "m1", ["in.zip", "a.csv"], CSV)
    append(store, a_draft("root"), *(outbox.draft(event, origin="acme") for event in (first, second)))
    append(store, outbox.draft(follower("f2", "m2"), origin="acme"))

    assert read(store, first) == INNER
    assert read(store, second) == CSV
    assert read(store, follower("f1", "m1")) == INNER
    assert read(store, follower("f3", "f2")) == CSV
    assert read(store, follower("f0", "root")) == OUTER


def test_where_nothing_says_any_more_which_member_it_is_no_other_bytes_are_given(store: Store) -> None:
    file = io.BytesIO(OUTER)

    with pytest.raises(NotFound, match="which says where its bytes are, was retired"):
        bytes_of(store, follower("f", "gone"), file)
    assert file.closed


@pytest.mark.parametrize(
    ("member", "data"), [(["b.csv"], CSV), (["in.zip"], CSV), (["in.zip", "a.csv"], b"x")]
)
def test_a_member_that_is_not_what_was_told_is_damaged(store: Store, member: list[str], data: bytes) -> None:
    with pytest.raises(ArchiveDamaged, match="cannot be taken out again"):
        read(store, extracted("m", "root", member, data))
