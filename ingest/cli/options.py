"""Flags that several commands share, in the same words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ingest.cli import completing

LARGEST = 2**63 - 1  # that the store can count to

Json = Annotated[
    bool, Option("--json", help="For machines: one JSON document, or one object a line.", show_default=False)
]
Yes = Annotated[
    bool, Option("--yes", help="Do not ask; needed where there is no terminal.", show_default=False)
]
DryRun = Annotated[
    bool, Option("--dry-run", help="Show what would be done, and do nothing.", show_default=False)
]
Reason = Annotated[str, Option(metavar="TEXT", help="Why; it is kept in the record.", show_default=False)]
Once = Annotated[bool, Option("--once", help="Stop when nothing is left to do.", show_default=False)]

Sources = Annotated[
    list[str] | None,
    Option(
        "--source",
        metavar="NAME",
        help="Only this source; may be repeated.",
        autocompletion=completing.sources,
        show_default=False,
    ),
]
Mode = Annotated[
    str | None,
    Option(
        metavar="MODE",
        help="auto, notify or poll, for every source.",
        autocompletion=completing.one_of("auto", "notify", "poll"),
        show_default=False,
    ),
]
Quiet = Annotated[
    float | None,
    Option(
        "--quiet", metavar="SECONDS", help="How long a file must not change to be whole.", show_default=False
    ),
]
Processors = Annotated[
    list[str] | None,
    Option(
        "-p",
        "--processor",
        metavar="NAME",
        help="Only this processor; may be repeated.",
        autocompletion=completing.processors,
        show_default=False,
    ),
]
Concurrency = Annotated[
    int | None,
    Option("-c", "--concurrency", metavar="N", help="How many processes work at once.", show_default=False),
]
WaitRetries = Annotated[
    bool,
    Option("--wait-retries", help="With --once: wait for retries and other workers too.", show_default=False),
]
Limit = Annotated[
    int | None, Option(metavar="N", min=1, max=LARGEST, help="Stop after this many.", show_default=False)
]
ShutdownTimeout = Annotated[
    float | None,
    Option(
        "--shutdown-timeout",
        metavar="SECONDS",
        help="How long what runs may take to finish.",
        show_default=False,
    ),
]
ProcessorsDir = Annotated[
    Path | None,
    Option(
        "--processors",
        metavar="DIR",
        help="Where processors are, instead of beside ingest.toml.",
        show_default=False,
    ),
]

Ids = Annotated[
    list[str] | None,
    Option(
        "--id",
        metavar="ID",
        help="This event; may be repeated.",
        autocompletion=completing.events,
        show_default=False,
    ),
]
Source = Annotated[
    str | None,
    Option(
        metavar="NAME",
        help="Events of files of this source.",
        autocompletion=completing.sources,
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    Option(
        metavar="KEY",
        help="Events of this partition key.",
        autocompletion=completing.keys,
        show_default=False,
    ),
]
Since = Annotated[
    str | None,
    Option(
        metavar="TIME",
        help="Events from then on: RFC 3339, or a date; UTC unless it says otherwise.",
        show_default=False,
    ),
]
Until = Annotated[str | None, Option(metavar="TIME", help="Events before then.", show_default=False)]
First = Annotated[
    int | None,
    Option(
        "--from", metavar="POS", min=0, max=LARGEST, help="Events from this position on.", show_default=False
    ),
]
Last = Annotated[
    int | None,
    Option("--to", metavar="POS", min=0, max=LARGEST, help="Events up to this position.", show_default=False),
]
Status = Annotated[
    str | None,
    Option(
        metavar="STATUS",
        help="dead, done or retrying: what became of the event.",
        autocompletion=completing.one_of("dead", "done", "retrying"),
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    Option(
        "--type",
        metavar="TYPE",
        help="Events of this type; may be repeated.",
        show_default=False,
        autocompletion=completing.types,
    ),
]
Processor = Annotated[
    str | None,
    Option(
        "-p",
        "--processor",
        metavar="NAME",
        help="Of this processor only.",
        autocompletion=completing.processors,
        show_default=False,
    ),
]

DeadEvent = Annotated[
    str,
    Argument(
        metavar="ID",
        help="The event's id, or the beginning of it.",
        autocompletion=completing.dead,
        show_default=False,
    ),
]
DeadEvents = Annotated[
    list[str] | None,
    Argument(
        metavar="[ID]...",
        help="Events, by id or the beginning of it.",
        autocompletion=completing.dead,
        show_default=False,
    ),
]
PathLike = Annotated[
    str,
    Argument(
        metavar="PATH",
        help="A path, as it is or relative to a source.",
        autocompletion=completing.events_or_paths,
        show_default=False,
    ),
]
ProcessorName = Annotated[
    str,
    Argument(
        metavar="NAME",
        help="The processor.",
        autocompletion=completing.processors,
        show_default=False,
    ),
]
Supervisor = Annotated[
    int | None, Option("--supervisor", metavar="PID", help="Stop when this parent does.", hidden=True)
]
