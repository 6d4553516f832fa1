"""What a shell offers while a command line is typed: names from ingest.toml and from the store.

It never fails, prints or makes anything: where a name cannot be found in a
moment, nothing is offered.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ingest.cli.given import Given

if TYPE_CHECKING:
    from ingest.config import Settings

Offer = list[tuple[str, str]]  # each name with a word on it
Ask = Callable[["Settings", str], Offer]

_INSTRUCTION = "_INGEST_COMPLETE"
_TELLING = 4  # characters of an id before it is offered where a path may be meant


def is_asked() -> bool:
    """True when a shell wants to know what could follow, rather than a person something done."""
    return os.environ.get(_INSTRUCTION, "").startswith("complete")


def sources(ctx: typer.Context, incomplete: str) -> Offer:
    """Names of sources."""
    return _found(ctx, incomplete, lambda held, _: [(each.name, str(each.path)) for each in held.sources])


def processors(ctx: typer.Context, incomplete: str) -> Offer:
    """Names of processors, of ingest.toml and of the store."""

    def known(held: Settings, _: str) -> Offer:
        from ingest.store.reading import glimpse

        named = {each.name: each.use for each in held.processors}
        return list({**dict(_from_store(held, glimpse.processors)), **named}.items())

    return _found(ctx, incomplete, known)


def replays(ctx: typer.Context, incomplete: str) -> Offer:
    """Ids of replays."""

    def known(held: Settings, _: str) -> Offer:
        from ingest.store.reading import glimpse

        return _from_store(held, glimpse.replays)

    return _found(ctx, incomplete, known)


def keys(ctx: typer.Context, incomplete: str) -> Offer:
    """Partition keys."""

    def known(held: Settings, beginning: str) -> Offer:
        from ingest.store.reading import glimpse

        return _from_store(held, lambda url: glimpse.keys(url, beginning))

    return _found(ctx, incomplete, known)


def events(ctx: typer.Context, incomplete: str) -> Offer:
    """Ids of events."""

    def known(held: Settings, beginning: str) -> Offer:
        from ingest.store.reading import glimpse

        return _from_store(held, lambda url: glimpse.events(url, beginning))

    return _found(ctx, incomplete, known)


def events_or_paths(ctx: typer.Context, incomplete: str) -> Offer:
    """Ids of events once so much is typed that no file is meant; else the shell offers its own."""
    return events(ctx, incomplete) if len(incomplete) >= _TELLING else []


def types(ctx: typer.Context, incomplete: str) -> Offer:
    """Types of events: those about files, and what was stated of late."""

    def known(held: Settings, _: str) -> Offer:
        from ingest.domain.events import FILE_FACTS
        from ingest.store.reading import glimpse

        about_files = [(fact.type, "") for fact in FILE_FACTS]
        return sorted({*about_files, *_from_store(held, glimpse.types)})

    return _found(ctx, incomplete, known)


def dead(ctx: typer.Context, incomplete: str) -> Offer:
    """Ids of events of which a delivery is dead."""

    def known(held: Settings, _: str) -> Offer:
        from ingest.store.reading import glimpse

        return _from_store(held, glimpse.dead)

    return _found(ctx, incomplete, known)


def one_of(*words: str) -> Callable[[typer.Context, str], Offer]:
    """These words."""

    def offered(ctx: typer.Context, incomplete: str) -> Offer:  # noqa: ARG001  # typer's signature
        return [(word, "") for word in words if word.startswith(incomplete)]

    return offered


def _found(ctx: typer.Context, incomplete: str, ask: Ask) -> Offer:
    try:
        from ingest.config import load

        given = ctx.find_object(Given) or Given()
        held = load(Path(given.config) if given.config else None, env=os.environ)
        return [(name, said) for name, said in ask(held, incomplete) if name.isprintable()]
    except Exception:  # noqa: BLE001  # whatever it is: who types is not to be told of it now
        return []


def _from_store(held: Settings, look: Callable[[str], Offer]) -> Offer:
    """What the store says; nothing where there is none, or it cannot answer now."""
    try:
        return look(held.store.url)
    except Exception:  # noqa: BLE001  # as above
        return []
