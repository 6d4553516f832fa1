"""What every test shares: how hard hypothesis tries, and that a slow machine is no failure."""

from __future__ import annotations

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

# Its entry point has the same name: an environment that knows it does not load it twice.
pytest_plugins = ["ingest.testing.plugin"]
