from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import PermanentError
from ingest.testing import Bench, HandedOver, hand_over
from processors.contracts import contract_of
from processors.facts import InvoiceApproved
from processors.tabular import recognise, tabular
from tests.formats.workbooks import xlsx

MakeBench = Callable[..., Bench]
ID = {"name": "id", "required": True}
AMOUNT = {"name": "amount", "type": "decimal"}


def options(*columns: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"format": "csv", "table": "sales", "columns": list(columns) or [ID, AMOUNT], **more}


def run(given: str | bytes, *columns: Mapping[str, Any], encoding: str = "utf-8", **more: Any) -> HandedOver:
    return hand_over(tabular, given, encoding=encoding, options=options(*columns, **more))


def rows(given: str | bytes, *columns: Mapping[str, Any], **more: Any) -> list[dict[str, Any]]:
    found = [dict(row.values) for row in run(given, *columns, **more).rows if row.table == "sales"]
    return [{name: value for name, value in row.items() if (name, value) != ("extra", "{}")} for row in found]


def refused(given: str | bytes, *columns: Mapping[str, Any], **more: Any) -> list[tuple[Any, ...]]:
    return [(r.line, r.column, r.rule, r.raw) for r in run(given, *columns, **more).refusals]


def refusal(given: str | bytes, *columns: Mapping[str, Any], **more: Any) -> str:
    with pytest.raises(PermanentError) as error:
        run(given, *columns, **more)
    return error.value.message


def column(cell: str, **declared: Any) -> Any:
    """What a cell of that column becomes: its value, or the rule that it breaks."""
    text = f"id,x\n1,{cell}\n"
    found = run(text, {"name": "id"}, {"name": "x", **declared})
    return found.refusals[0].rule if found.refusals else dict(found.rows[0].values)["x"]


def wrongness(of: Mapping[str, Any]) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011  # the message is looked at by whoever asks
        contract_of(of)
    return str(error.value)


def test_rows_are_typed_and_what_the_contract_does_not_know_is_kept() -> None:
    columns = (
        {"name": "id", "from": "Order No", "required": True},
        {"name": "amount", "type": "decimal", "decimals": 2},
        {"name": "pieces", "type": "integer"},
        {"name": "day", "type": "date", "format": "%d.%m.%Y"},
        {"name": "at", "type": "datetime"},
        {"name": "paid", "type": "boolean", "true": ["yes"], "false": ["no"]},
    )
    text = "Order No,amount,pieces,day,at,paid,note\no-1,12.5,3,24.12.2026,2026-12-24T18:00:00+01:00,yes,x\n"

    moment = int(datetime(2026, 12, 24, 17, tzinfo=UTC).timestamp() * 1_000_000)
    row = {"id": "o-1", "amount": "12.50", "pieces": 3, "day": "2026-12-24", "at": moment, "paid": 1}
    assert rows(text, *columns) == [row | {"extra": '{"note":"x"}'}]


def test_a_bad_row_is_rejected_with_its_line_its_column_the_rule_and_what_stood_there() -> None:
    text = 'id,amount\n1,2\n"two\nlines",1e9\n,5\n4\n5,-3,x\n6,7\n'

    assert [row["id"] for row in rows(text)] == ["1", "6"]
    assert [found[:3] for found in refused(text)] == [
        (3, "amount", "amount"),
        (5, "id", "required"),
        (6, None, "columns"),
        (7, None, "columns"),
    ]
    assert refused(text)[0][3] == "1e9"


@pytest.mark.parametrize(
    ("cell", "declared", "becomes"),
    [
        ("0.10", {}, "0.10"),
        ("-0.00", {"decimals": 2}, "0.00"),
        ("-0", {}, "0"),
        ("+5", {"decimals": 3}, "5.000"),
        ("1.000", {"decimals": 2}, "1.00"),
        ("1.005", {"decimals": 2}, "decimals"),
        ("1e9", {}, "amount"),
        ("NaN", {}, "amount"),
        ("Infinity", {}, "amount"),
        ("٣٤", {}, "amount"),
        ("9" * 18, {}, "9" * 18),
        ("9" * 40, {}, "amount"),
        (" 5", {}, "amount"),
        ("1_000", {}, "amount"),
        ("5.", {}, "amount"),
        ('"1.000,50"', {}, "amount"),
        ('"1.000,50"', {"decimal": ",", "group": "."}, "1000.50"),
        ('"-1.234.567,5"', {"decimal": ",", "group": "."}, "-1234567.5"),
        ('"1000,50"', {"decimal": ",", "group": "."}, "1000.50"),
        ('"1.00,50"', {"decimal": ",", "group": "."}, "amount"),
        ("1 234.50", {"group": " "}, "1234.50"),
        ("12.50-", {"sign": "after"}, "-12.50"),
        ("-12.50", {"sign": "after"}, "amount"),
        ("0000012345", {"implied": 2}, "123.45"),
        ("5", {"implied": 2, "decimals": 2}, "0.05"),
        ("0.01", {"min": 0.01}, "0.01"),
        ("0.00", {"min": 0.01}, "min"),
        ("100.5", {"max": 100}, "max"),
    ],
)
def test_an_amount_has_a_grammar(cell: str, declared: dict[str, Any], becomes: str) -> None:
    assert column(cell, type="decimal", **declared) == becomes


