"""For people who write processors: their functions on a real store, through the real engine, in a test.

The fixture `ingest_bench` comes with the pytest plugin that ingest brings;
whoever uses another framework makes a `Bench` in an empty directory. `hand_over`
runs a processor once without any store.
Nothing here is imported by the rest of ingest, nor is pytest needed by it.
"""

from __future__ import annotations

from ingest.testing.bench import Bench
from ingest.testing.handing import Emitted, HandedOver, Row, hand_over
from ingest.testing.seen import Call, Refusal, Standing, Verdict

__all__ = [
    "Bench",
    "Call",
    "Emitted",
    "HandedOver",
    "Refusal",
    "Row",
    "Standing",
    "Verdict",
    "hand_over",
]
