"""`inspect`: what a file is and what would be made of it, with or without a pipeline; nothing is kept."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.cli.project import GOOD, Ingest, Said, spawned
from tests.formats.invoice_files import ubl, ubl_line, ubl_tax, ubl_totals
from tests.vetting.archives import Zipped, zip_of

OWN = """
from ingest import FileLanded, processor
from ingest.vetting import Refused, Text
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.verdicts import JUDGING, Verdicts, findings_table

FINDINGS = findings_table("lines_findings")


def recognise(file, options, encoding):
    return "lines" if file.read(6) == b"LINES " else ""


@processor(accepts=FileLanded, version="1", tables=[FINDINGS], recognises=recognise, judges=JUDGING)
def lines(event, ctx):
    verdicts = Verdicts(ctx.options)
    with ctx.open() as file:
        for line in Text(file, encoding=event.encoding):
            if "unreadable" in line:
                raise Refused("it cannot be read", rule="unreadable", where="line 2")
            if "odd" in line:
                verdicts.note(Finding(verdict=SCHEMA, rule="odd", message="it is odd", where="line 2"))
            if "sum" in line:
                verdicts.is_balanced = True
            if "wrong" in line:
                verdicts.note(Finding(verdict=ARITHMETIC, rule="sum", message="1 is not 2", where="line 2"))
    verdicts.hand_over(ctx, FINDINGS, format="lines")
"""

PARTS = """
from ingest import FileLanded, Judging, PermanentError, processor, table

PARTS = table("parts", part=str)
CHECKED = table("checked", shape=str, sums=str, seen=list)


def check(options):
    if "mark" not in options:
        raise ValueError("mark is missing")


def recognise(file, options, encoding):
    return "parts" if file.readline(1000).strip().decode() == options["mark"] else None


@processor(
    accepts=FileLanded,
    version="1",
    tables=[PARTS, CHECKED],
    check=check,
    recognises=recognise,
    judges=Judging(schema="shape", arithmetic="sums", findings="seen", lenient={"odd_lines": "note"}),
)
def parts(event, ctx):
    seen = []
    with ctx.open() as file:
        for number, line in enumerate(file, start=1):
            if line.startswith(b"odd"):
                if ctx.options.get("odd_lines") != "note":
                    raise PermanentError(f"line {number}: an odd line")
                seen.append([f"line {number}", "odd", "an odd line"])
            elif line.startswith(b"bad"):
                ctx.reject(rule="bad", line=number, raw=line)
            elif number > 1:
                ctx.insert(PARTS, {"part": line.decode().strip()})
    ctx.insert(CHECKED, {"shape": "broken" if seen else "ok", "sums": "not stated", "seen": seen})
"""

OF_PARTS = """
[[source]]
name = "shop"
path = "inbox"

[[processor]]
name = "elsewhere"
use = "parts:parts"
sources = []
options.mark = "PARTS"

[[processor]]
name = "screws"
use = "parts:parts"
sources = ["shop"]
options.mark = "PARTS"
"""

TABULAR = """
[[source]]
name = "shop"
path = "inbox"

[[processor]]
name = "prices"
use = "tabular:tabular"
sources = ["shop"]
options.table = "prices"
options.format = "csv"
options.columns = [{ name = "item", required = true }, { name = "price", type = "decimal" }]
"""

STRICT_SHOP = """
[[source]]
name = "shop"
path = "inbox"

[[processor]]
name = "banks"
use = "{name}:{name}"
sources = ["shop"]
options.strictness = "lenient"
options.on_mismatch = "warn"
options.by_source.shop = {{ strictness = "strict", on_mismatch = "quarantine" }}
"""
SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory in which there is no pipeline, but a processor."""
    (tmp_path / "processors").mkdir()
    (tmp_path / "processors" / "lines.py").write_text(OWN)
    return tmp_path


@pytest.fixture
def there(elsewhere: Path) -> Ingest:
    """A command there, in a process of its own: it imports processors that no other test may meet."""

    def call(*argv: str) -> Said:
        return spawned(*argv, cwd=elsewhere, env={**os.environ, "COLUMNS": "100"})

    return call


