"""The three verdicts on a content: it was read, it keeps its schema, its arithmetic holds; and what follows.

Options of every processor that judges: `strictness` is `strict` (a broken rule
refuses the content) or `lenient` (it is recorded); `on_mismatch` says what
totals that do not add up mean, `quarantine` (refused, with the figures) or
`warn` (recorded). `by_source` has, by the name of a source, what holds for its
files instead.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ingest import Context, Judging, Table, table
from ingest.vetting import Refused
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.given import Given

STRICTNESS = ("strict", "lenient")
ON_MISMATCH = ("quarantine", "warn")
BY_SOURCE = "by_source"
MAX_KEPT = 100  # findings of one content that are kept one by one
_LENIENT = {"strictness": STRICTNESS[1], "on_mismatch": ON_MISMATCH[1]}


def lenient(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options with a policy that records everything, for every source."""
    if BY_SOURCE not in options:
        return {**options, **_LENIENT}
    by_source = {source: {**own, **_LENIENT} for source, own in options[BY_SOURCE].items()}
    return {**options, **_LENIENT, BY_SOURCE: by_source}


JUDGING = Judging(
    schema="schema_verdict",
    arithmetic="arithmetic_verdict",
    findings="first",
    lenient=lenient,
)


def check_policy(options: Mapping[str, Any], others: Collection[str] = ()) -> None:
    """Raise `ValueError` for a policy that there is none of, and for an option that is not among `others`."""
    names = ("strictness", "on_mismatch", *others)
    policies = list(every_policy(options))
    Given(options).check_names((*names, BY_SOURCE))
    for source, own in options.get(BY_SOURCE, {}).items():
        Given(own, where=f"{BY_SOURCE}.{source}").check_names(names)
    for each in policies:
        for name, known in (("strictness", STRICTNESS), ("on_mismatch", ON_MISMATCH)):
            if each.get(name, known[0]) not in known:
                msg = f"{name} is {' or '.join(known)}"
                raise ValueError(msg)


def options_for(source: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options that hold for the files of a source."""
    return {**options, **options.get(BY_SOURCE, {}).get(source, {})}


def every_policy(options: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The options that hold for any source, then for each that has its own; raises `ValueError` for none."""
    yield options
    own = options.get(BY_SOURCE, {})
    if not isinstance(own, Mapping) or not all(isinstance(each, Mapping) for each in own.values()):
        msg = f"{BY_SOURCE} is a table of options for each source"
        raise ValueError(msg)
    for source in own:
        yield options_for(source, options)


def declares(options: Mapping[str, Any], name: str, default: str) -> bool:
    """True where the option says something other than by default, for any source."""
    return any(each.get(name, default) != default for each in every_policy(options))


def findings_table(name: str) -> Table:
    """A table of the calling module: one row of verdicts a content, with the first of its findings."""
    made = table(
        name,
        format=str,
        schema_verdict=str,  # "ok" | "broken"
        arithmetic_verdict=str,  # "ok" | "mismatch" | "not stated"
        findings=int,
        first=list,  # of [where, rule, message], at most `MAX_KEPT`
    )
    # A processor owns the tables that its own module declares.
    declared_in = sys._getframe(1).f_globals["__name__"]  # noqa: SLF001  # as `table` itself finds it
    return replace(made, module=declared_in)


class Verdicts:
    """Collects findings on one content; refuses it at the first that the policy does not let pass."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._refusing = set()
        if options.get("strictness", STRICTNESS[0]) == "strict":
            self._refusing.add(SCHEMA)
        if options.get("on_mismatch", ON_MISMATCH[0]) == "quarantine":
            self._refusing.add(ARITHMETIC)
        self.is_balanced = False  # some total was stated, and checked
        self._broken: set[str] = set()
        self._count = 0
        self._first: list[list[str]] = []

    def note(self, finding: Finding) -> None:
        """The content broke a rule. Raises `Refused` where that is not let pass."""
        if finding.verdict in self._refusing:
            raise Refused(finding.message, rule=finding.rule, where=finding.where)
        self._broken.add(finding.verdict)
        self._count += 1
        if len(self._first) < MAX_KEPT:
            self._first.append([finding.where, finding.rule, finding.message])

    def hand_over(self, ctx: Context, to: Table, *, format: str) -> None:  # noqa: A002  # the field's word
        """One row with the verdicts."""
        stated = "ok" if self.is_balanced else "not stated"
        ctx.insert(
            to,
            {
                "format": format,
                "schema_verdict": "broken" if SCHEMA in self._broken else "ok",
                "arithmetic_verdict": "mismatch" if ARITHMETIC in self._broken else stated,
                "findings": self._count,
                "first": self._first,
            },
        )
