"""The demonstration as it is told: where it runs, each pass as it ends, and what stands at the end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from ingest.cli import output, shapes
from ingest.cli.signals import Stop
from ingest.cli.words import so_many
from ingest.demo import running
from ingest.demo.running import Result, Step
from ingest.demo.truth import Fate
from ingest.domain.showing import show
from ingest.errors import CannotWrite

if TYPE_CHECKING:
    from rich.console import RenderableType


@contextmanager
def place(keep: Path | None) -> Iterator[Path]:
    """The directory it runs in: the user's, or one that is gone afterwards."""
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CannotWrite(
                f"cannot make the directory {keep}: {error.strerror}", hint="name another directory"
            ) from error
        yield keep.resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="ingest-demo-"))
    try:
        yield made.resolve()
    finally:
        shutil.rmtree(made, ignore_errors=True)


def run(directory: Path, *, stop: Stop, is_told: bool) -> Result | None:
    """The demonstration ran in `directory`, told as it went unless a machine reads; None when stopped."""
    began = monotonic()

    def tell(step: Step) -> None:
        if is_told:
            output.show(*_step(step))
            output.write("\n")
            output.flush()

    result = running.run(directory, tell=tell, stop=stop)
    if is_told and result is not None:
        output.show(*_result(result, monotonic() - began))
    return result


def as_json(result: Result) -> dict[str, Any]:
    """The document of `demo --json`."""
    books = asdict(result.books)
    return {
        **books,
        "replays": [shapes.replay(report) for report in result.replayed],
        "wrong": list(result.wrong),
    }


def _step(step: Step) -> Iterator[RenderableType]:
    rows = [(fate.source, _name(fate.path), _landed(fate), _became(fate)) for fate in step.fates]
    rows += [
        (source, _name(path), "redelivered", "no event: these bytes stand")
        for source, path in step.redelivered
    ]
    yield output.table(step.name, ("source", "file", "landed", "became"), rows)


def _name(path: str) -> str:
    return show(path)


def _landed(fate: Fate) -> str:
    if fate.version is None:
        return "refused"
    return f"version {fate.version}" + (", a copy" if fate.duplicate_of else "")


def _became(fate: Fate) -> str:
    if fate.outcome == "done":
        return f"{fate.booked} booked" + (f", {fate.duplicate} duplicate" if fate.duplicate else "")
    return f"{fate.outcome}: {fate.said}" if fate.outcome != "refused" else fate.said


def _result(result: Result, seconds: float) -> Iterator[RenderableType]:
    from rich.text import Text

    books = result.books
    rows = [(currency, each["count"], each["sum"]) for currency, each in books.payments.items()]
    yield output.table("what is booked", ("currency", "#payments", "#sum"), rows)
    yield Text(
        f"{so_many(books.totals['ledger_postings'], 'ledger posting')}, zero in every currency"
        if _is_balanced(result)
        else "the ledger is not balanced"
    )
    for report in result.replayed:
        kept = f"{report.unchanged} unchanged, {report.repaired} repaired, {report.changed} changed"
        yield Text(
            f"replay of {report.processor}: {so_many(report.total, 'event')}, {kept}, "
            f"{report.dead} dead as before"
        )
    if result.wrong:
        yield Text("this is not what it must be:", style="bold red")
        yield from (Text(f"! {output.one_line(each)}", style="red") for each in result.wrong)
        return
    yield Text(f"the replay changed nothing; everything is what it must be ({seconds:.1f} s)", style="green")


def _is_balanced(result: Result) -> bool:
    return all(sum(accounts.values()) == 0 for accounts in result.books.balances.values())
