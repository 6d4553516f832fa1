"""Short names for what is told by several texts together."""

from __future__ import annotations

import hashlib


def digest(*parts: str) -> str:
    """32 hexadecimal digits, other ones for other parts."""
    whole = b"".join(b"%d:" % len(part.encode()) + part.encode() for part in parts)
    return hashlib.sha256(whole).hexdigest()[:32]
