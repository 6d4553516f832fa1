"""Shadow runs: what a processor handed over is compared with what stands, and nothing of it is applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ingest.errors import IngestError
from ingest.store.comparing import Compared, compare
from ingest.store.deliveries import Failure, Outcome
from ingest.store.engine import Store
from ingest.store.rules import Rules
from ingest.store.shadows import Foreseen
from ingest.work.perform import Performed, describe


def compared(store: Store, run: Performed, rules: Rules) -> Performed:
    """The run, with what applying its result would change; the comparison blocks nobody.

    A result that cannot be compared has failed, as one has that cannot be applied.
    """
    if run.failure is not None:
        return run
    try:
        with store.read() as tx:
            return replace(run, compared=compare(tx, run.held.event_id, run.spool, rules))
    except IngestError:
        raise
    except Exception as error:  # noqa: BLE001  # recorded as this delivery's failure
        failure = Failure(held=run.held, started_at=run.started_at, error=describe(error))
        return replace(run, failure=failure)


def ending(run: Performed, found: Compared, *, version: str) -> Outcome | Failure:
    """How the delivery would end."""
    if found.error is not None:
        return Failure(held=run.held, started_at=run.started_at, error=found.error, is_permanent=True)
    return Outcome(
        held=run.held,
        started_at=run.started_at,
        version=version,
        rows_in=run.spool.rows_in,
        rows_booked=found.booked,
        rows_duplicate=found.duplicate,
        rows_rejected=run.spool.rejected + found.conflicts,
        facts=run.spool.facts,
        digest=run.spool.digest,
        verdict=found.verdict,
        note="; ".join(f"{count} {what} would now read otherwise" for what, count in found.kept.items()),
    )


def foreseen(performed: Sequence[Performed], outcomes: Sequence[Outcome]) -> Iterator[Foreseen]:
    """What was found of each event whose delivery would end well."""
    done = {outcome.held.position for outcome in outcomes}
    for run in performed:
        found = run.compared
        if found is not None and run.held.position in done:
            yield Foreseen(
                position=run.held.position,
                stands=found.stands.state,
                would=found.would,
                differences=found.differences,
            )