def test_a_file_is_looked_at_where_there_is_no_pipeline(elsewhere: Path, there: Ingest) -> None:
    (elsewhere / "good.csv").write_text(GOOD)

    found = there("inspect", "good.csv", "--json").json()

    assert found["kind"] == "text"
    assert found["recognised"] == [
        {"processor": "payments", "use": "processors.payments:payments", "format": "payments"}
    ]
    assert found["verdicts"] == {"parsed": "ok", "schema": None, "arithmetic": None}
    assert [row["values"]["payment_id"] for row in found["rows"]] == ["P-1", "P-2", "P-3"]
    assert len(found["facts"]) == 3
    assert "payments would take it: 3 rows, 0 rejected, 3 facts" in there("inspect", "good.csv").out
    assert sorted(path.name for path in elsewhere.iterdir()) == ["good.csv", "processors"]


def test_the_source_in_whose_directory_it_lies_says_how_it_is_read(day: Path, ingest: Ingest) -> None:
    before = ingest("status", "--json").json()["head_position"]

    found = ingest("inspect", "inbox/good.csv", "--json").json()

    assert {row["processor"] for row in found["recognised"]} == {"payments"}
    assert ingest("status", "--json").json()["head_position"] == before


@pytest.mark.parametrize(
    ("text", "code", "verdicts", "error"),
    [
        ("LINES 1\n", 0, ("ok", "ok", "not stated"), None),
        ("LINES 1\nsum\n", 0, ("ok", "ok", "ok"), None),
        ("LINES 1\nodd\n", 3, ("ok", "broken", "not stated"), "line 2: it is odd"),
        ("LINES 1\nwrong sum\n", 3, ("ok", "ok", "mismatch"), "line 2: 1 is not 2"),
        ("LINES 1\nodd\nunreadable\n", 3, ("refused", None, None), "line 2: it is odd"),
    ],
)
def test_the_three_verdicts_and_what_the_policy_makes_of_them(
    elsewhere: Path, there: Ingest, text: str, code: int, verdicts: tuple[str, str, str], error: str | None
) -> None:
    (elsewhere / "some.txt").write_text(text)

    said = there("inspect", "some.txt", "--json")

    found = said.json()
    assert said.code == code
    assert tuple(found["verdicts"].values()) == verdicts
    assert found["error"] == error
    shown = there("inspect", "some.txt")
    assert shown.code == code
    assert (f"lines would refuse it: {error}" if error else "lines would take it") in shown.out


def test_findings_are_listed_with_their_places(elsewhere: Path, there: Ingest) -> None:
    (elsewhere / "some.txt").write_text("LINES 1\nodd\nwrong sum\n")

    found = there("inspect", "some.txt", "--json").json()

    assert found["findings"] == [
        {"where": "line 2", "rule": "odd", "message": "it is odd"},
        {"where": "line 2", "rule": "sum", "message": "1 is not 2"},
    ]


def test_what_nobody_recognises_is_said_with_what_it_is(elsewhere: Path, there: Ingest) -> None:
    (elsewhere / "program.csv").write_bytes(b"\x7fELF\x02\x01\x01\0")

    said = there("inspect", "program.csv")

    assert said.code == 3
    assert "executable" in said.out
    assert "no processor recognises it" in said.out


def test_a_declared_encoding_that_cannot_be_right_is_answered_with_one_that_may_be(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "marked.csv").write_text(GOOD, encoding="utf-16")

    declared_wrong = there("inspect", "marked.csv", "--json").json()
    declared_right = there("inspect", "marked.csv", "--encoding", "utf-16", "--json").json()

    assert declared_wrong["encoding"] == {"declared": "utf-8", "applies": True, "suggested": "utf-16"}
    assert declared_right["encoding"] == {"declared": "utf-16", "applies": True, "suggested": None}


