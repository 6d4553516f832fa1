"""Queues on PostgreSQL that we are measured beside: `python -m benchmarks.queues TOOL PART URL DIRECTORY`.

`make` prepares an empty database; `produce` puts one job for each file in the
directory into the queue, in a commit of its own;
`consume` reads each file, hashes it, and keeps a row with the result, until it
is stopped. As with us, they are two processes.
"""

import asyncio
import hashlib
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.measure import reference

_RESULTS = "CREATE TABLE results (path text PRIMARY KEY, rows bigint, digest text)"
_RESULT = "INSERT INTO results VALUES (%s, %s, %s)"
Part = Callable[[str, Sequence[Path]], Coroutine[Any, Any, None]]


async def _make_procrastinate(url: str, _: Sequence[Path]) -> None:
    async with _app(url).open_async() as app:
        await app.schema_manager.apply_schema_async()
    _make_results(url)


async def _produce_procrastinate(url: str, files: Sequence[Path]) -> None:
    app = _app(url)
    async with app.open_async():
        handle = app.configure_task("handle")
        for file in files:
            await handle.defer_async(path=str(file))


async def _consume_procrastinate(url: str, _: Sequence[Path]) -> None:
    app = _app(url)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:

        async def handle(path: str) -> None:
            await connection.execute(_RESULT, (path, *_count_and_hash(Path(path))))

        app.task(handle, name="handle")
        async with app.open_async():
            await app.run_worker_async(concurrency=10, install_signal_handlers=True)


def _app(url: str) -> Any:
    procrastinate = reference("procrastinate")
    return procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))


async def _make_pgqueuer(url: str, _: Sequence[Path]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await _queries(connection).install()
    _make_results(url)


async def _produce_pgqueuer(url: str, files: Sequence[Path]) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        queries = _queries(connection)
        for file in files:
            await queries.enqueue("handle", str(file).encode())


async def _consume_pgqueuer(url: str, _: Sequence[Path]) -> None:
    async with (
        await psycopg.AsyncConnection.connect(url, autocommit=True) as queue,
        await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
    ):
        workers = reference("pgqueuer").PgQueuer(reference("pgqueuer.db").PsycopgDriver(queue))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, workers.shutdown.set)

        async def handle(job: Any) -> None:
            path = job.payload.decode()
            await connection.execute(_RESULT, (path, *_count_and_hash(Path(path))))

        workers.entrypoint("handle")(handle)
        await workers.run(batch_size=50)


def _queries(connection: Any) -> Any:
    return reference("pgqueuer.queries").Queries(reference("pgqueuer.db").PsycopgDriver(connection))


def _make_results(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(_RESULTS)


def _count_and_hash(path: Path) -> tuple[int, str]:
    """Do what the trivial processor does."""
    digest = hashlib.sha256()
    rows = -1
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            rows += 1
    return rows, digest.hexdigest()


PARTS: dict[tuple[str, str], Part] = {
    ("procrastinate", "make"): _make_procrastinate,
    ("procrastinate", "produce"): _produce_procrastinate,
    ("procrastinate", "consume"): _consume_procrastinate,
    ("pgqueuer", "make"): _make_pgqueuer,
    ("pgqueuer", "produce"): _produce_pgqueuer,
    ("pgqueuer", "consume"): _consume_pgqueuer,
}


if __name__ == "__main__":
    tool, part, url, directory = sys.argv[1:]
    asyncio.run(PARTS[tool, part](url, sorted(Path(directory).iterdir())))
