"""Where the database and the directories are, whatever directory a command was started in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ingest.config.buckets import Bucket
from ingest.config.masking import mask_url
from ingest.config.settings import Settings, SourceSettings, StoreSettings
from ingest.errors import UsageError

_SQLITE = "sqlite:///"
_POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+[a-z0-9]+)?:", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def anchored(settings: Settings, base: Path, env: Mapping[str, str]) -> Settings:
    """The same settings, every relative path in them made absolute from `base`, `${NAME}` replaced."""
    store, origins = settings.store, settings.origins
    if origins.get("store.url") == "file" and _is_hidden(store.url):
        origins = {**origins, "store.url": "env"}
    return replace(
        settings,
        origins=origins,
        store=replace(
            store,
            url=_anchored_url(store.url, base, env),
            local=base / store.local,
            archive=store.archive if isinstance(store.archive, Bucket) else base / store.archive,
        ),
        sources=tuple(_anchored_source(source, base) for source in settings.sources),
    )


def is_on_server(url: str) -> bool:
    """True of the address of a database on a PostgreSQL server, in whatever case and with whatever driver."""
    return _POSTGRESQL.match(url) is not None


def database_file(store: StoreSettings) -> Path:
    """The SQLite file of anchored settings; for a database on a server, a name at which there is none."""
    return store.local / "on-a-server" if is_on_server(store.url) else Path(store.url.removeprefix(_SQLITE))


def _anchored_source(source: SourceSettings, base: Path) -> SourceSettings:
    after = source.after if source.moves_to is None else f"move:{base / source.moves_to}"
    return replace(source, path=base / source.path, after=after)


def _anchored_url(url: str, base: Path, env: Mapping[str, str]) -> str:
    filled = _VARIABLE.sub(lambda found: _variable(found[1], env), url)
    if is_on_server(filled):
        return filled
    if not filled.startswith(_SQLITE):
        raise UsageError(
            "store.url names no database that is known",
            hint="use sqlite:///path/to/ingest.db, or postgresql://user@host/database",
        )
    name = filled.removeprefix(_SQLITE)
    if name in {"", ":memory:"}:
        raise UsageError(
            "store.url names no file: a database in memory forgets", hint="use sqlite:///path/to/ingest.db"
        )
    if name.startswith("~"):
        raise UsageError("store.url: ~ is not expanded", hint="write the whole path")
    path = str(base / name)
    if "?" in path:
        raise UsageError(
            f"store.url: {path} holds a question mark", hint="use a path without one, and no parameters"
        )
    return _SQLITE + path


def _is_hidden(url: str) -> bool:
    """True when variables stand where an address has its secrets: who reads it is told none."""
    shown = _VARIABLE.sub("***", url)
    return shown != url and mask_url(shown) == shown


def _variable(name: str, env: Mapping[str, str]) -> str:
    if not env.get(name):
        raise UsageError(
            f"store.url needs the environment variable {name}, which is not set", hint=f"export {name}"
        )
    return env[name]
