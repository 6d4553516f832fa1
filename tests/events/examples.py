"""One event of every fact about files, as it was written when its version was released.

The file `golden/<name>.json` holds the bytes of the example of that name. What
stands there is never edited: a new version gets an example and a file of its own.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ingest.domain.codec import new_event
from ingest.domain.events import (
    DuplicateFileReceived,
    Event,
    FileExtracted,
    FileLanded,
    FileRefused,
    ReconcileCompleted,
    WatchGapDetected,
)

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
FIRST = "e75663bde9c7aa8742737e331b172ff681b6e3451b1186f6d6b9872f283d310c"
THIRD = "93785b267fdae9e96f95980f9b2ba5fa29a61f66a2772d76b68414210b88646c"
SECOND = "619c91e33ac41b58af129d84eaf17dd01202152faf66b4cfab496747371e51c3"

LANDED = FileLanded(
    source="acme",
    name="payments.csv",
    path="in/payments.csv",
    size=0,
    sha256=EMPTY,
    media_type="text/csv",
    version=1,
    supersedes=None,
    duplicateof=None,
    landed_at=NOON,
    complete="stable+lease",
    fields={},
    encoding="utf-8",
    content=f"archive:sha256:{EMPTY}",
)
LANDED_IN_FULL = FileLanded(
    source="acme",
    name="M\\xe4rz 50%.csv",
    path="in/M\\xe4rz 50%.csv",
    size=0,
    sha256=EMPTY,
    media_type="text/csv",
    version=3,
    supersedes=FIRST,
    duplicateof=THIRD,
    landed_at=NOON,
    complete="renamed",
    fields={"account": "GB00X", "größe": "ü"},
    encoding="latin-1",
    content=f"archive:sha256:{EMPTY}",
    name_b64=b64encode(b"M\xe4rz 50%.csv").decode(),
    path_b64=b64encode(b"in/M\xe4rz 50%.csv").decode(),
)
EXTRACTED = FileExtracted(
    source="acme",
    name="März.csv",
    path="in/2026.zip/inner.tar/März.csv",
    size=6,
    sha256=HELLO,
    media_type="text/csv",
    landed_at=NOON,
    fields={"account": "GB00X"},
    encoding="utf-8",
    container=FIRST,
    member=["inner.tar", "März.csv"],
    content=f"archive:sha256:{EMPTY}",
)
REFUSED = FileRefused(
    source="acme",
    name="passwd",
    path="in/passwd",
    size=11,
    reason="symlink",
    message="a symbolic link is never followed",
    refused_at=NOON,
)
REFUSED_IN_FULL = FileRefused(
    source="acme",
    name="\\xff.csv",
    path="in/\\xff.csv",
    size=0,
    reason="fifo",
    message="a pipe is never opened",
    refused_at=NOON,
    name_b64=b64encode(b"\xff.csv").decode(),
    path_b64=b64encode(b"in/\xff.csv").decode(),
)
DUPLICATE = DuplicateFileReceived(
    source="acme",
    name="again.csv",
    path="in/again.csv",
    size=6,
    sha256=HELLO,
    duplicateof=FIRST,
    received_at=NOON,
    complete="stable+lease",
    content=f"archive:sha256:{HELLO}",
)
DUPLICATE_IN_FULL = DuplicateFileReceived(
    source="acme",
    name="\\xff.csv",
    path="in/\\xff.csv",
    size=6,
    sha256=HELLO,
    duplicateof=FIRST,
    received_at=NOON,
    complete="renamed",
    content=f"archive:sha256:{HELLO}",
    name_b64=b64encode(b"\xff.csv").decode(),
    path_b64=b64encode(b"in/\xff.csv").decode(),
)

GAP = WatchGapDetected(
    source="acme",
    number=3,
    reason="overflow",
    message="more notifications came than could be held",
    detected_at=NOON,
)
RECONCILED = ReconcileCompleted(
    source="acme", number=3, reason="overflow", gap=FIRST, entries=17, completed_at=NOON
)

Fact = (
    FileLanded | FileExtracted | FileRefused | DuplicateFileReceived | WatchGapDetected | ReconcileCompleted
)


def event_of(fact: Fact, id_: str, subject: str) -> Event:
    """`fact` in its envelope."""
    return new_event(
        fact, id=id_, source="/ingest/acme", subject=subject, time=NOON, partitionkey=f"acme/{subject}"
    )


def event_of_source(fact: Fact, id_: str) -> Event:
    """`fact`, which is about the source itself, in its envelope."""
    return new_event(fact, id=id_, source="/ingest/acme", subject="acme", time=NOON, partitionkey="acme")


GAP_EVENT = event_of_source(GAP, FIRST)
EVENTS: dict[str, Event] = {
    "ingest.file.landed.v1.0": event_of(LANDED, FIRST, "in/payments.csv"),
    "ingest.file.landed.v1.0-in-full": event_of(LANDED_IN_FULL, SECOND, "in/M%E4rz 50%25.csv"),
    "ingest.file.extracted.v1.0": replace(
        event_of(EXTRACTED, SECOND, "März.csv"), causationid=FIRST, correlationid=FIRST
    ),
    "ingest.file.refused.v1.0": event_of(REFUSED, FIRST, "in/passwd"),
    "ingest.file.refused.v1.0-in-full": event_of(REFUSED_IN_FULL, SECOND, "in/%FF.csv"),
    "ingest.file.duplicate_received.v1.0": event_of(DUPLICATE, FIRST, "in/again.csv"),
    "ingest.file.duplicate_received.v1.0-in-full": event_of(DUPLICATE_IN_FULL, SECOND, "in/%FF.csv"),
    "ingest.watch.gap_detected.v1.0": GAP_EVENT,
    "ingest.watch.reconcile_completed.v1.0": replace(
        event_of_source(RECONCILED, SECOND), causationid=FIRST, correlationid=FIRST
    ),
}
FACTS: dict[str, Fact] = {
    "ingest.file.landed.v1.0": LANDED,
    "ingest.file.landed.v1.0-in-full": LANDED_IN_FULL,
    "ingest.file.extracted.v1.0": EXTRACTED,
    "ingest.file.refused.v1.0": REFUSED,
    "ingest.file.refused.v1.0-in-full": REFUSED_IN_FULL,
    "ingest.file.duplicate_received.v1.0": DUPLICATE,
    "ingest.file.duplicate_received.v1.0-in-full": DUPLICATE_IN_FULL,
    "ingest.watch.gap_detected.v1.0": GAP,
    "ingest.watch.reconcile_completed.v1.0": RECONCILED,
}
