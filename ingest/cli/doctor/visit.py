"""The whole look: gathered, shaped for machines, told to people."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.cli import output
from ingest.cli.doctor import installation, machine, places, processors, stores
from ingest.cli.doctor.findings import Finding, failed, problems
from ingest.cli.given import Given
from ingest.cli.words import so_many
from ingest.config import load, mask_url
from ingest.errors import IngestError

if TYPE_CHECKING:
    from rich.console import RenderableType


def examine(given: Given) -> list[Finding]:
    """Everything that can be found; what cannot be looked at is a finding too."""
    found = [*installation.findings(), *machine.findings()]
    try:
        held = load(Path(given.config) if given.config else None, env=os.environ)
    except IngestError as error:
        return [*found, failed("configuration", "ingest.toml", error)]
    of_store, seen = stores.findings(held)
    found += [*places.of_settings(held), *places.of_store(held), *of_store, *places.of_sources(held, seen)]
    found += processors.findings(held)
    return sorted(found, key=lambda finding: _AREAS.index(finding.area))


def as_json(found: Sequence[Finding]) -> dict[str, Any]:
    """The document of `doctor --json`."""
    return {
        "well": not problems(found),
        "findings": [{name: mask_url(said) for name, said in asdict(one).items()} for one in found],
    }


def view(found: Sequence[Finding]) -> Iterator[RenderableType]:
    """What is printed: everything by area, then each problem with what to do."""
    from rich.text import Text

    for area, of_area in groupby(found, key=lambda finding: finding.area):
        told = [(one.name, one.value) for one in of_area if one.value]
        if told:
            yield Text(area, style="bold")
            yield output.facts((f"  {name}", mask_url(value)) for name, value in told)
    wrong = problems(found)
    if not wrong:
        yield Text("all is well", style="green")
        return
    yield Text(so_many(len(wrong), "problem"), style="bold red")
    for one in wrong:
        said = mask_url(f"! {one.area}: {one.problem}")
        yield Text.assemble((output.one_line(said), "red"), f" — {output.one_line(one.hint)}")


_AREAS = ("installation", "configuration", "machine", "store", "archive", "source", "processor", "status")