@pytest.mark.parametrize(
    ("cell", "declared", "becomes"),
    [
        ("12", {"type": "integer"}, 12),
        ("-0", {"type": "integer"}, 0),
        ("1.0", {"type": "integer"}, "integer"),
        ("9223372036854775807", {"type": "integer"}, "integer"),
        ("2026-02-29", {"type": "date"}, "date"),
        ("2026-2-1", {"type": "date"}, "date"),
        ("1.2.26", {"type": "date", "format": "%-d.%-m.%y"}, "2026-02-01"),
        ("01-Mar-2026", {"type": "date", "format": "%d-%b-%Y"}, "2026-03-01"),
        ("2025-12-31", {"type": "date", "min": "2026-01-01"}, "min"),
        ("2026-07-01 12:00", {"type": "datetime", "format": "%Y-%m-%d %H:%M"}, None),
        ("TRUE", {"type": "boolean"}, "boolean"),
        ("true", {"type": "boolean"}, 1),
        ("abcd", {"max_length": 3}, "length"),
        ("AB-12", {"pattern": "[A-Z]{2}-[0-9]+"}, "AB-12"),
        ("AB-12x", {"pattern": "[A-Z]{2}-[0-9]+"}, "pattern"),
        ("open", {"allowed": ["open", "closed"]}, "open"),
        ("opened", {"allowed": ["open", "closed"]}, "allowed"),
        ("", {"type": "date"}, None),
        ("", {"required": True}, "required"),
    ],
)
def test_a_cell_is_of_its_type_and_keeps_its_rules(cell: str, declared: dict[str, Any], becomes: Any) -> None:
    if declared.get("type") == "datetime":
        declared = declared | {"timezone": "Europe/Berlin"}
        becomes = int(datetime(2026, 7, 1, 10, tzinfo=UTC).timestamp() * 1_000_000)

    assert column(cell, **declared) == becomes


@given(
    cells=st.lists(
        st.sampled_from(["1", "1.5", "-0.00", "-2.50", "", "x", "12.345", "7.10", "+3.00"]), min_size=1
    ),
    declared=st.sampled_from([{}, {"decimals": 2}, {"decimals": 0}, {"min": 0}, {"required": True}]),
)
def test_a_column_at_once_is_the_same_as_cell_by_cell(cells: list[str], declared: dict[str, Any]) -> None:
    head, x = {"name": "id"}, {"name": "x", "type": "decimal", **declared}
    whole = run("id,x\n" + "".join(f"{n},{cell}\n" for n, cell in enumerate(cells)), head, x)

    apart = [column(cell, type="decimal", **declared) for cell in cells]
    rules = {refusal.line: refusal.rule for refusal in whole.refusals}
    values = {row.values["id"]: row.values["x"] for row in whole.rows if row.table == "sales"}
    assert [rules.get(n + 2, values.get(str(n))) for n in range(len(cells))] == apart


def test_a_currency_says_how_many_decimals_there_are_and_an_unknown_one_is_no_guess() -> None:
    columns = (ID, {**AMOUNT, "currency": "code"}, {"name": "code", "required": True})
    text = "id,amount,code\n1,5,EUR\n2,5,JPY\n3,5.5,JPY\n4,5,XXX\n5,1.25,KWD\n6,1,\n"

    assert [row["amount"] for row in rows(text, *columns)] == ["5.00", "5", "1.250"]
    assert [found[:3] for found in refused(text, *columns)] == [
        (4, "amount", "decimals"),
        (5, "code", "currency"),
        (7, "code", "required"),
    ]


