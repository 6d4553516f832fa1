"""Effects: what happened once because of an event, each under a key that is computed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam

from ingest.domain.instants import micros
from ingest.domain.naming import digest_of
from ingest.store.dialect import Batch, insert
from ingest.store.engine import Tx
from ingest.store.held import Held
from ingest.store.schema import effects


def key_of(processor: str, event_id: str, name: str, scope: str = "") -> str:
    """The key of the effect `name` that `processor` brings about because of the event, the same for ever.

    `scope` is empty, or the id of the replay that repeats effects on purpose.
    """
    return digest_of("effect", processor, event_id, name, *([scope] if scope else []))


def record(
    tx: Tx, happened: Sequence[tuple[Held, str]], processor: str, *, now: datetime, scope: str = ""
) -> None:
    """These effects, each of a delivery and with its name, have happened; one that stands stays as it was."""
    at = micros(now)
    rows = [
        (key_of(processor, held.event_id, name, scope), processor, held.position, name, at)
        for held, name in happened
    ]
    _EFFECT.run(tx, rows)


_COLUMNS = "key processor position name at"
_EFFECT = Batch(
    insert(effects).values({n: bindparam(n) for n in _COLUMNS.split()}).on_conflict_do_nothing(), _COLUMNS
)
