"""Facts that rows stand for, as options map them: fields of a published class, from columns or constant.

A fact goes with its row, so a row that is a duplicate tells nothing. That
takes a unique key: without one, a file that is sent again would tell all of it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import processors.facts  # noqa: F401  # whose classes are published by that
from ingest import class_of, fields_of
from processors.columns import Column
from processors.given import Given, meant

_KEYS = frozenset({"type", "fields", "key", "name", "when"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FactMapping:
    """How a row becomes a fact."""

    cls: Any
    from_columns: tuple[tuple[str, str], ...]  # field, column
    empty_texts: frozenset[str]  # fields that take "" for a column without a value
    constants: Mapping[str, Any]  # by field
    key: tuple[str, ...]  # columns whose values order facts
    name: tuple[str, ...]  # columns whose values make the id
    when: Mapping[str, frozenset[str]]  # values that a column must have, for there to be a fact

    def of(self, row: Mapping[str, Any]) -> tuple[Any, str, str] | None:
        """The fact of a row, its key and its name; None for a row that stands for none."""
        if any(str(row[column]) not in values for column, values in self.when.items()):
            return None
        values = dict(self.constants)
        for field, column in self.from_columns:
            value = row[column]
            values[field] = "" if value is None and field in self.empty_texts else value
        return self.cls(**values), _joined(row, self.key), _joined(row, self.name)


def fact_mapping(given: Given, columns: Sequence[Column], unique: Sequence[str]) -> FactMapping | None:
    """The mapping that the options declare, or None; raises `ValueError` for one that cannot be kept."""
    if not given.options:
        return None
    given.check_names(_KEYS)
    type_ = given.text("type")
    cls = class_of(type_)
    if cls is None:
        raise given.wrong(f"no fact {type_!r} is published where processors look: see processors/facts.py")
    if not unique:
        raise given.wrong("a fact needs `unique`: without it, a file sent again would tell all of it again")
    by_name = {column.name: column for column in columns}
    fields = given.table("fields")
    known = {field.name: field for field in fields_of(cls)}
    fields.check_names(known)
    constants, sources = {}, []
    for name, field in known.items():
        source = fields.options.get(name)
        if isinstance(source, dict):
            constants[name] = _constant(fields, name, field, source)
        elif source is not None:
            sources.append((name, _column(fields, name, field, by_name).name))
        elif not field.is_optional:
            raise fields.wrong(f"{name} is missing, and every {cls.__name__} has one")
        else:
            constants[name] = None
    return FactMapping(
        cls=cls,
        from_columns=tuple(sources),
        empty_texts=frozenset(
            name for name, field in known.items() if field.type is str and not field.is_optional
        ),
        constants=constants,
        key=_parts("key", given, by_name, unique),
        name=_parts("name", given, by_name, unique),
        when=_when(given.table("when"), by_name),
    )


def _constant(fields: Given, name: str, field: Any, source: Mapping[str, Any]) -> Any:
    if source.keys() != {"value"}:
        raise fields.wrong(f"{name} is a column, or the same for all as {{ value = … }}")
    try:
        return field.decode(source["value"])
    except (ValueError, TypeError, ArithmeticError):
        raise fields.wrong(f"the value of {name} is no {field.type.__name__}") from None


def _column(fields: Given, name: str, field: Any, columns: Mapping[str, Column]) -> Column:
    column = columns[fields.word(name, columns)]
    if column.type.kept_as is not field.type:
        kept = column.type.kept_as.__name__
        wanted = getattr(field.type, "__name__", str(field.type))
        raise fields.wrong(f"{name} is {wanted}, and column {column.name!r} holds {kept}")
    if not column.is_required and not field.is_optional and field.type is not str:
        raise fields.wrong(f"column {column.name!r} must be required: {name} cannot be left out")
    return column


def _parts(key: str, given: Given, columns: Mapping[str, Column], unique: Sequence[str]) -> tuple[str, ...]:
    names = given.texts(key) or tuple(unique)
    for name in names:
        if name not in columns:
            raise given.wrong(f"{key} = {name!r} is no column: {meant(name, columns)}")
        if not columns[name].is_required:
            raise given.wrong(f"column {name!r} must be required, since it is part of the {key} of a fact")
    return names


def _when(given: Given, columns: Mapping[str, Column]) -> Mapping[str, frozenset[str]]:
    given.check_names(columns)
    return {name: frozenset(given.texts(name)) for name in given.options}


def _joined(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return "/".join(str(row[column]) for column in columns)
