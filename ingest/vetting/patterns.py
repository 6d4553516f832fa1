"""Patterns that an operator declares and a partner's text is matched with: none of them can run away."""

from __future__ import annotations

from collections.abc import Callable

from ingest.domain.name_patterns import compile_name_pattern


def text_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a text of at most 255 characters matches as a whole; longer ones never do.

    Raises `ValueError` for a pattern that is malformed, or that some text could keep busy.
    """
    return compile_name_pattern(pattern).matches
