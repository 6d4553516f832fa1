"""How values are kept in the columns of processors' tables: one by one, or a whole column at once.

A column at once is the same, faster: its values are vouched for together, and
where they cannot be, nothing is said of them but that each has to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from typing import Any

from ingest.domain.codec import canonical_json
from ingest.domain.instants import micros

_INT64 = 2**63
_OF_NO_PLAIN_DECIMAL = ("E", "N", "I")  # one of them is in every exponent, Infinity and NaN


def _bind_str(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        msg = "it is not valid text"
        raise ValueError(msg) from None
    if "\0" in value:
        msg = "it contains NUL"
        raise ValueError(msg)
    return str.__str__(value)


def _bind_int(value: int) -> int:
    if type(value) is not int:
        raise TypeError
    if not -_INT64 <= value < _INT64:
        msg = "it needs more than 64 bits"
        raise ValueError(msg)
    return value


def _bind_bool(value: bool) -> int:  # noqa: FBT001  # a value, not a flag
    if type(value) is not bool:
        raise TypeError
    return int(value)


def _bind_decimal(value: Decimal) -> str:
    if not value.is_finite():
        msg = "it is not finite"
        raise ValueError(msg)
    return format(value, "f")


def _bind_date(value: date) -> str:
    if type(value) is not date:
        raise TypeError
    return value.isoformat()


BINDS: dict[type, Callable[[Any], Any]] = {
    str: _bind_str,
    int: _bind_int,
    bool: _bind_bool,
    Decimal: _bind_decimal,
    date: _bind_date,
    datetime: micros,
    dict: canonical_json,
    list: canonical_json,
}
INTEGERS = frozenset({int, bool, datetime})  # kept as whole numbers; all else is kept as text
MUTABLE = frozenset({dict, list})  # what a processor hands over and may change afterwards


def bind_column(type_: type, values: Sequence[Any]) -> Sequence[Any] | None:
    """`values` as the database keeps them; None where that cannot be said of all of them together."""
    bind = _BULK.get(type_)
    return None if bind is None or set(map(type, values)) != {type_} else bind(values)


def _all_dict(values: Sequence[dict[str, Any]]) -> Sequence[str] | None:
    return None if any(values) else ["{}"] * len(values)


def _all_str(values: Sequence[str]) -> Sequence[str] | None:
    joined = "".join(values)
    try:
        joined.encode()
    except UnicodeEncodeError:
        return None
    return None if "\0" in joined else values


def _all_int(values: Sequence[int]) -> Sequence[int] | None:
    return values if min(values) >= -_INT64 and max(values) < _INT64 else None


def _all_decimal(values: Sequence[Decimal]) -> Sequence[str] | None:
    texts = list(map(str, values))
    joined = "".join(texts)
    if not any(letter in joined for letter in _OF_NO_PLAIN_DECIMAL):
        return texts
    return list(map(format, values, repeat("f"))) if all(map(Decimal.is_finite, values)) else None


def _all_date(values: Sequence[date]) -> Sequence[str]:
    texts = {each: each.isoformat() for each in set(values)}  # a table has few days
    return [texts[value] for value in values]


_BULK: dict[type, Callable[[Sequence[Any]], Sequence[Any] | None]] = {
    str: _all_str,
    int: _all_int,
    Decimal: _all_decimal,
    date: _all_date,
    dict: _all_dict,
}
