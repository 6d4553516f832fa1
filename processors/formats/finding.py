"""What a reader found wrong with a content that it could read all the same."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = "schema"
ARITHMETIC = "arithmetic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule of the format that the content breaks; what it means is the policy of the source.

    Neither message nor place quotes the content, figures apart: they go to logs.
    """

    verdict: str  # SCHEMA, or ARITHMETIC: totals that do not add up
    rule: str  # the stable word of the rule, "entry_hash"
    message: str  # "the entry hash is 12, the entries come to 13"
    where: str  # "line 3"
