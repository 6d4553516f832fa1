"""Where a fact stands among those of its key: a run that reads rows below its own only can be repeated."""

from __future__ import annotations

from ingest import Context

_NEWEST = 1 << 62  # above every keyseq


def keyseq_of(ctx: Context) -> int:
    """The `keyseq` of the event in hand; of one that is only tried, a number above all others."""
    return _NEWEST if ctx.event.keyseq is None else ctx.event.keyseq
