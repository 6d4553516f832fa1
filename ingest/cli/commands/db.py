"""`ingest db`: the store's schema and soundness."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from ingest.cli import output
from ingest.cli.frame import INTERRUPTED, App
from ingest.cli.options import DryRun, Json, Reason, Yes
from ingest.errors import StoreUnusable

app = App("Upgrade, check, back up, copy and prune the store.")
BackupFile = Annotated[
    Path, Argument(metavar="FILE", help="A new file; nothing is ever overwritten.", show_default=False)
]
What = Annotated[
    list[str] | None,
    Option(
        metavar="KIND", help="attempts, contents, outcomes or events; may be repeated.", show_default=False
    ),
]
Target = Annotated[
    str,
    Option("--to", metavar="URL", help="An empty database: postgresql://user@host/database, or '${NAME}'."),
]
OlderThan = Annotated[str | None, Option(metavar="AGE", help="How old: 90d, 12h.", show_default=False)]


@app.command()
def upgrade(ctx: typer.Context, json: Json = False) -> int:
    """Bring the store to the newest schema; make it where there is none."""
    from ingest.cli import wiring
    from ingest.store.migrate import create_or_upgrade

    held = wiring.settings(ctx.obj)
    wiring.make_missing(held)
    before, after = create_or_upgrade(held.store.url, held.store.local)
    said = {"before": before, "after": after}
    output.document(said) if json else output.write(f"the store stands at schema {after}\n")
    return 0


@app.command()
def current(ctx: typer.Context, json: Json = False) -> int:
    """The schema the store stands at, and the newest there is."""
    from ingest.cli import wiring
    from ingest.store.opening import revision
    from ingest.store.schema import REVISION

    with wiring.existing(wiring.settings(ctx.obj)) as store:
        found = revision(store)
    said = {"current": found, "newest": REVISION}
    output.document(said) if json else output.show(output.facts(said.items()))
    return 0


@app.command()
def check(ctx: typer.Context, json: Json = False) -> int:
    """Check every page, index and reference of the database."""
    from ingest.cli import bars, wiring
    from ingest.store import integrity

    with wiring.opened(ctx.obj) as pipeline, bars.progress("checking the database"):
        found = integrity.check(pipeline.store)
    if json:
        output.document({"sound": found.is_sound, "problems": list(found.problems)})
    else:
        output.write("\n".join(map(output.one_line, found.problems or ("the database is sound",))) + "\n")
    if not found.is_sound:
        output.flush()
        raise StoreUnusable(f"the database is damaged: {found.problems[0]}", hint="restore the newest backup")
    return 0


@app.command()
def backup(ctx: typer.Context, file: BackupFile, json: Json = False) -> int:
    """A consistent copy of the store while it is used; copy the archive after it, never before."""
    from dataclasses import asdict

    from ingest.cli import dbview, wiring

    with wiring.existing(wiring.settings(ctx.obj)) as store:
        made = dbview.back_up(store, file)
    if json:
        output.document({"file": str(file.absolute()), **asdict(made)})
    else:
        output.show(*dbview.backup_view(made, file))
    return 0


@app.command()
def copy(ctx: typer.Context, to: Target, dry_run: DryRun = False, json: Json = False) -> int:
    """Move a store from its SQLite file to an empty PostgreSQL database, while nobody works."""
    from ingest.cli import moveview, wiring

    held = wiring.settings(ctx.obj)
    with wiring.existing(held) as source, wiring.at(ctx.obj, to) as target:
        moved = (moveview.would_copy if dry_run else moveview.copy)(source, target)
    is_copied = not dry_run and not moved.stood
    if json:
        output.document(moveview.as_json(moved, is_copied=is_copied))
    else:
        output.show(*moveview.in_full(moved, held, to, is_copied=is_copied))
    return 0


@app.command()
def prune(
    ctx: typer.Context,
    older_than: OlderThan = None,
    what: What = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Let go of what is old and needed by nothing: attempts, replays and starts of processes that have ended.

    With --what also the archived bytes of old files, outcomes that nothing asks for any more,
    and what events said whose bytes have gone; their places in the log stay.
    """
    from ingest.archive import letting_go
    from ingest.cli import asking, dbview, wiring

    before, kinds = dbview.moment_before(older_than, wiring.now()), dbview.kinds(what, reason)
    with wiring.opened(ctx.obj) as pipeline:
        with pipeline.store.read() as tx:
            found = letting_go.foresee(tx, kinds, before)
        is_through = True
        if found.rows and not dry_run:
            asking.confirm(f"let go of {dbview.pruned_in_words(found)}", is_sure=yes)
            run = dbview.recorded(pipeline.store, kinds, before, reason)
            found, is_through = dbview.let_go(pipeline.archive, kinds, before, run, found)
    if json:
        output.document(dbview.pruned_as_json(found, before, is_removed=not dry_run))
    else:
        output.write(dbview.pruned_in_full(found, before, is_removed=not dry_run))
    return 0 if is_through else INTERRUPTED
