"""Patterns that an operator declares and a partner's text is matched with: none of them can run away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.domain.name_patterns import compile_name_pattern


def text_pattern(pattern: str) -> Callable[[Sequence[str]], bool]:
    """Whether texts of at most 255 characters match, each as a whole; a longer one never does.

    Raises `ValueError` for a pattern that is malformed, or that some text could keep busy.
    """
    return compile_name_pattern(pattern).all_match
