"""A project whose processors tell and read a fact that gets its next version: settings, and both codes."""

from __future__ import annotations

from pathlib import Path

GIVEN = Path(__file__).parent / "given"
CONFIG = """\
version = 1

[work]
concurrency = 1

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"

[[processor]]
name = "shop"
use = "shop:shop"

[[processor]]
name = "sums"
use = "sums:sums"
"""
