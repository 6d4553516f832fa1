"""What every test shares: how hard hypothesis tries, that a slow machine is no failure, which come first."""

from __future__ import annotations

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ingest",
    # Two cores are shared with real processes: time says nothing about correctness here.
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)
settings.load_profile("ingest")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # They run in the background, and what is ignored is inherited: no command would hear a Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

USUAL = 180.0  # seconds that a test may take, unless it is marked


gc.disable()


def pytest_collection_finish() -> None:
    """What was imported and collected stays: only from here on it pays to look for what can go."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that may take long come first, in whatever order: none is what all wait for in the end."""
    items.sort(key=lambda item: not _may_take_long(item))


def _may_take_long(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("timeout")
    return mark is not None and mark.args[0] > USUAL


# Its entry point has the same name: an environment that knows it does not load it twice.
pytest_plugins = ["ingest.testing.plugin"]
