"""How long a test waits for what must come; that it comes is proved, never how soon."""

from __future__ import annotations

PATIENCE = 120.0  # seconds: what takes one alone takes many on a machine that has others to serve
