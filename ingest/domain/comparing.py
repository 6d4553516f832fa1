"""What would change: what stands against what a processor hands over now, thing by thing.

One comparison serves a shadow replay, `ingest try` and the tests of
processors. It is pure and takes all its things at once; whoever has more than
fits in memory compares them part by part, all things of one key in one part,
and adds the parts up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any, Literal, NamedTuple

Kind = Literal["rows", "facts", "rejects", "calls"]

MOST_EXAMPLES = 20  # differences that are kept in full; all are counted
EXAMPLE_CHARS = 200  # of one value of an example
_EXACT = Context(prec=1000, traps=[])  # no sum of money comes near it


class Thing(NamedTuple):
    """A row, fact, reject or call: it is the same thing under the same key, and reads as its content."""

    kind: Kind
    name: str  # table, event type; empty where the kind says all
    key: tuple[Any, ...]  # the content itself where nothing else makes it the same
    content: tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the values of a thing's content are called, and which of them are money."""

    columns: tuple[str, ...]
    amounts: tuple[int, ...] = ()  # places of decimals
    currency: int | None = None  # place of what they are in


_SHAPES: Mapping[Kind, Shape] = {
    "facts": Shape(columns=("partitionkey", "data")),
    "rejects": Shape(columns=("line", "column", "rule", "raw")),
    "calls": Shape(columns=("request",)),
}


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many things of one name would be there anew, no more, read otherwise, or be as they are."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0

    @property
    def differs(self) -> bool:
        """True when not everything is as it was."""
        return bool(self.added or self.removed or self.changed)

    def add(self, other: Tally) -> None:
        """Count `other` in."""
        self.added += other.added
        self.removed += other.removed
        self.changed += other.changed
        self.unchanged += other.unchanged

    def as_plain(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "unchanged": self.unchanged,
        }


@dataclass(slots=True, kw_only=True)
class Total:
    """The exact sum of one column in one currency: as it stands, and as it would be."""

    before: Decimal = Decimal(0)
    after: Decimal = Decimal(0)

    def add(self, other: Total) -> None:
        """Add `other` up."""
        self.before = _EXACT.add(self.before, other.before)
        self.after = _EXACT.add(self.after, other.after)

    @property
    def delta(self) -> Decimal:
        """By how much it would be more."""
        return _EXACT.subtract(self.after, self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One difference in full: how the thing reads, and how it would; None where it is not there."""

    kind: Kind
    name: str
    key: tuple[Any, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    def as_plain(self) -> dict[str, Any]:
        """The example for machines."""
        return {
            "kind": self.kind,
            "name": self.name,
            "key": list(self.key),
            "before": self.before,
            "after": self.after,
        }


@dataclass(slots=True, kw_only=True)
class Differences:
    """What would change: exact counts, exact sums of money, and a bounded number of examples."""

    tallies: dict[tuple[Kind, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    money: dict[tuple[str, str, str], Total] = field(default_factory=lambda: defaultdict(Total))
    examples: list[Example] = field(default_factory=list)

    def differs(self, *kinds: Kind) -> bool:
        """True when a thing of one of these kinds would change; of any, where none is named."""
        return any(tally.differs for (kind, _), tally in self.tallies.items() if not kinds or kind in kinds)

    def of(self, kind: Kind) -> Tally:
        """All things of one kind."""
        total = Tally()
        for (each, _), tally in self.tallies.items():
            if each == kind:
                total.add(tally)
        return total

    def add(self, other: Differences) -> None:
        """Count `other` in, which shares no thing with this."""
        for name, tally in other.tallies.items():
            self.tallies[name].add(tally)
        for column, total in other.money.items():
            self.money[column].add(total)
        self.examples += other.examples[: MOST_EXAMPLES - len(self.examples)]

    @property
    def left_off(self) -> int:
        """How many differences are counted only."""
        found = [tally.added + tally.removed + tally.changed for tally in self.tallies.values()]
        return sum(found) - len(self.examples)

    def as_plain(self) -> dict[str, Any]:
        """All of it for machines; decimals are text."""
        examples = [example.as_plain() for example in self.examples]
        return {**self.totals_as_plain(), "examples": examples, "left_off": self.left_off}

    def totals_as_plain(self) -> dict[str, Any]:
        """Counts and sums for machines; decimals are text."""
        named: dict[str, dict[str, Any]] = {"rows": {}, "facts": {}}
        for (kind, name), tally in sorted(self.tallies.items()):
            if kind in named:
                named[kind][name] = tally.as_plain()
        return {
            **named,
            "rejects": self.of("rejects").as_plain(),
            "calls": self.of("calls").as_plain(),
            "money": [_plain_total(*column, total) for column, total in sorted(self.money.items())],
        }


def compare(stands: Iterable[Thing], would: Iterable[Thing], tables: Mapping[str, Shape]) -> Differences:
    """What would change if `would` stood in place of `stands`; `tables` says how rows are shaped.

    Things that share a key, as rows without a unique key may, are matched one by one.
    """
    found = Differences()
    standing: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for thing in stands:
        standing[thing[:3]].append(thing.content)
        _sum_up(found, thing, tables, is_after=False)
    for thing in would:
        former = standing.get(thing[:3])
        _note(found, thing, former.pop() if former else None, thing.content, tables)
        _sum_up(found, thing, tables, is_after=True)
    for (kind, name, key), contents in standing.items():
        for content in contents:
            _note(found, Thing(kind, name, key, content), content, None, tables)
    return found


def _note(  # one thing, as it is and as it would be
    found: Differences,
    thing: Thing,
    before: tuple[Any, ...] | None,
    after: tuple[Any, ...] | None,
    tables: Mapping[str, Shape],
) -> None:
    tally = found.tallies[thing.kind, thing.name]
    if before == after:
        tally.unchanged += 1
        return
    if before is None:
        tally.added += 1
    elif after is None:
        tally.removed += 1
    else:
        tally.changed += 1
    if len(found.examples) < MOST_EXAMPLES:
        columns = _shape(thing, tables).columns
        found.examples.append(
            Example(
                kind=thing.kind,
                name=thing.name,
                key=tuple(map(_bounded, thing.key)),
                before=_shown(columns, before),
                after=_shown(columns, after),
            )
        )


def _sum_up(found: Differences, thing: Thing, tables: Mapping[str, Shape], *, is_after: bool) -> None:
    shape = _shape(thing, tables)
    for place in shape.amounts:
        value = thing.content[place]
        if value is not None:
            currency = "" if shape.currency is None else _bounded(str(thing.content[shape.currency] or ""))
            amount = Decimal(value)
            sums = Total(after=amount) if is_after else Total(before=amount)
            found.money[thing.name, shape.columns[place], currency].add(sums)


def _shape(thing: Thing, tables: Mapping[str, Shape]) -> Shape:
    return tables[thing.name] if thing.kind == "rows" else _SHAPES[thing.kind]


def _shown(columns: tuple[str, ...], content: tuple[Any, ...] | None) -> dict[str, Any] | None:
    return None if content is None else dict(zip(columns, map(_bounded, content), strict=True))


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > EXAMPLE_CHARS:
        return value[: EXAMPLE_CHARS - 1] + "…"
    return value


def _plain_total(table: str, column: str, currency: str, total: Total) -> dict[str, str]:
    return {
        "table": table,
        "column": column,
        "currency": currency,
        "before": format(total.before, "f"),
        "after": format(total.after, "f"),
        "delta": format(total.delta, "f"),
    }
