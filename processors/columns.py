"""Columns of a contract: what each is called here and there, what its cells must be, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ingest.vetting import text_pattern
from processors.column_types import MAX_CELL, BooleanType, ColumnType, DateType, NumberType, TextType
from processors.currencies import DECIMALS
from processors.date_formats import date_format
from processors.given import Given, plain_decimal
from processors.money import RuleBroken

TYPES = ("text", "integer", "decimal", "date", "datetime", "boolean")
_ALWAYS = ("name", "from", "type", "required", "start", "length", "allowed")
_NUMBERS = ("decimal", "group", "sign", "min", "max")
_OF_TYPE = {
    "text": ("max_length", "pattern"),
    "integer": _NUMBERS,
    "decimal": (*_NUMBERS, "decimals", "currency", "implied"),
    "date": ("format", "min", "max"),
    "datetime": ("format", "timezone", "min", "max"),
    "boolean": ("true", "false"),
}
KEYS = frozenset({*_ALWAYS, *(key for keys in _OF_TYPE.values() for key in keys)})
DEFAULTS = (
    "decimal",
    "group",
    "date",
    "datetime",
    "timezone",
    "true",
    "false",
)  # may be said for all
_ISO = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%dT%H:%M:%S%z"}
_MAX_DECIMALS = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the contract."""

    name: str
    source: str  # its name in the file
    type: ColumnType
    is_required: bool
    least: Any = None
    most: Any = None
    allowed: frozenset[Any] | None = None
    decimals: int | None = None  # exactly so many; None: as many as are written
    currency: str = ""  # the column that says how many decimals there are

    @property
    def declared(self) -> Any:
        """As `ingest.table` takes it."""
        return self.type.kept_as if self.is_required else self.type.kept_as | None

    def values(
        self, cells: Sequence[Any], decimals: Sequence[int | None] | None = None, *, is_text: bool = False
    ) -> tuple[Sequence[Any], dict[int, str]]:
        """The values of cells, and the rules that are broken by those at some places.

        `decimals` is told for each cell where a currency decides. An empty cell is None. `is_text` says
        that every cell is text.
        """
        alike = self.decimals if decimals is None else decimals[0]
        if decimals is None or set(decimals) == {alike}:
            are_texts = is_text or set(map(type, cells)) == {str}
            whole = self._whole(cells, alike) if are_texts else None
            if whole is not None:
                return whole, {}
        values: list[Any] = []
        broken: dict[int, str] = {}
        for place, cell in enumerate(cells):
            try:
                values.append(self._one(cell, self.decimals if decimals is None else decimals[place]))
            except RuleBroken as rule:
                broken[place] = rule.rule
                values.append(None)
        return values, broken

    def _whole(self, cells: Sequence[Any], decimals: int | None) -> Sequence[Any] | None:
        """The values of texts where each keeps the rules, else None."""
        if "" not in cells:
            values = self.type.many(cells, decimals)
            return values if values is not None and self._allows(values) else None
        filled = [cell for cell in cells if cell]
        values = self.type.many(filled, decimals) if filled else []
        if self.is_required or values is None or (values and not self._allows(values)):
            return None
        following = iter(values)
        return [next(following) if cell else None for cell in cells]

    def _allows(self, values: Sequence[Any]) -> bool:
        return (
            (self.least is None or min(values) >= self.least)
            and (self.most is None or max(values) <= self.most)
            and (self.allowed is None or self.allowed.issuperset(values))
        )

    def _one(self, cell: Any, decimals: int | None) -> Any:
        if cell is None or cell == "":
            if self.is_required:
                raise RuleBroken("required")
            return None
        value = self.type.one(cell, decimals)
        if self.least is not None and value < self.least:
            raise RuleBroken("min")
        if self.most is not None and value > self.most:
            raise RuleBroken("max")
        if self.allowed is not None and value not in self.allowed:
            raise RuleBroken("allowed")
        return value


