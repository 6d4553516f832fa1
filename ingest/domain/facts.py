"""How a typed class becomes a published fact, and its data JSON and back.

A fact class is a frozen dataclass whose fields are of the types in `_CODECS`,
`X | None`, `list[X]` or `Mapping[str, str]`. A field without a default is
always present in the JSON, as null when it is None; a field that defaults to
None is left out while it is None, so that later minors can add such fields.
Unknown keys are ignored on reading: a newer minor may have written them.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ingest.domain.instants import parse_rfc3339, rfc3339
from ingest.errors import PermanentError, UsageError

_Class = TypeVar("_Class", bound=type)
_Convert = Callable[[Any], Any]
_is_decimal = re.compile(r"-?\d+(\.\d+)?", re.ASCII).fullmatch
_FACTS: dict[str, type] = {}
_SHAPES: dict[type, tuple[Field, ...]] = {}


class EventUnreadable(PermanentError):
    """An event's data does not have the shape its type promises."""

    code = "event_unreadable"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a fact class: its name, both conversions, and what its absence means."""

    name: str
    type: Any  # of its values, None apart
    encode: _Convert
    decode: _Convert
    is_optional: bool  # None is allowed
    is_omitted: bool  # left out of the JSON while None


def fact(name: str, *, version: int, minor: int = 0) -> Callable[[_Class], _Class]:
    """Publish a frozen dataclass as the fact `name`, as in `"ingest.payment.settled"`.

    The class gains `type` (`<name>.v<version>`) and `dataschema`, the URN of
    its JSON Schema. Raises `UsageError` for a class that is not a frozen
    dataclass, a field of a type without a JSON form, or a type already taken.
    """

    def publish(cls: _Class) -> _Class:
        params = getattr(cls, "__dataclass_params__", None)
        if params is None or not params.frozen:
            raise UsageError(
                f"the fact {cls.__name__} is not a frozen dataclass",
                hint="put @dataclass(frozen=True) below @fact",
            )
        type_ = f"{name}.v{version}"
        other = _FACTS.get(type_)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise UsageError(
                f"two classes are published as {type_}", hint="give one of them another name or version"
            )
        cls.type = type_  # type: ignore[attr-defined]  # what the decorator is for
        cls.dataschema = f"urn:ingest:schema:{name}:{version}.{minor}"  # type: ignore[attr-defined]  # likewise
        _FACTS[type_] = cls
        return cls

    return publish


def class_of(type_: str) -> type | None:
    """The class published as `type_` in this process, or None."""
    return _FACTS.get(type_)


def published() -> list[Any]:
    """Every class that is published as a fact in this process, by type."""
    return [_FACTS[type_] for type_ in sorted(_FACTS)]


def type_of(accepted: type | str) -> str:
    """The event type that a fact class or a type string names.

    Raises `UsageError` for a class that is not published as a fact.
    """
    if isinstance(accepted, str):
        return accepted
    type_ = getattr(accepted, "type", None)
    if _FACTS.get(str(type_)) is None:
        raise UsageError(
            f"{accepted!r} is not a fact", hint="accept a class published with @fact, or a type string"
        )
    return str(type_)


def to_data(instance: object) -> dict[str, Any]:
    """The JSON object of a fact: strings for money and moments, no floats."""
    data = {}
    for field in fields_of(type(instance)):
        value = getattr(instance, field.name)
        if value is not None:
            data[field.name] = field.encode(value)
        elif not field.is_omitted:
            data[field.name] = None
    return data


def from_data(cls: type, data: Mapping[str, Any]) -> Any:
    """The fact that `data` describes.

    Raises `EventUnreadable` naming the field that is missing or misshapen.
    """
    if not isinstance(data, Mapping):
        raise EventUnreadable(f"the event's data is not the JSON object that {cls.__name__} needs")
    values: dict[str, Any] = {}
    for field in fields_of(cls):
        value = data.get(field.name)
        if value is None:
            if not field.is_optional:
                raise EventUnreadable(f"the event lacks {field.name!r}, which {cls.__name__} needs")
            values[field.name] = None
            continue
        try:
            values[field.name] = field.decode(value)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise EventUnreadable(f"the event's {field.name!r} cannot be read by {cls.__name__}") from error
    return cls(**values)


def fields_of(cls: type) -> tuple[Field, ...]:
    """The fields of a fact class, in the order in which it declares them."""
    shape = _SHAPES.get(cls)
    if shape is None:
        hints = get_type_hints(cls)
        shape = _SHAPES[cls] = tuple(_field(f, hints[f.name], cls) for f in dataclasses.fields(cls))
    return shape


def _field(field: dataclasses.Field[Any], hint: Any, cls: type) -> Field:
    inner, is_optional = _without_none(hint)
    codec = _codec(inner)
    if codec is None:
        raise UsageError(f"{cls.__name__}.{field.name} has a type without a JSON form: {hint}", hint=_ALLOWED)
    encode, decode = codec
    return Field(
        name=field.name,
        type=inner,
        encode=encode,
        decode=decode,
        is_optional=is_optional,
        is_omitted=field.default is None,
    )


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    inner = [argument for argument in get_args(hint) if argument is not types.NoneType]
    return (inner[0] if len(inner) == 1 else hint), len(inner) < len(get_args(hint))


def _exactly(type_: type) -> _Convert:
    def check(value: Any) -> Any:
        if type(value) is not type_:
            msg = f"{value!r} is not {type_.__name__}"
            raise TypeError(msg)
        return value

    return check


def _decimal_text(value: Any) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        msg = f"{value!r} is not a finite Decimal"
        raise TypeError(msg)
    return format(value, "f")


def _decimal(text: Any) -> Decimal:
    if type(text) is not str or not _is_decimal(text):  # a JSON number would have been a float on its way
        msg = "not the plain text of a decimal"
        raise TypeError(msg)
    return Decimal(text)


def _texts_by_name(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(
        type(part) is str for item in value.items() for part in item
    ):
        msg = "not a mapping of text to text"
        raise TypeError(msg)
    return dict(value)


def _codec(hint: Any) -> tuple[_Convert, _Convert] | None:
    if get_origin(hint) is list:
        item = _codec(get_args(hint)[0])
        return item and (_each(item[0]), _each(item[1]))
    if get_origin(hint) in (dict, Mapping):
        return _texts_by_name, _texts_by_name
    return _CODECS.get(hint)


def _each(convert: _Convert) -> _Convert:
    def each(values: Any) -> list[Any]:
        if type(values) is not list:
            msg = "not a list"
            raise TypeError(msg)
        return [convert(value) for value in values]

    return each


_CODECS: dict[Any, tuple[_Convert, _Convert]] = {
    str: (_exactly(str), _exactly(str)),
    int: (_exactly(int), _exactly(int)),
    bool: (_exactly(bool), _exactly(bool)),
    Decimal: (_decimal_text, _decimal),
    date: (date.isoformat, date.fromisoformat),
    datetime: (rfc3339, parse_rfc3339),
}
_ALLOWED = (
    "use str, int, bool, Decimal, date, datetime, a list of these, Mapping[str, str], or one of them | None"
)
