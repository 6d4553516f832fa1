"""For people who write processors: their functions on a real store, through the real engine, in a test.

The fixture `ingest_bench` comes with the pytest plugin that ingest brings;
whoever uses another framework makes a `Bench` in an empty directory. `hand_over`
runs a processor once without any store.
Nothing here is imported by the rest of ingest, nor is pytest needed by it. Names are
loaded on first use: pytest loads the plugin in every environment that has ingest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "Bench": "ingest.testing.bench",
    "Emitted": "ingest.testing.handing",
    "HandedOver": "ingest.testing.handing",
    "Row": "ingest.testing.handing",
    "hand_over": "ingest.testing.handing",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES.get(name, "ingest.testing.seen")), name)
