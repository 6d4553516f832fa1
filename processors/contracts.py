"""The contract of a table of rows: how its files are read, and what every row must be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

from ingest import Table, table
from processors.columns import DEFAULTS, Column, column
from processors.fact_mapping import FactMapping, fact_mapping
from processors.formats import fixed_width, tables_csv, tables_excel, tables_json
from processors.formats.csv_records import Dialect
from processors.formats.fixed_width import Field, check_fields
from processors.formats.tables import MAX_COLUMNS, Sheet
from processors.formats.tables_csv import Layout
from processors.given import Given, meant
from processors.verdicts import STRICTNESS, findings_table

FORMATS = ("csv", "json", "jsonl", "excel", "fixed_width")
UNKNOWN = ("keep", "refuse")
EXTRA = "extra"  # the column that keeps what the contract does not know
_ALWAYS = ("format", "table", "unique", "unknown", "strictness", "min_rows", "columns", "fact", *DEFAULTS)
_OF_FORMAT = {
    "csv": ("delimiter", "quote", "escape", "comment", "header", "names", "trailing", "count_cell"),
    "json": ("path",),
    "jsonl": (),
    "excel": ("sheet", "header", "names", "trailing"),
    "fixed_width": ("first_line", "trailing"),
}
_Read = Callable[[BinaryIO, str], Sheet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a file of rows must be, and what becomes of it."""

    format: str
    read: _Read  # with the declared encoding
    delimiter: str  # as messages name it; empty where nothing separates cells
    header_line: int  # 0: the file does not name its columns
    columns: tuple[Column, ...]
    keeps_unknown: bool
    is_lenient: bool
    min_rows: int
    states_count: bool  # the end of a file says how many rows it has
    fact: FactMapping | None
    table: Table
    verdicts: Table


def contract_of(options: Mapping[str, Any]) -> Contract:
    """The contract that the options declare; raises `ValueError` for one that is none."""
    return _contract(json.dumps(options, sort_keys=True))


@lru_cache(maxsize=32)
def _contract(options: str) -> Contract:
    given = Given(json.loads(options))
    kind = given.word("format", FORMATS)
    _check_names(given, kind)
    columns = _columns(given, kind)
    unique = given.texts("unique")
    _check_unique(given, columns, unique)
    is_lenient = given.word("strictness", STRICTNESS, STRICTNESS[0]) == "lenient"
    keeps = given.word("unknown", UNKNOWN, UNKNOWN[0]) == "keep"
    name = given.text("table")
    kept = {each.name: each.declared for each in columns}
    return Contract(
        format=kind,
        read=_READERS[kind](given, columns, is_lenient),
        delimiter=given.text("delimiter", ",") if kind == "csv" else "",
        header_line=given.count("header", 1) if kind in ("csv", "excel") and not given.texts("names") else 0,
        columns=columns,
        keeps_unknown=keeps,
        is_lenient=is_lenient,
        min_rows=given.count("min_rows"),
        states_count="count_cell" in given.options,
        fact=fact_mapping(given.table("fact"), columns, unique),
        table=table(name, unique=unique, **(kept | ({EXTRA: dict} if keeps else {}))),
        verdicts=findings_table(f"{name}_verdicts"),
    )


def _check_names(given: Given, kind: str) -> None:
    given.check_names((*_ALWAYS, *(key for keys in _OF_FORMAT.values() for key in keys)))
    for name in given.options:
        if name not in (*_ALWAYS, *_OF_FORMAT[kind]):
            raise given.wrong(f"{name} means nothing for format {kind!r}")


def _columns(given: Given, kind: str) -> tuple[Column, ...]:
    tables = given.tables("columns")
    if not tables:
        raise given.wrong("columns are missing: write each as [[processor.options.columns]]")
    for each in tables:
        if kind != "fixed_width" and {"start", "length"} & each.options.keys():
            raise each.wrong(f"start and length mean nothing for format {kind!r}")
    columns = tuple(column(each, given) for each in tables)
    _check_distinct(given, "name", [each.name for each in columns])
    _check_distinct(given, "from", [each.source for each in columns])
    _check_currencies(given, columns)
    return columns


