"""Files of the corpus, damaged, in a real store: each is booked whole, or nothing of it is."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingest.testing import Bench
from tests.corpus.manifest import known
from tests.corpus.mutations import LARGEST, mutated
from tests.corpus.ours import FORMATS, Reader, format_of

SEED, EACH = 20261126, 600  # files of each format

READ = {name: reader for name, reader in FORMATS.items() if isinstance(reader, Reader)}
_SAID = "SELECT id, rows_booked, facts FROM outcomes JOIN events USING (position) WHERE producer = ''"
_DEAD = "SELECT id FROM dead JOIN events USING (position) WHERE producer = ''"
_FACTS = "SELECT cause, count(*) FROM events WHERE cause IS NOT NULL GROUP BY cause"
FILES = {
    name: [file for file in known("iso20022", *READ) if format_of(file) == name and file.content()]
    for name in READ
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [name for name, files in FILES.items() if files])
def test_a_damaged_file_is_booked_whole_or_not_at_all(
    name: str, ingest_bench: Callable[..., Bench], tmp_path: Path
) -> None:
    processor = READ[name].processor()
    bench = ingest_bench(processor, options=READ[name].options)
    chance = random.Random(f"{SEED}/{name}")
    for number in range(EACH):
        file = FILES[name][number % len(FILES[name])]
        bench.land(f"{number}.bin", mutated(file.content()[:LARGEST], chance))
    bench.work()

    (path,) = tmp_path.glob("*/.ingest/ingest.db")
    with closing(sqlite3.connect(path)) as store:
        said = {id_: tuple(figures) for id_, *figures in store.execute(_SAID)}
        dead = {id_ for (id_,) in store.execute(_DEAD)}
        rows, facts = Counter[str](), Counter[str](dict(store.execute(_FACTS)))
        for (table,) in store.execute("SELECT name FROM processor_tables").fetchall():
            rows.update(dict(store.execute(f'SELECT event_id, count(*) FROM "{table}" GROUP BY event_id')))
    assert len(said) + len(dead) == len(set(said) | dead) == EACH
    assert {id_: (rows[id_], facts[id_]) for id_ in said} == said
    assert sum(rows[id_] + facts[id_] for id_ in dead) == 0
    assert dead, "some damage must be seen"
    assert rows.total() + facts.total() > 0, "and some be none"
