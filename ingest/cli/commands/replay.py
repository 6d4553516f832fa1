"""`ingest replay`: make past events due again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from ingest.cli import completing, output
from ingest.cli.frame import App
from ingest.cli.options import DryRun, First, Ids, Json, Key, Last, Reason, Since, Source, Status, Until, Yes
from ingest.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ingest.cli.wiring import Pipeline
    from ingest.replay.planning import Planned, Request, Started
    from ingest.store.replays import ReplayReport

MODES = ("rerun", "shadow", "force")

app = App()
Name = Annotated[
    str | None,
    Argument(
        metavar="[PROCESSOR]",
        help="For this processor; else for every one.",
        autocompletion=completing.processors,
        show_default=False,
    ),
]
Mode = Annotated[
    str,
    Option(
        metavar="MODE",
        autocompletion=completing.one_of(*MODES),
        help="rerun: rows are replaced, nothing that happened is repeated; shadow: only say what would"
        " change; force: repeat calls to the outside, too.",
    ),
]
PlanId = Annotated[
    str | None,
    Option("--plan", metavar="ID", help="Exactly the set that a dry run showed.", show_default=False),
]
Wait = Annotated[
    bool, Option("--wait", help="Wait until workers are through, and report.", show_default=False)
]


@app.command()
def replay(
    ctx: typer.Context,
    processor: Name = None,
    ids: Ids = None,
    source: Source = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    first: First = None,
    last: Last = None,
    status: Status = None,
    mode: Mode = "rerun",
    plan: PlanId = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    wait: Wait = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Make past events due again, for one processor or for all; bytes come from the archive."""
    from ingest.cli import asking, wiring
    from ingest.cli.selecting import selection
    from ingest.replay.planning import Request

    _check_mode(mode)
    asked = {"source": source, "key": key, "since": since, "until": until, "status": status}
    with wiring.opened(ctx.obj) as pipeline:
        wanted = selection(pipeline, ids=ids, first=first, last=last, **asked)
        names = () if processor is None else (processor,)
        request = Request(processors=names, selection=wanted, mode=mode, reason=reason, who=asking.who())
        if dry_run:
            return _show_plan(pipeline, request, as_json=json)
        return _start(pipeline, request, as_planned=plan, is_sure=yes, wait=wait, as_json=json)


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise UsageError(f"--mode {mode!r} is not known", hint=f"it is one of {', '.join(MODES)}")


def _start(
    pipeline: Pipeline, request: Request, *, as_planned: str | None, is_sure: bool, wait: bool, as_json: bool
) -> int:
    from ingest.cli import asking
    from ingest.replay.planning import check, start

    check(request)
    planned = _plan(pipeline, request)
    if planned.events and request.mode != "shadow":
        asking.confirm(_in_words(planned), is_sure=is_sure)
    planned, started = start(pipeline.store, request, as_planned=as_planned, now=pipeline.store.now())
    ids = [each.replay_id for each in started if each.replay_id is not None]
    reports = _wait(pipeline, ids) if wait and ids else []
    if reports is None:
        return 130
    _tell(pipeline, planned, started, reports, as_json=as_json)
    return 3 if any(report.dead or report.unreplayable for report in reports) else 0


def _wait(pipeline: Pipeline, ids: Sequence[str]) -> list[ReplayReport] | None:
    """The reports once workers are through; None when the user would not wait any longer."""
    from ingest.cli import bars, signals
    from ingest.replay.waiting import wait
    from ingest.store import workers

    with pipeline.store.read() as tx:
        is_worked = any(row.lease_until > pipeline.store.now() for row in workers.live(tx, "worker"))
    with (
        signals.stopping(leave_at=2, is_last=True) as stop,
        bars.progress("replaying", things="events") as advance,
    ):
        if not is_worked:
            output.complain("no worker is running: start `ingest work`, or press Ctrl-C; the replay waits")
        done = 0

        def tell(reports: Sequence[ReplayReport]) -> None:
            nonlocal done
            ended = sum(report.done for report in reports)
            advance(ended - done, sum(report.total for report in reports) or None)
            done = ended

        return wait(pipeline.store, ids, stop=stop, tell=tell)


def _plan(pipeline: Pipeline, request: Request) -> Planned:
    from ingest.replay.planning import plan
    from ingest.store import burying

    with pipeline.store.read() as tx:
        planned = plan(tx, request)
        gone = len(burying.retired_among(tx, request.selection))
    if gone:
        many = f"{gone} or more" if gone == burying.COUNTED else str(gone)
        output.complain(f"of the events that match, {many} were retired and cannot be run again")
    return planned


def _show_plan(pipeline: Pipeline, request: Request, *, as_json: bool) -> int:
    from ingest.replay.planning import Started

    planned = _plan(pipeline, request)
    nothing = [Started(plan=each, replay_id=None) for each in planned.plans]
    _tell(pipeline, planned, nothing, [], as_json=as_json)
    if planned.events and not as_json:
        output.write(f"\napply exactly this set with the same flags and --plan {planned.id}\n")
    return 0


def _tell(
    pipeline: Pipeline,
    planned: Planned,
    started: Sequence[Started],
    reports: Sequence[ReplayReport],
    *,
    as_json: bool,
) -> None:
    from ingest.cli import replayview, shapes

    by_id = {report.id: report for report in reports}
    lines = [shapes.planned(planned, each, by_id.get(each.replay_id or "")) for each in started]
    with pipeline.store.read() as tx:
        shadows = [replayview.read(tx, report.id) for report in reports if report.mode == "shadow"]
    found = {shown.report.id: replayview.differences_as_json(shown) for shown in shadows}
    if as_json:
        output.lines({**line, "differences": found.get(line["replay_id"])} for line in lines)
        return
    output.show(*replayview.requested(lines))
    for shown in shadows:
        output.show(*replayview.changes(shown))


def _in_words(planned: Planned) -> str:
    from ingest.cli.words import so_many

    what = " and ".join(
        f"{so_many(each.events, 'event')} for {each.processor}" for each in planned.plans if each.events
    )
    also = ", and repeat the calls to the outside under new keys" if planned.mode == "force" else ""
    return f"replay {what}{also}"