def _check_distinct(given: Given, what: str, names: Sequence[str]) -> None:
    if twice := [name for name in names if names.count(name) > 1]:
        raise given.wrong(f"two columns have the {what} {twice[0]!r}")
    if what == "name" and EXTRA in names:
        raise given.wrong(f"no column can be called {EXTRA!r}: it keeps what the contract does not know")


def _check_currencies(given: Given, columns: Sequence[Column]) -> None:
    possible = [each.name for each in columns if each.type.kept_as is str and each.is_required]
    for each in columns:
        if each.currency and each.currency not in possible:
            said = f"currency = {each.currency!r} is no column of text that is required"
            raise given.wrong(f"column {each.name!r}: {said}: {meant(each.currency, possible)}")


def _check_unique(given: Given, columns: Sequence[Column], unique: Sequence[str]) -> None:
    is_required = {each.name: each.is_required for each in columns}
    for name in unique:
        if name not in is_required:
            raise given.wrong(f"unique = {name!r} is no column: {meant(name, is_required)}")
        if not is_required[name]:
            raise given.wrong(f"column {name!r} must be required, since it is part of the unique key")


def _csv(given: Given, _: Sequence[Column], is_lenient: bool) -> _Read:  # noqa: FBT001  # one signature for all
    dialect = Dialect(
        delimiter=given.mark("delimiter", ",", may_be_empty=False),
        quote=given.mark("quote", '"'),
        escape=given.mark("escape", ""),
        comment=given.text("comment", ""),
        is_lenient=is_lenient,
    )
    marks = [mark for mark in (dialect.delimiter, dialect.quote, dialect.escape) if mark]
    if len(set(marks)) < len(marks):
        raise given.wrong("delimiter, quote and escape must differ")
    layout = Layout(
        header=given.count("header", 1, least=1),
        names=_names(given),
        trailing=given.count("trailing", most=1_000),
        count_cell=given.count("count_cell", most=MAX_COLUMNS),
    )
    if layout.count_cell and not layout.trailing:
        raise given.wrong("count_cell is a cell of the last of the trailing lines: declare trailing, too")
    return lambda file, encoding: tables_csv.read(file, encoding=encoding, dialect=dialect, layout=layout)


def _json(given: Given, columns: Sequence[Column], is_lenient: bool) -> _Read:  # noqa: FBT001
    names, path = [each.source for each in columns], given.text("path", "")
    return lambda file, encoding: tables_json.read_document(
        file, encoding=encoding, names=names, path=path, is_lenient=is_lenient
    )


def _jsonl(_: Given, columns: Sequence[Column], is_lenient: bool) -> _Read:  # noqa: FBT001
    names = [each.source for each in columns]
    return lambda file, encoding: tables_json.read_lines(
        file, encoding=encoding, names=names, is_lenient=is_lenient
    )


def _excel(given: Given, _: Sequence[Column], __: bool) -> _Read:  # noqa: FBT001
    sheet = given.options.get("sheet", 1)
    if not isinstance(sheet, str | int) or isinstance(sheet, bool):
        raise given.wrong("sheet is neither a name nor a number from 1")
    header, trailing, names = given.count("header", 1, least=1), given.count("trailing"), _names(given)
    return lambda file, _: tables_excel.squared(
        tables_excel.read(file, sheet=str(sheet), header=header, names=names, trailing=trailing)
    )


def _fixed_width(given: Given, _: Sequence[Column], is_lenient: bool) -> _Read:  # noqa: FBT001
    fields = [
        Field(
            name=each.text("from", each.text("name")),
            start=each.count("start"),
            length=each.count("length"),
        )
        for each in given.tables("columns")
    ]
    check_fields(fields)
    first_line, trailing = given.count("first_line", 1, least=1), given.count("trailing", most=1_000)
    return lambda file, encoding: fixed_width.read(
        file,
        encoding=encoding,
        fields=fields,
        first_line=first_line,
        trailing=trailing,
        is_lenient=is_lenient,
    )


def _names(given: Given) -> tuple[str, ...]:
    names = given.texts("names")
    if "" in names or len(names) > MAX_COLUMNS:
        raise given.wrong(f"names are at most {MAX_COLUMNS:,}, and none is empty")
    return names


_READERS: dict[str, Callable[[Given, Sequence[Column], bool], _Read]] = {
    "csv": _csv,
    "json": _json,
    "jsonl": _jsonl,
    "excel": _excel,
    "fixed_width": _fixed_width,
}
