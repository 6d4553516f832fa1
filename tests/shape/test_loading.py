"""A process that is started often loads nothing that it has no need of."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Who is asked what processors declare; a child that works files off; pytest, wherever ingest is installed.
STARTED = {
    "import ingest.work.declare, ingest.registry; ingest.registry.find('payments:payments')": {
        "sqlalchemy",
        "ingest.store",
        "importlib.metadata",
    },
    "import ingest.work.child": {
        "alembic",
        "ingest.archive.letting_go",
        "ingest.archive.verifying",
        "ingest.store.pruning",
    },
    "import ingest.testing.plugin": {"sqlalchemy", "ingest.store", "ingest.work"},
}


@pytest.mark.parametrize("program", STARTED, ids=["asked", "child", "pytest"])
def test_what_is_not_needed_is_not_loaded(program: str) -> None:
    said = subprocess.run(
        [sys.executable, "-P", "-c", f"{program}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert STARTED[program] & set(said.stdout.split()) == set()