def test_a_file_is_recognised_in_the_encoding_that_is_declared_for_its_source(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "inbox").mkdir()
    source = TABULAR.replace('path = "inbox"', 'path = "inbox"\nencoding = "utf-16"')
    (elsewhere / "ingest.toml").write_text(source)
    (elsewhere / "inbox" / "payments.csv").write_text(GOOD, encoding="utf-16")
    (elsewhere / "inbox" / "prices.csv").write_text("item,price\nçay,1.50\n", encoding="utf-16")

    payments = there("inspect", "inbox/payments.csv", "--json").json()
    prices = there("inspect", "inbox/prices.csv", "--json").json()

    assert "payments" in [each["format"] for each in payments["recognised"]]
    assert [each["format"] for each in prices["recognised"]] == ["csv"]
    assert prices["error"] is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zip_of(Zipped(name=b"1.csv"))),
        ("a.gz", gzip.compress(GOOD.encode())),
        ("prices.xlsx", (SAMPLES / "tabular" / "prices.xlsx").read_bytes()),
    ],
)
def test_what_is_no_text_has_no_encoding_whatever_is_declared(
    elsewhere: Path, there: Ingest, name: str, data: bytes
) -> None:
    (elsewhere / name).write_bytes(data)

    found = there("inspect", name, "--json").json()

    assert found["encoding"] == {"declared": "utf-8", "applies": False, "suggested": None}
    shown = there("inspect", name).out
    assert "none: it is not text" in shown
    assert "as declared" not in shown


def test_a_module_that_cannot_be_imported_is_named_and_the_others_are_asked(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "processors" / "broken.py").write_text("import nothing_of_that_name\n")
    (elsewhere / "some.txt").write_text("LINES 1\n")

    said = there("inspect", "some.txt")

    assert said.code == 0
    assert "not looked at: processors/broken.py, line 1" in said.out


def test_a_file_that_is_not_there_or_is_none(elsewhere: Path, there: Ingest) -> None:
    assert there("inspect", "nowhere.csv").code == 4
    assert there("inspect", "processors").code == 2
    assert there("inspect").code == 2


@pytest.mark.parametrize(
    ("text", "format_"),
    [
        ("item,price\na,1.50\nb,many\n", "csv"),
        ("item;price\na;1.50\n", "declared"),  # what is wrong with it is to be told
    ],
)
def test_a_contract_in_the_options_recognises_its_header_and_else_its_source_is_believed(
    elsewhere: Path, there: Ingest, text: str, format_: str
) -> None:
    (elsewhere / "inbox").mkdir()
    (elsewhere / "inbox" / "prices.csv").write_text(text)
    (elsewhere / "ingest.toml").write_text(TABULAR)

    found = there("inspect", "inbox/prices.csv", "--json").json()

    assert found["recognised"] == [{"processor": "prices", "use": "tabular:tabular", "format": format_}]
    if format_ == "declared":
        assert "the header" in found["error"]
    else:
        assert [row["values"]["price"] for row in found["rows"] if row["table"] == "prices"] == ["1.50"]
        assert [(refused["line"], refused["column"]) for refused in found["rejects"]] == [(3, "price")]


def test_a_file_that_lies_in_no_source_is_recognised_by_the_contract_in_the_options(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "inbox").mkdir()
    (elsewhere / "ingest.toml").write_text(TABULAR)
    (elsewhere / "prices.csv").write_text("item,price\na,1.50\n")
    (elsewhere / "others.csv").write_text("thing,price\na,1.50\n")

    assert "recognised  csv by prices" in there("inspect", "prices.csv").out
    assert there("inspect", "others.csv", "--json").json()["recognised"] == []


def test_a_processor_of_the_user_has_its_rows_verdicts_and_rejects_shown_by_declaring_them(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "inbox").mkdir()
    (elsewhere / "processors" / "parts.py").write_text(PARTS)
    (elsewhere / "ingest.toml").write_text(OF_PARTS)
    (elsewhere / "inbox" / "some.txt").write_text("PARTS\nscrew\nodd one\nbad one\n")

    said = there("inspect", "inbox/some.txt", "--json")

    found = said.json()
    assert said.code == 3
    assert [each["processor"] for each in found["recognised"]] == ["screws", "elsewhere"]
    assert found["verdicts"] == {"parsed": "ok", "schema": "broken", "arithmetic": "not stated"}
    assert found["error"] == "line 3: an odd line"
    assert found["findings"] == [{"where": "line 3", "rule": "odd", "message": "an odd line"}]
    assert [row["values"] for row in found["rows"] if row["table"] == "parts"] == [{"part": "screw"}]
    assert [(refused["line"], refused["rule"]) for refused in found["rejects"]] == [(4, "bad")]


