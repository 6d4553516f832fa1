"""What a processor handed over, for machines and for people: the first of its rows, facts and rejects."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingest.cli import output
from ingest.domain.showing import show
from ingest.store.handover import Handover
from ingest.work.trial import Reject, facts_of, rows_of

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 20  # of each kind, to people
MOST = 1000  # of each kind, in a JSON document


def as_json(handover: Handover, rejects: Iterator[Reject]) -> dict[str, Any]:
    """The lists of a JSON document, cut off where they get long."""
    return {
        "rows": [
            {"table": table, "values": values, "fact": fact}
            for table, values, fact in islice(rows_of(handover), MOST)
        ],
        "facts": list(islice(facts_of(handover), MOST)),
        "rejects": [
            {"line": line, "column": column, "rule": rule, "raw": raw}
            for line, column, rule, raw in islice(rejects, MOST)
        ],
    }


def view(handover: Handover, rejects: Iterator[Reject]) -> Iterator[RenderableType]:
    """What is printed."""
    from rich.text import Text

    # One list after the other: each is read from the beginning of what may lie in one file.
    for table, values, _ in list(islice(rows_of(handover), SHOWN)):
        row = "  ".join(f"{name}={show(str(value))}" for name, value in values.items())
        yield Text.assemble((f"{table}  ", "bold"), row)
    facts = [
        (fact["type"], show(fact["partitionkey"]), show(fact["subject"]))
        for fact in islice(facts_of(handover), SHOWN)
    ]
    if facts:
        yield output.table("facts", ("type", "key", "name"), facts)
    refused = list(islice(rejects, SHOWN))
    if refused:
        yield output.table("rejects", ("#line", "column", "rule", "raw"), refused)
