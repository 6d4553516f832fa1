"""What a processor handed over, for machines and for people: first rows of each table, facts and rejects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ingest.cli import output
from ingest.contract import Table
from ingest.domain.showing import show
from ingest.store.handover import Handover
from ingest.work.trial import Reject, facts_of, rows_of

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN = 20  # rows of each table, facts and rejects, to people
MOST = 1000  # of the same, in a JSON document


def as_json(handover: Handover, tables: Sequence[Table], rejects: Iterator[Reject]) -> dict[str, Any]:
    """The lists of a JSON document, cut off where they get long; rows are in the order of `tables`."""
    return {
        "rows": [
            {"table": of.table, "values": values, "fact": fact}
            for of in rows_of(handover, tables, most=MOST)
            for values, fact in of.first
        ],
        "facts": list(islice(facts_of(handover), MOST)),
        "rejects": [
            {"line": line, "column": column, "rule": rule, "raw": raw}
            for line, column, rule, raw in islice(rejects, MOST)
        ],
    }


def view(handover: Handover, tables: Sequence[Table], rejects: Iterator[Reject]) -> Iterator[RenderableType]:
    """What is printed; rows are in the order of `tables`."""
    from rich.text import Text

    # One list after the other: each is read from the beginning of what may lie in one file.
    for of in rows_of(handover, tables, most=SHOWN):
        for values, _ in of.first:
            row = "  ".join(f"{name}={show(str(value))}" for name, value in values.items())
            yield Text.assemble((f"{of.table}  ", "bold"), row)
        if of.count > SHOWN:
            yield Text.assemble((f"{of.table}  ", "bold"), f"and {of.count - SHOWN:,} more")
    facts = [
        (fact["type"], show(fact["partitionkey"]), show(fact["subject"]))
        for fact in islice(facts_of(handover), SHOWN)
    ]
    if facts:
        yield output.table("facts", ("type", "key", "name"), facts)
    refused = list(islice(rejects, SHOWN))
    if refused:
        yield output.table("rejects", ("#line", "column", "rule", "raw"), refused)
