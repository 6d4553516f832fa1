"""Enrolling processors: their tables stand, and the outbox knows of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from ingest.config import ProcessorSettings, Settings
from ingest.domain.naming import digest_of
from ingest.store import subscriptions, tables
from ingest.store.engine import Tx
from ingest.store.subscriptions import Registration
from ingest.work.declared import Declared
from ingest.work.spec import ProcessorSpec

_STORED = (
    "max_attempts",
    "max_crashes",
    "backoff_base",
    "backoff_cap",
    "timeout",
)  # what others must know of a delivery


def enrol(
    tx: Tx, found: Sequence[tuple[ProcessorSettings, Declared]], *, now: datetime
) -> tuple[ProcessorSpec, ...]:
    """Every processor is subscribed as ingest.toml says; a new one has still to be filled.

    Raises `UsageError` for a table that is another's, or stands otherwise.
    """
    specs = []
    for settings, declared in found:
        tables.ensure(tx, settings.name, declared.tables)
        spec = _spec(settings, declared)
        subscriptions.register(tx, _registration(settings, declared, spec), now=now)
        specs.append(spec)
    return tuple(specs)


def chosen(settings: Settings, names: Sequence[str]) -> list[ProcessorSettings]:
    """The processors of ingest.toml that `names` name; all of them where it names none.

    Raises `NotFound` for a name that ingest.toml does not name.
    """
    for name in names:
        settings.processor(name)
    return [p for p in settings.processors if not names or p.name in names]


def fingerprint(settings: Settings) -> str:
    """What must be equal among workers that share a store: the rules by which deliveries are worked."""
    return digest_of("settings", repr(settings.work.lease), *(repr(p) for p in settings.processors))


def _registration(settings: ProcessorSettings, declared: Declared, spec: ProcessorSpec) -> Registration:
    return Registration(
        processor=settings.name,
        version=declared.version,
        accepts=tuple(settings.accepts) or declared.accepts,
        origins=tuple(settings.sources),
        is_ordered=settings.ordered,
        on_dead=settings.on_dead,
        start=settings.start,
        settings=json.dumps({name: getattr(spec, name) for name in _STORED}, sort_keys=True),
    )


def _spec(settings: ProcessorSettings, declared: Declared) -> ProcessorSpec:
    return ProcessorSpec(
        name=settings.name,
        use=settings.use,
        version=declared.version,
        options=dict(settings.options),
        on_dead=settings.on_dead,
        timeout=settings.timeout.total_seconds(),
        memory_max=settings.memory_max,
        max_attempts=settings.max_attempts,
        max_crashes=settings.max_crashes,
        backoff_base=settings.backoff.base.total_seconds(),
        backoff_cap=settings.backoff.cap.total_seconds(),
        max_facts=settings.max_facts,
        max_rejects=float(settings.max_rejects),
        accepts=tuple(settings.accepts),
    )
