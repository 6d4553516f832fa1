"""What is installed: versions, which SQLite is used, dependencies and extras."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from ingest.cli.doctor.findings import Finding, failed, ill, well
from ingest.errors import StoreUnusable
from ingest.store.sqlite.driver import sqlite_module

_AREA = "installation"
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def findings() -> Iterator[Finding]:
    """Everything about the installation."""
    yield well(_AREA, "ingest", version("ingest"))
    yield well(_AREA, "python", f"{platform.python_version()} at {sys.executable}")
    yield well(_AREA, "system", platform.platform())
    yield _sqlite()
    wanted = requires("ingest") or []
    yield from _dependencies(wanted)
    yield from extras(wanted)


def _sqlite() -> Finding:
    try:
        module = sqlite_module()
    except StoreUnusable as error:
        return failed(_AREA, "sqlite", error)
    return well(_AREA, "sqlite", f"{module.sqlite_version} of {module.__name__.partition('.')[0]}")


def _dependencies(wanted: Iterable[str]) -> Iterator[Finding]:
    for requirement in wanted:
        name = _name_of(requirement)
        if ";" in requirement:  # an extra, or one that other systems need
            continue
        found = _version(name)
        if found:
            yield well(_AREA, name, found)
        else:
            yield ill(_AREA, name, f"{name} is not installed", f"pip install '{requirement}'")


def extras(wanted: Iterable[str]) -> Iterator[Finding]:
    """Each extra with what it lacks: that is no problem, for nobody may need it."""
    by_extra: dict[str, list[str]] = {}
    for requirement in wanted:
        if found := _EXTRA.search(requirement):
            by_extra.setdefault(found[1], []).append(_name_of(requirement))
    for extra, names in sorted(by_extra.items()):
        missing = [name for name in names if not _version(name)]
        lacks = f"not installed: pip install 'ingest[{extra}]'" if missing else "installed"
        yield well(_AREA, f"extra {extra}", lacks)


def _name_of(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found[0] if found else requirement


def _version(name: str) -> str:
    """The version that is installed; empty where none is."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
