"""Enrolling processors: their code is found, their tables stand, and the outbox knows of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ingest.config import ProcessorSettings, Settings
from ingest.contract import Processor
from ingest.domain.naming import digest_of
from ingest.errors import UsageError
from ingest.registry import find
from ingest.store import subscriptions, tables
from ingest.store.engine import Store
from ingest.store.subscriptions import Registration
from ingest.work.spec import ProcessorSpec

_STORED = (
    "max_attempts",
    "max_crashes",
    "backoff_base",
    "backoff_cap",
    "timeout",
)  # what others must know of a delivery


def enrol(
    store: Store, chosen: Sequence[ProcessorSettings], *, local: Path | None, now: datetime
) -> tuple[ProcessorSpec, ...]:
    """Every chosen processor is subscribed as ingest.toml says; a new one has still to be filled.

    Raises `UsageError` for code that cannot be found or loaded, a table that
    is another's, an event type that nothing declares, or options that a processor refuses.
    """
    found = [(settings, find(settings.use, local=local).processor) for settings in chosen]
    return subscribe(store, found, now=now)


def subscribe(
    store: Store, found: Sequence[tuple[ProcessorSettings, Processor]], *, now: datetime
) -> tuple[ProcessorSpec, ...]:
    """Each of these processors is subscribed by its settings; raises as `enrol` does, but for their code."""
    for settings, processor in found:
        processor.check_options(settings.name, settings.options)
    specs = []
    with store.write() as tx:
        for settings, processor in found:
            tables.ensure(tx, settings.name, processor.owned_tables())
            spec = _spec(settings, processor)
            subscriptions.register(tx, _registration(settings, processor, spec), now=now)
            specs.append(spec)
    return tuple(specs)


def chosen(settings: Settings, names: Sequence[str]) -> list[ProcessorSettings]:
    """The processors of ingest.toml that `names` name; all of them where it names none.

    Raises `UsageError` for a name that ingest.toml does not define.
    """
    known = {p.name: p for p in settings.processors}
    for name in names:
        if name not in known:
            raise UsageError(
                f"ingest.toml defines no processor {name!r}", hint=f"it defines: {', '.join(known) or 'none'}"
            )
    return [p for p in settings.processors if not names or p.name in names]


def fingerprint(settings: Settings) -> str:
    """What must be equal among workers that share a store: the rules by which deliveries are worked."""
    return digest_of("settings", repr(settings.work.lease), *(repr(p) for p in settings.processors))


def _registration(settings: ProcessorSettings, processor: Processor, spec: ProcessorSpec) -> Registration:
    return Registration(
        processor=settings.name,
        version=processor.version,
        accepts=tuple(settings.accepts) or processor.accepts,
        origins=tuple(settings.sources),
        is_ordered=settings.ordered,
        on_dead=settings.on_dead,
        start=settings.start,
        settings=json.dumps({name: getattr(spec, name) for name in _STORED}, sort_keys=True),
    )


def _spec(settings: ProcessorSettings, processor: Processor) -> ProcessorSpec:
    return ProcessorSpec(
        name=settings.name,
        use=settings.use,
        version=processor.version,
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
