"""Data to stdout, the rest to stderr, and nothing that could move a cursor."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from ingest.cli import logs, output
from ingest.cli.given import Given
from ingest.cli.spreadsheet import harmless
from ingest.cli.words import age, size, so_many
from ingest.errors import CannotWrite, UsageError

HOSTILE = "a\nb\x1b[31m\x07\u202e\udcff[bold]"


@pytest.fixture(autouse=True)
def _restore_logging() -> object:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    yield
    root.handlers = before
    root.setLevel(level)


def test_what_is_not_printable_is_escaped_in_one_line() -> None:
    assert output.one_line(HOSTILE) == r"a\nb\x1b[31m\x07\u202e\udcff[bold]"


def test_a_cell_is_never_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(output.table("", ("name",), [("a[/b].csv",), ("[bold]x",), (HOSTILE,)]))

    out = capsys.readouterr().out
    assert "a[/b].csv" in out
    assert "[bold]x" in out
    assert "\x1b" not in out


def test_a_table_is_parted_from_what_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    small = output.table("", ("name",), [("a",)])

    output.show("above", small, small, "below", output.facts([("b", 1)]), "end")

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    table = ["name", "────", "a"]
    assert lines == ["above", "", *table, "", *table, "", "below", "b  1", "end"]


def test_a_complaint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.complain(HOSTILE)

    assert capsys.readouterr().err.count("\n") == 1


def test_a_document_is_pure_ascii_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"name": HOSTILE})

    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out) == {"v": 1, "name": HOSTILE}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_record_is_one_line_whatever_it_says(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Given(log_format=form))

    try:
        int(HOSTILE)
    except ValueError:
        logging.getLogger("ingest.somewhere").exception("it was %s", HOSTILE)

    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert "\u202e" not in err


def test_records_are_json_where_nobody_sits_at_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Given())

    logging.getLogger("ingest.watch").warning("careful")

    said = json.loads(capsys.readouterr().err)
    assert (said["level"], said["logger"], said["message"]) == ("warning", "ingest.watch", "careful")


def test_libraries_are_heard_only_when_they_warn(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(Given())

    logging.getLogger("alembic.runtime").info("routine")
    logging.getLogger("alembic.runtime").warning("trouble")

    assert "routine" not in (err := capsys.readouterr().err)
    assert "trouble" in err


@pytest.mark.parametrize(
    ("given", "level"),
    [
        (Given(), logging.INFO),
        (Given(verbose=1), logging.DEBUG),
        (Given(quieter=True), logging.WARNING),
        (Given(verbose=1, log_level="ERROR"), logging.ERROR),
    ],
)
def test_the_flags_choose_the_level(given: Given, level: int) -> None:
    logs.set_up(given)

    assert logging.getLogger().level == level


@pytest.mark.parametrize("given", [Given(log_level="loud"), Given(log_format="xml")])
def test_an_unknown_level_or_format_is_a_usage_error(given: Given) -> None:
    with pytest.raises(UsageError):
        logs.set_up(given)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def half() -> None:
        with output.new_file(tmp_path / "x") as file:
            file.write(b"half" * (1 // 0))

    with pytest.raises(ZeroDivisionError):
        half()

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_stands_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")

    with pytest.raises(CannotWrite), output.new_file(tmp_path / "x") as file:
        file.write(b"yours")

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x", "mine")]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(cell: str) -> None:
    assert harmless(cell) == "'" + cell


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0s"), (9.94, "9.9s"), (59.9, "59s"), (200, "3m20s"), (3661, "1h1m"), (1e6, "11d13h")],
)
def test_an_age_is_told_in_two_units_at_most(seconds: float, words: str) -> None:
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (4100, "4.1 kB"), (2.3e9, "2.3 GB"), (5e15, "5000.0 TB")]
)
def test_a_size_is_told_in_a_fitting_unit(count: float, words: str) -> None:
    assert size(count) == words


def test_one_thing_is_not_things() -> None:
    assert (so_many(1, "event"), so_many(1234, "event")) == ("1 event", "1,234 events")
