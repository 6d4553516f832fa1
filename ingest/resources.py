"""Where the folders are that travel with the package but are not imported from it.

A wheel carries them inside the package, under `_bundled`; a checkout has them
beside it. Nothing is searched beyond these two places: a folder of the same
name that happens to lie in the working directory is not ours.
"""

from __future__ import annotations

from pathlib import Path

from ingest.errors import StoreUnusable

_PACKAGE = Path(__file__).parent


def migrations_dir() -> Path:
    """The folder of Alembic's `env.py` and `versions/`."""
    return _find("migrations")


def processors_dir() -> Path:
    """The folder of the bundled processors, their facts and schemas."""
    return _find("processors")


def sample_data_dir() -> Path:
    """The folder of the sample files that the demo lets land."""
    return _find("sample_data")


def _find(name: str, package: Path = _PACKAGE) -> Path:
    for parent in (package / "_bundled", package.parent):
        if (parent / name).is_dir():
            return parent / name
    message = f"the folder {name!r} that belongs to this installation is missing"
    raise StoreUnusable(message, hint="install ingest again: the wheel holds it")
