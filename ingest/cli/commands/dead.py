"""`ingest dead`: deliveries that wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import typer

from ingest.cli import output
from ingest.cli.frame import App
from ingest.cli.options import (
    DeadEvent,
    DeadEvents,
    DryRun,
    First,
    Ids,
    Json,
    Key,
    Last,
    Processor,
    Reason,
    Since,
    Source,
    Until,
    Yes,
)
from ingest.errors import NotFound, UsageError

if TYPE_CHECKING:
    from ingest.cli.wiring import Pipeline
    from ingest.store.decisions import DeadDelivery
    from ingest.store.engine import Tx
    from ingest.store.selection import Selection

AT_ONCE = 1000  # decided in one transaction
_BECAME = {"retry": "due again", "discard": "discarded"}

app = App("Deliveries that wait for a person: list, show, retry, discard.")


@app.command("list")
def list_(
    ctx: typer.Context,
    events: DeadEvents = None,
    ids: Ids = None,
    processor: Processor = None,
    source: Source = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    first: First = None,
    last: Last = None,
    json: Json = False,
) -> int:
    """What is dead, oldest first, with what waits behind it."""
    from ingest.cli import shapes, wiring

    with wiring.opened(ctx.obj) as pipeline:
        wanted = _selection(pipeline, [*(events or ()), *(ids or ())], source, key, since, until, first, last)
        with pipeline.store.read() as tx:
            found = _undecided(tx, wanted, processor)
    output.lines(shapes.dead(each) for each in found) if json else _show(found, wanted, processor)
    return 0


@app.command()
def show(ctx: typer.Context, event: DeadEvent, processor: Processor = None, json: Json = False) -> int:
    """A dead delivery of one event, with every try."""
    from ingest.cli import deadview, wiring

    with wiring.opened(ctx.obj) as pipeline:
        wanted = _selection(pipeline, [event])
        with pipeline.store.read() as tx:
            found = _undecided(tx, wanted, processor)
            if not found:
                raise NotFound(f"no delivery of event {event} is dead", hint="see `ingest dead list`")
            told = deadview.tell(tx, found, now=pipeline.store.now())
    output.lines(deadview.as_json(each) for each in told) if json else output.show(*deadview.view(told))
    return 0


@app.command()
def retry(
    ctx: typer.Context,
    events: DeadEvents = None,
    ids: Ids = None,
    processor: Processor = None,
    source: Source = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    first: First = None,
    last: Last = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Make dead deliveries due again, with fresh budgets; their keys go on."""
    from ingest.cli import asking, wiring
    from ingest.store import decisions

    with wiring.opened(ctx.obj) as pipeline:
        wanted = _selection(pipeline, [*(events or ()), *(ids or ())], source, key, since, until, first, last)

        def decide(tx: Tx, some: Sequence[DeadDelivery]) -> list[DeadDelivery]:
            return decisions.retry(tx, some, who=asking.who(), reason=reason, now=pipeline.store.now())

        return _decide(
            pipeline, wanted, processor, decide, verb="retry", dry_run=dry_run, yes=yes, as_json=json
        )


@app.command()
def discard(
    ctx: typer.Context,
    events: DeadEvents = None,
    ids: Ids = None,
    processor: Processor = None,
    source: Source = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    first: First = None,
    last: Last = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Close dead deliveries for good; who did it, and why, is kept. Their keys go on."""
    from ingest.cli import asking, wiring
    from ingest.store import decisions

    if not reason and not dry_run:
        raise UsageError("a delivery is discarded for a reason", hint="say it with --reason TEXT")
    with wiring.opened(ctx.obj) as pipeline:
        wanted = _selection(pipeline, [*(events or ()), *(ids or ())], source, key, since, until, first, last)

        def decide(tx: Tx, some: Sequence[DeadDelivery]) -> list[DeadDelivery]:
            return decisions.discard(tx, some, who=asking.who(), reason=reason, now=pipeline.store.now())

        return _decide(
            pipeline, wanted, processor, decide, verb="discard", dry_run=dry_run, yes=yes, as_json=json
        )


def _decide(
    pipeline: Pipeline,
    wanted: Selection,
    processor: str | None,
    decide: Callable[[Tx, Sequence[DeadDelivery]], list[DeadDelivery]],
    *,
    verb: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """What is dead and meant was decided upon, after asking; many at once in short transactions."""
    from ingest.cli import asking, shapes
    from ingest.cli.words import so_many

    with pipeline.store.read() as tx:
        found = _undecided(tx, wanted, processor)
    if wanted.ids and not found:
        raise NotFound("no delivery of such an event is dead", hint="see `ingest dead list`")
    if found and not dry_run:
        what = so_many(len(found), "dead delivery", "dead deliveries")
        asking.confirm(f"{verb} {what}", is_sure=yes)
        found = _in_turn(pipeline, found, decide)
    if as_json:
        output.lines(shapes.dead(each) for each in found)
        return 0
    _show(found, wanted, processor)
    if found:
        became = "nothing was done" if dry_run else _BECAME[verb]
        output.write(f"\n{so_many(len(found), 'dead delivery', 'dead deliveries')}: {became}\n")
    return 0


def _in_turn(
    pipeline: Pipeline,
    found: Sequence[DeadDelivery],
    decide: Callable[[Tx, Sequence[DeadDelivery]], list[DeadDelivery]],
) -> list[DeadDelivery]:
    """Those that were still dead when it was their turn; nobody else waits for long to write."""
    from ingest.cli import bars

    decided: list[DeadDelivery] = []
    with bars.progress("deciding", total=len(found), things="deliveries") as advance:
        for start in range(0, len(found), AT_ONCE):
            with pipeline.store.write() as tx:
                decided += decide(tx, found[start : start + AT_ONCE])
            advance(len(found[start : start + AT_ONCE]))
    return decided


def _selection(  # one for each flag
    pipeline: Pipeline,
    ids: Sequence[str] | None,
    source: str | None = None,
    key: str | None = None,
    since: str | None = None,
    until: str | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Selection:
    from ingest.cli.selecting import selection

    return selection(
        pipeline, ids=ids, source=source, key=key, since=since, until=until, first=first, last=last
    )


def _undecided(tx: Tx, wanted: Selection, processor: str | None) -> list[DeadDelivery]:
    from ingest.store.decisions import undecided

    return undecided(tx, wanted, processor=processor)


def _show(found: list[DeadDelivery], wanted: Selection, processor: str | None) -> None:
    from ingest.domain.showing import show as shown

    if not found:
        output.say_none("dead delivery", is_narrowed=wanted.is_narrowed or processor is not None)
        return
    columns = ("event", "processor", "key", "#tries", "#behind", "error")
    output.show(
        output.table(
            "",
            columns,
            [
                (
                    each.event_id[:12],
                    each.processor,
                    shown(each.key),
                    each.attempts + each.crashes,
                    each.behind,
                    each.error,
                )
                for each in found
            ],
        )
    )
