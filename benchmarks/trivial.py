"""The processors the benchmarks run; each project they make gets a copy as `processors/trivial.py`."""

import csv
import hashlib
import io
from datetime import date
from decimal import Decimal

from ingest import Context, FileLanded, processor, table

COUNTED = table("counted", path=str, rows=int, digest=str)


@processor(accepts=FileLanded, version="1", tables=[COUNTED])
def count(event: FileLanded, ctx: Context) -> None:
    """Count the rows under the header and hash every line, into one row of `counted`."""
    digest = hashlib.sha256()
    rows = -1
    with ctx.open() as file:
        for line in file:
            digest.update(line)
            rows += 1
    ctx.insert(COUNTED, {"path": event.path, "rows": rows, "digest": digest.hexdigest()})


@processor(accepts=FileLanded, version="1", tables=[COUNTED])
def check(event: FileLanded, ctx: Context) -> None:
    """Parse the amount and the date of every row, and keep how many there are and what they come to."""
    rows, total = 0, Decimal()
    with ctx.open() as file:
        for row in csv.DictReader(io.TextIOWrapper(file, encoding=event.encoding, newline=""), strict=True):
            date.fromisoformat(row["value_date"])
            total += Decimal(row["amount"])
            rows += 1
    ctx.insert(COUNTED, {"path": event.path, "rows": rows, "digest": str(total)})


@processor(accepts=FileLanded, version="1", tables=[])
def nothing(event: FileLanded, ctx: Context) -> None:
    """Do nothing: what remains is the cost of claiming and completing."""