def decimals_of(currencies: Sequence[Any]) -> tuple[Sequence[int | None], dict[int, str]]:
    """The decimals of each currency, and the rule that is broken where ISO 4217 knows none.

    A cell that is empty or no text is left to its own column.
    """
    codes = currencies
    if set(map(type, currencies)) != {str}:
        codes = [code if isinstance(code, str) else "" for code in currencies]
    known = {code: DECIMALS.get(code) for code in set(codes)}
    decimals = list(map(known.__getitem__, codes))
    if None not in known.values():
        return decimals, {}
    broken = (place for place, each in enumerate(decimals) if each is None and codes[place])
    return decimals, dict.fromkeys(broken, "currency")


def column(given: Given, defaults: Given) -> Column:
    """The column that a table of options declares; raises `ValueError` for one that says nothing clear."""
    given = given.called(f"column {given.text('name')!r}")
    given.check_names(KEYS)
    kind = given.word("type", TYPES, "text")
    for key in given.options:
        if key not in (*_ALWAYS, *_OF_TYPE[kind]):
            raise given.wrong(f"{key} means nothing for type {kind!r}")
    made = _type(kind, given, defaults)
    found = Column(
        name=given.text("name"),
        source=given.text("from", given.text("name")),
        type=made,
        is_required=given.flag("required"),
        least=_bound("min", made, given),
        most=_bound("max", made, given),
        allowed=_allowed(made, given),
        decimals=given.number("decimals", None, most=_MAX_DECIMALS),
        currency=given.text("currency", ""),
    )
    if found.currency and found.decimals is not None:
        raise given.wrong("decimals are either the currency's or declared")
    if found.least is not None and found.most is not None and found.least > found.most:
        raise given.wrong("min is more than max")
    return found


def _type(kind: str, given: Given, defaults: Given) -> ColumnType:
    if kind == "text":
        return _text(given)
    if kind in ("integer", "decimal"):
        return NumberType(
            kept_as=int if kind == "integer" else Decimal,
            mark=_either("decimal", given, defaults).mark("decimal", ".", may_be_empty=False),
            group=_either("group", given, defaults).mark("group", ""),
            sign_after=given.word("sign", ("before", "after"), "before") == "after",
            implied=given.count("implied", most=_MAX_DECIMALS),
        )
    if kind == "boolean":
        true = _either("true", given, defaults).texts("true") or ("true",)
        false = _either("false", given, defaults).texts("false") or ("false",)
        if set(true) & set(false):
            raise given.wrong("a word means both true and false")
        return BooleanType(words=dict.fromkeys(true, True) | dict.fromkeys(false, False))
    return _date(kind, given, defaults)


def _text(given: Given) -> TextType:
    pattern = given.text("pattern", "")
    try:
        all_match = text_pattern(pattern) if pattern else None
    except ValueError as error:
        raise given.wrong(f"pattern: {error}") from None
    return TextType(
        max_length=given.count("max_length", MAX_CELL, least=1, most=MAX_CELL), all_match=all_match
    )


def _date(kind: str, given: Given, defaults: Given) -> DateType:
    try:
        format_ = date_format(given.text("format", defaults.text(kind, _ISO[kind])))
    except ValueError as error:
        raise given.wrong(str(error)) from None
    if kind == "date":
        return DateType(format=format_, zone=None, kept_as=date)
    if not format_.has_time:
        raise given.wrong("the format of a datetime has no hour")
    zone = _either("timezone", given, defaults).text("timezone", "")
    if not zone and not format_.has_zone:
        raise given.wrong('timezone is missing, and its format has none: write timezone = "UTC"')
    return DateType(format=format_, zone=_zone(zone, given) if zone else None, kept_as=datetime)


def _zone(name: str, given: Given) -> tzinfo:
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise given.wrong(f"timezone = {name!r} is not known here") from None


def _either(key: str, given: Given, defaults: Given) -> Given:
    return given if key in given.options else defaults


def _bound(key: str, kind: ColumnType, given: Given) -> Any:
    value = given.options.get(key)
    if value is None:
        return None
    try:
        if isinstance(kind, NumberType):
            return plain_decimal(value)
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise given.wrong(f"{key} = {value!r} is not what the column holds") from None
    if kind.kept_as is date:
        return moment.date()
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _allowed(kind: ColumnType, given: Given) -> frozenset[Any] | None:
    texts = given.texts("allowed")
    if not texts:
        return None
    try:
        return frozenset(kind.one(text, None) for text in texts)
    except RuleBroken:
        raise given.wrong("a value of allowed is not what the column holds") from None