def test_amounts_of_several_currencies_stand_below_each_other() -> None:
    columns = (ID, {**AMOUNT, "currency": "code"}, {"name": "code", "required": True})

    assert [row["amount"] for row in rows("id,amount,code\n1,5.00,EUR\n2,5.00,JPY\n", *columns)] == [
        "5.00",
        "5",
    ]


@pytest.mark.parametrize(
    ("data", "more", "said"),
    [
        (b"id\n1\n", {"columns": [ID, {**AMOUNT, "required": True}]}, "line 1: the header lacks amount"),
        (b"id;amount\n1;2\n", {}, "line 1: the header lacks id"),
        (b'id,amount\n1,"2\n', {}, "line 2: truncated: a quote opens here and is never closed"),
        (b"id,amount\n1,\xff\n", {}, "byte 12: not utf-8: invalid start byte"),
        (
            b"id,amount\n1,2\n3",
            {},
            "line 3: truncated: the file ends inside this row (1 of 2 columns, no line break)",
        ),
        (b"id,amount,id\n", {}, "line 1: columns 1 and 3 have the same name, id"),
        (
            b"id,amount,x\n",
            {"unknown": "refuse"},
            "the header has columns that the contract does not know: 3",
        ),
        (b"id,amount\n1,2\n", {"min_rows": 2}, "1 rows; the contract wants 2 at least"),
        (b"id,amount\n1,2\nEND,2\n", {"trailing": 1, "count_cell": 2}, "the file states 2 rows and has 1"),
        (b"\xff\xfei\0", {}, "byte 0: the byte order mark of utf-16, but utf-8 is declared"),
        (b"id,am\0unt\n", {}, "line 1: a NUL character; is this a text file in the declared encoding?"),
        (b"", {}, "the file is empty: it has no header"),
    ],
)
def test_a_file_that_is_broken_as_a_file_is_refused_as_a_whole(
    data: bytes, more: dict[str, Any], said: str
) -> None:
    assert refusal(data, **more) == said


def test_a_dialect_is_declared() -> None:
    text = "Umsätze Mai\n\n'Nr';Betrag\n# no row\n'a\\'b';1.234,50\n'c;d';-1,00\nSumme;1.233,50\n"
    columns = (
        {"name": "id", "from": "Nr"},
        {"name": "amount", "from": "Betrag", "type": "decimal", "decimals": 2},
    )
    dialect = {"delimiter": ";", "quote": "'", "escape": "\\", "comment": "#", "header": 3, "trailing": 1}

    found = rows(text, *columns, **dialect, decimal=",", group=".")

    assert found == [{"id": "a'b", "amount": "1234.50"}, {"id": "c;d", "amount": "-1.00"}]


def test_lenient_takes_names_and_rows_that_are_meant() -> None:
    text = " ID ,Amount,,\n1 , 2,\n 3,4,,\n5,6,,x\n7,8,,,,,\n9,1,,,y,\n"

    assert rows(text, strictness="lenient") == [
        {"id": "1", "amount": "2", "extra": '{"column 3":"","column 4":""}'},
        {"id": "3", "amount": "4", "extra": '{"column 3":"","column 4":""}'},
        {"id": "5", "amount": "6", "extra": '{"column 3":"","column 4":"x"}'},
        {"id": "7", "amount": "8", "extra": '{"column 3":"","column 4":""}'},
    ]
    assert [r[:3] for r in refused(text, strictness="lenient")] == [(6, None, "columns")]
    assert refusal(text) == "line 1: columns 3 and 4 have the same name"


def test_json_objects_are_rows_by_their_names_and_paths() -> None:
    columns = (ID, {"name": "amount", "from": "total.value", "type": "decimal"})
    records = (
        '{"id": 7, "total": {"value": 1.50}, "note": [1.5]}, {"id": "8", "total": null}, [], {"total": 5}'
    )

    found = [{"id": "7", "amount": "1.50", "extra": '{"note":["1.5"]}'}, {"id": "8", "amount": None}]
    lines = (
        '{"id": 7, "total": {"value": 1.50}, "note": [1.5]}\n{"id": "8", "total": null}\n[]\n{"total": 5}\n'
    )
    assert rows(f"[{records}]", *columns, format="json") == found
    assert rows(f'{{"data": {{"items": [{records}]}}}}', *columns, format="json", path="data.items") == found
    assert rows(lines, *columns, format="jsonl") == found
    assert [r[:3] for r in refused(lines, *columns, format="jsonl")] == [
        (3, None, "columns"),
        (4, "id", "required"),
    ]


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("[1]", "type"),
        ("true", "type"),
        ('"1e5"', "amount"),
        ("1e999999999", "amount"),
        ("1e-999999999", "amount"),
        ("1e-30", "decimals"),
        (str(10**30), "amount"),
    ],
)
def test_a_value_of_json_that_is_no_amount_is_rejected(value: str, rule: str) -> None:
    assert [r[2] for r in refused(f'{{"id": "1", "amount": {value}}}', format="json")] == [rule]


