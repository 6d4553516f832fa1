"""A server that comes back without what this host saw committed is not gone on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import StoreReplaced
from ingest.store.engine import Store
from ingest.store.opening import open_store
from tests import server
from tests.store.stage import land


def look(store: Store) -> None:
    with store.write() as tx:
        store.witness(tx)


def test_a_server_that_was_restored_from_before_is_noticed_also_by_another_process(
    store: Store, tmp_path: Path
) -> None:
    land(store, "1", "2")
    store.close()
    name = server.name_in(store.url)
    with server.database(template=name) as backup:
        land(store, "3")
        look(store)
        store.close()
        server.shared().run(f"DROP DATABASE {name} WITH (FORCE)")
        server.shared().run(f"CREATE DATABASE {name} TEMPLATE {backup}")

        with (
            open_store(store.url, tmp_path) as restored,
            pytest.raises(StoreReplaced, match="ends at position 2, and this host saw 3"),
        ):
            look(restored)

        next(tmp_path.glob("seen-*")).unlink()
        with open_store(store.url, tmp_path) as restored:
            look(restored)


def test_what_is_rolled_back_was_never_seen(store: Store, tmp_path: Path) -> None:
    land(store, "1")
    look(store)
    land(store, "2")
    look(store)

    with open_store(store.url, tmp_path) as other:
        look(other)