def test_options_that_a_processor_refuses_are_told_and_without_any_it_is_not_asked(
    elsewhere: Path, there: Ingest
) -> None:
    (elsewhere / "processors" / "parts.py").write_text(PARTS)
    (elsewhere / "some.txt").write_text("PARTS\nscrew\n")

    unnamed = there("inspect", "some.txt")
    (elsewhere / "ingest.toml").write_text(OF_PARTS.replace("mark", "brand"))
    misnamed = there("inspect", "some.txt")

    assert (unnamed.code, misnamed.code) == (3, 3)
    assert "not looked at" not in unnamed.out
    assert "processor.screws.options are refused: mark is missing" in misnamed.out


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        (
            'options["mark"]',
            'options["brand"]',
            "processor 'screws' cannot tell what it recognises: KeyError",
        ),
        (
            'schema="shape"',
            'schema="form"',
            "judges in columns that none of its tables has: form, seen, sums",
        ),
        ('[f"line {number}", "odd", "an odd line"]', '"an odd line"', "hands over findings that are none"),
    ],
)
def test_a_processor_that_does_not_do_as_it_declares_is_told_so(
    elsewhere: Path, there: Ingest, wrong: str, right: str, said: str
) -> None:
    (elsewhere / "processors" / "parts.py").write_text(PARTS.replace(wrong, right))
    (elsewhere / "ingest.toml").write_text(OF_PARTS)
    (elsewhere / "some.txt").write_text("PARTS\nodd one\n")

    told = there("inspect", "some.txt")

    assert told.code in {2, 3}
    assert said in told.out + told.err
    assert "Traceback" not in told.err


def test_rows_are_shown_table_by_table_as_they_are_declared_and_what_is_left_out_is_counted(
    elsewhere: Path, there: Ingest
) -> None:
    totals = dict.fromkeys(("LineExtensionAmount", "TaxExclusiveAmount"), "2500.00")
    totals |= dict.fromkeys(("TaxInclusiveAmount", "PayableAmount"), "2975.00")
    lines = [ubl_line(number=str(number)) for number in range(1, 26)]
    text = ubl(*lines, totals=ubl_totals(**totals), tax=ubl_tax("475.00", "2500.00"))
    (elsewhere / "paper.xml").write_bytes(text)

    found = there("inspect", "paper.xml", "--json").json()
    shown = there("inspect", "paper.xml").out

    tables = ["invoices", *["invoice_lines"] * 25, "invoice_taxes", "invoice_findings"]
    assert [row["table"] for row in found["rows"]] == tables
    starts = [line.partition("  ")[0] for line in shown.splitlines()]
    assert [start for start in starts if start in tables] == [
        tables[0],
        *["invoice_lines"] * 21,
        *tables[-2:],
    ]
    assert "invoice_lines  and 5 more" in shown


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("ach", "banks/payroll-total-wrong.ach"),
        ("payment_orders", "payment_orders/pain001-sum-off.xml"),
        ("statements", "statements/camt053-off-by-ten.xml"),
        ("invoices", "invoices/ubl-digits-swapped.xml"),
    ],
)
def test_all_that_is_wrong_is_shown_where_the_source_has_a_strict_policy_of_its_own(
    elsewhere: Path, there: Ingest, name: str, sample: str
) -> None:
    (elsewhere / "inbox").mkdir()
    (elsewhere / "inbox" / "one").write_bytes((SAMPLES / sample).read_bytes())
    (elsewhere / "one").write_bytes((SAMPLES / sample).read_bytes())
    (elsewhere / "ingest.toml").write_text(STRICT_SHOP.format(name=name))

    of_shop = there("inspect", "inbox/one", "--json")
    of_another = there("inspect", "one", "--json")

    assert (of_shop.code, of_another.code) == (3, 0)
    found = of_shop.json()
    assert found["error"]
    assert found["verdicts"] == {"parsed": "ok", "schema": "ok", "arithmetic": "mismatch"}
    assert len(found["findings"]) == 1
    assert [row["table"] for row in found["rows"]] == [row["table"] for row in of_another.json()["rows"]]