def test_json_with_one_name_twice_is_taken_only_where_that_is_declared() -> None:
    text = '{"id": "1", "id": "2", "amount": 3}'

    assert refusal(text, format="jsonl") == "line 1: a name occurs twice in one object"
    assert rows(text, format="jsonl", strictness="lenient") == [{"id": "2", "amount": "3"}]


def test_text_of_json_that_no_column_can_hold_is_rejected() -> None:
    assert [r[2] for r in refused('{"id": "a\\u0000b"}', format="json")] == ["characters"]


def test_members_that_the_contract_does_not_know_may_be_refused_row_by_row() -> None:
    text = '{"id": "1", "amount": 2}\n{"id": "2", "more": 3}\n'

    assert rows(text, format="jsonl", unknown="refuse") == [{"id": "1", "amount": "2"}]
    assert [r[:3] for r in refused(text, format="jsonl", unknown="refuse")] == [(2, None, "unknown")]


def test_a_sheet_is_read_by_its_header_and_numbers_are_exact() -> None:
    cells: dict[str, str | float | bool] = {
        "A2": "id",
        "B2": "amount",
        "C2": "day",
        "D2": "x",
        "A3": 4711,
        "B3": 0.1 + 0.2,
        "C3": 44_000,
        "A5": "b",
    }
    columns = (ID, AMOUNT, {"name": "day", "type": "date"})

    found = rows(xlsx(cells, dates=("C3",)), *columns, format="excel", header=2, sheet="Sheet1")

    assert found == [
        {"id": "4711", "amount": "0.3", "day": "2020-06-18", "extra": '{"x":null}'},
        {"id": "b", "amount": None, "day": None, "extra": '{"x":null}'},
    ]


def test_lines_of_fixed_width_are_cut_into_cells() -> None:
    columns = (
        {**ID, "start": 2, "length": 6},
        {**AMOUNT, "start": 8, "length": 8, "implied": 2},
    )
    text = "H20260524\nDA-1   00001250\nD B-2  00000005\nDshort\nT0002\n"
    how = {"format": "fixed_width", "first_line": 2, "trailing": 1, "unknown": "refuse"}

    assert rows(text, *columns, **how) == [{"id": "A-1", "amount": "12.50"}, {"id": "B-2", "amount": "0.05"}]
    assert refused(text, *columns, **how) == [(4, None, "columns", "Dshort")]


FIELDS = {
    "invoice_id": "invoice",
    "amount": "amount",
    "currency": "currency",
    "reference": "invoice",
    "approved_on": "day",
}
APPROVALS = {
    "format": "csv",
    "table": "approvals",
    "unique": ["invoice", "status"],
    "columns": [
        {"name": "invoice", "required": True},
        {"name": "status", "required": True, "allowed": ["approved", "held"]},
        {"name": "amount", "type": "decimal", "currency": "currency", "required": True, "min": 0.01},
        {"name": "currency", "required": True},
        {"name": "day", "type": "date", "required": True},
    ],
    "fact": {
        "type": "ingest.invoice.approved.v1",
        "key": ["invoice"],
        "when": {"status": ["approved"]},
        "fields": FIELDS,
    },
}
EXPORT = "invoice,status,amount,currency,day\ni-1,approved,10.5,EUR,2026-05-04\ni-2,held,7,JPY,2026-05-04\n"


def test_a_row_stands_for_a_fact_once_however_often_it_comes(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(tabular, options=APPROVALS)
    bench.land("monday.csv", EXPORT)
    bench.land("tuesday.csv", EXPORT + "i-2,approved,7,JPY,2026-05-05\n")
    bench.work()

    approved = [
        (fact.invoice_id, fact.amount, fact.approved_on, fact.due_on) for fact in bench.facts(InvoiceApproved)
    ]
    assert approved == [
        ("i-1", Decimal("10.50"), date(2026, 5, 4), None),
        ("i-2", Decimal(7), date(2026, 5, 5), None),
    ]
    assert [(v.booked, v.duplicate) for v in bench.verdicts()] == [(3, 0), (2, 2)]
    bench.assert_idempotent()


def test_every_file_leaves_its_verdicts(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(tabular, options=options(), max_rejects="50%")
    bench.land("a.csv", "id,amount\n1,2\n2,x\n")
    bench.work()

    [verdict] = bench.rows(contract_of(options()).verdicts)
    assert (verdict["format"], verdict["schema_verdict"], verdict["arithmetic_verdict"]) == (
        "csv",
        "broken",
        "not stated",
    )
    assert (verdict["findings"], verdict["first"]) == (1, [["line 3", "amount", "column 'amount': amount"]])


@settings(max_examples=150)
@given(
    data=st.one_of(
        st.binary(max_size=80),
        st.text(st.sampled_from('id,amount\n\r"1.-;{}[]: e\\u0'), max_size=60).map(
            lambda text: ("id,amount\n" + text).encode()
        ),
    ),
    how=st.sampled_from(["csv", "json", "jsonl", "fixed_width"]),
    strictness=st.sampled_from(["strict", "lenient"]),
)
def test_no_bytes_whatever_raise_anything_but_a_refusal(data: bytes, how: str, strictness: str) -> None:
    place = {"start": 1, "length": 3} if how == "fixed_width" else {}
    other = {"start": 4, "length": 2} if how == "fixed_width" else {}
    try:
        run(data, {**ID, **place}, {**AMOUNT, **other}, format=how, strictness=strictness)
    except PermanentError as error:
        assert error.message.isprintable()  # noqa: PT017  # either is right


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"formats": "csv"}, "'formats' is not known: did you mean 'format'?"),
        ({"format": "cvs"}, "format = 'cvs' is not known: did you mean 'csv'?"),
        ({"path": "a"}, "path means nothing for format 'csv'"),
        ({"table": None}, "table is missing"),
        ({"columns": []}, "columns are missing: write each as [[processor.options.columns]]"),
        (
            {"columns": [{"name": "id", "typ": "text"}]},
            "column 'id': 'typ' is not known: did you mean 'type'?",
        ),
        (
            {"columns": [{"name": "id", "type": "int"}]},
            "column 'id': type = 'int' is not known: did you mean 'integer'?",
        ),
        ({"columns": [{"name": "id", "decimals": 2}]}, "column 'id': decimals means nothing for type 'text'"),
        ({"columns": [ID, ID]}, "two columns have the name 'id'"),
        (
            {"columns": [{"name": "extra"}]},
            "no column can be called 'extra': it keeps what the contract does not know",
        ),
        ({"columns": [{**AMOUNT, "currency": "id"}, ID, {"name": "x"}]}, None),
        (
            {"columns": [{**AMOUNT, "currency": "idd"}, ID]},
            "column 'amount': currency = 'idd' is no column of text that is required: did you mean 'id'?",
        ),
        ({"unique": ["idd"]}, "unique = 'idd' is no column: did you mean 'id'?"),
        ({"unique": ["amount"]}, "column 'amount' must be required, since it is part of the unique key"),
        (
            {"columns": [{"name": "d", "type": "date", "format": "%q"}]},
            "column 'd': %q in the date format '%q' is not known",
        ),
        (
            {"columns": [{"name": "d", "type": "datetime", "format": "%Y-%m-%d %H"}]},
            "column 'd': timezone is missing, and its format has none: write timezone = \"UTC\"",
        ),
        (
            {"columns": [{"name": "p", "pattern": "(a+)+b"}]},
            "column 'p': pattern: some name could keep it busy",
        ),
        ({"columns": [{**AMOUNT, "min": 5, "max": 1}]}, "column 'amount': min is more than max"),
        ({"columns": [{**ID, "start": 1}]}, "columns 1: start and length mean nothing for format 'csv'"),
        ({"delimiter": ";;"}, "delimiter = ';;' is not one character that may stand there"),
        ({"delimiter": '"'}, "delimiter, quote and escape must differ"),
        ({"count_cell": 1}, "count_cell is a cell of the last of the trailing lines: declare trailing, too"),
        ({"fact": {"type": "ingest.invoice.approved.v1"}}, "fact: a fact needs `unique`"),
        ({"fact": {"type": "no.such.v1"}}, "fact: no fact 'no.such.v1' is published"),
    ],
)
def test_a_contract_that_is_none_is_refused_with_what_was_meant(
    wrong: dict[str, Any], said: str | None
) -> None:
    given = {name: value for name, value in {**options(), **wrong}.items() if value is not None}

    if said is None:
        assert contract_of(given).columns
        return
    assert wrongness(given).startswith(said)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"fields": {**FIELDS, "amounts": "amount"}},
            "fact.fields: 'amounts' is not known: did you mean 'amount'?",
        ),
        (
            {"fields": {**FIELDS, "amount": "invoice"}},
            "fact.fields: amount is Decimal, and column 'invoice' holds str",
        ),
        (
            {"fields": {**FIELDS, "amount": "amuont"}},
            "fact.fields: amount = 'amuont' is not known: did you mean 'amount'?",
        ),
        (
            {"fields": {"invoice_id": "invoice"}},
            "fact.fields: amount is missing, and every InvoiceApproved has one",
        ),
        (
            {"fields": {**FIELDS, "amount": {"value": "x"}}},
            "fact.fields: the value of amount is no Decimal",
        ),
        ({"key": ["nvoice"]}, "fact: key = 'nvoice' is no column: did you mean 'invoice'?"),
        ({"when": {"stat": ["x"]}}, "fact.when: 'stat' is not known: did you mean 'status'?"),
    ],
)
def test_a_mapping_is_held_to_the_class_of_its_fact(changed: dict[str, Any], said: str) -> None:
    given = json.loads(json.dumps(APPROVALS))
    given["fact"] |= changed

    assert wrongness(given) == said


def test_a_constant_stands_in_every_fact() -> None:
    given = json.loads(json.dumps(APPROVALS))
    given["fact"]["fields"]["reference"] = {"value": "May"}

    emitted = [row.emitted for row in hand_over(tabular, EXPORT, options=given).rows if row.emitted]

    assert [(each.fact.reference, each.key, each.name) for each in emitted] == [
        ("May", "i-1", "i-1/approved")
    ]


def test_a_date_of_a_sheet_is_a_day_or_the_moment_at_which_it_begins() -> None:
    cells: dict[str, str | float | bool] = {"A1": "day", "B1": "at", "A2": 44_000, "B2": 44_000}
    cells |= {"A3": 44_000.5, "B3": 44_000.5}
    columns = ({"name": "day", "type": "date"}, {"name": "at", "type": "datetime", "timezone": "UTC"})
    data = xlsx(cells, dates=("A2", "B2", "A3", "B3"))

    midnight = int(datetime(2020, 6, 18, tzinfo=UTC).timestamp() * 1_000_000)
    assert rows(data, *columns, format="excel") == [{"day": "2020-06-18", "at": midnight}]
    assert [found[:3] for found in refused(data, *columns, format="excel")] == [(3, "day", "date")]


@pytest.mark.parametrize(
    ("content", "more", "name"),
    [
        (b"amount,id\n", {}, "csv"),
        (b"amount\n1\n", {}, None),
        (b"a;b\nid;amount\n", {"delimiter": ";", "header": 2}, "csv"),
        (b"id,amount\n", {"names": ["id", "amount"]}, None),  # its first line is a row
        (b"\x7fELF\x02\x01\x01\0", {}, None),
        (b'[{"id": "1", "amount": 2}]', {"format": "json"}, "json"),
        (b'{"id": "1"}\n', {"format": "jsonl"}, "jsonl"),
        (b'{"amount": 1}\n', {"format": "jsonl"}, None),
        (b"[]", {"format": "json"}, None),
        (xlsx({"A1": "id", "B1": "amount"}), {"format": "excel"}, "excel"),
        (xlsx({"A1": "ID"}), {"format": "excel"}, None),
    ],
)
def test_a_content_is_recognised_by_the_columns_that_it_names_itself(
    content: bytes, more: Mapping[str, Any], name: str | None
) -> None:
    assert recognise(io.BytesIO(content), options(**more), "utf-8") == name


def test_a_content_is_recognised_in_its_declared_encoding() -> None:
    german = options({"name": "currency", "from": "Währung", "required": True})
    header = "Betrag,Währung\n"

    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        assert recognise(io.BytesIO(header.encode(encoding)), german, encoding) == "csv"
    assert recognise(io.BytesIO(header.encode("cp1252")), german, "utf-8") is None


def test_where_no_column_is_required_a_content_is_recognised_that_names_them_all() -> None:
    optional = options({"name": "id"}, {"name": "amount"})

    assert recognise(io.BytesIO(b"id,amount,note\n"), optional, "utf-8") == "csv"
    assert recognise(io.BytesIO(b"id,note\n"), optional, "utf-8") is None
