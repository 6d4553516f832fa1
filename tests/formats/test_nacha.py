"""An ACH file is read as the Nacha rules lay it out, and each rule that it breaks is named with its place."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.vetting import Refused
from processors.formats import nacha
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.nacha_model import BatchEnd, BatchHeader, Entry, FileEnd, FileHeader, Part
from tests.formats.achfiles import HEADER, Line, batch, checked, file_of, paid

TWO = file_of(batch(paid(cents=1050), paid(code="27", cents=50)), batch(paid(), number=2))
INTERNATIONAL = (
    "710ANN000000000000001000",
    "711Example Company                    1 Main Street",
    "712Springfield*IL\\                    US*62701\\",
    "713First Bank                         01231380104                         US",
    "714Zweite Bank                        03DE0000000                         DE",
    "715R-1            2 High Street",
    "716Berlin*BE\\                         DE*10115\\",
)


def read(text: str, encoding: str = "ascii") -> list[Part]:
    return list(nacha.read(io.BytesIO(text.encode(encoding)), encoding=encoding))


def found(text: str, encoding: str = "ascii") -> list[tuple[str, str, str]]:
    return [(p.where, p.verdict, p.rule) for p in read(text, encoding) if isinstance(p, Finding)]


def entries(text: str) -> list[Entry]:
    parts = read(text)
    assert [part for part in parts if isinstance(part, Finding)] == []
    return [part for part in parts if isinstance(part, Entry)]


def changed(text: str, line: int, column: int, to: str) -> str:
    """`text` with other characters from that line and column on, both from 1."""
    lines = text.splitlines()
    lines[line - 1] = lines[line - 1][: column - 1] + to + lines[line - 1][column - 1 + len(to) :]
    return "".join(f"{each}\n" for each in lines)


def international(*types: str) -> Line:
    """An international entry, with its addenda of these types, or with all seven."""
    kept = tuple(text for text in INTERNATIONAL if not types or text[1:3] in types)
    return Line(account=f"{len(kept):04}", identification="DE0000000", name="", addenda=kept)


def international_batch(line: Line) -> list[str]:
    records = batch(line, entry_class="IAT", service="220")
    header = records[0][:4] + f"{'':16}FF3{'':15}DE" + records[0][40:63] + "USDEUR" + records[0][69:]
    trailing = [f"{text[:83]}    {text[87:]}" if text[0] == "7" else text for text in records[1:]]
    return [header, *trailing[:-1], trailing[-1][:44] + " " * 10 + trailing[-1][54:]]


def test_a_file_is_read_part_by_part_with_what_was_counted() -> None:
    header, first, one, other, end, second, third, end_2, last = read(TWO)

    assert isinstance(header, FileHeader)
    assert (header.destination, header.origin) == ("231380104", "121042882")
    assert (header.created_on, header.created_at) == (date(2026, 3, 2), "1200")
    assert isinstance(first, BatchHeader)
    assert (first.number, first.company_id, first.effective_on) == (1, "1234567890", date(2026, 3, 3))
    assert isinstance(one, Entry)
    assert (one.is_credit, one.cents, one.routing, one.trace) == (True, 1050, "231380104", "121042880000001")
    assert (one.name, one.identification, one.account) == ("Ada Example", "EMP-1", "123456789")
    assert isinstance(other, Entry)
    assert (other.is_credit, other.cents) == (False, 50)
    assert isinstance(end, BatchEnd)
    assert (end.entries, end.totals.debit, end.totals.credit) == (2, 50, 1050)
    assert isinstance(second, BatchHeader)
    assert isinstance(third, Entry)
    assert isinstance(end_2, BatchEnd)
    assert isinstance(last, FileEnd)
    assert (last.batches, last.totals.entry_hash, last.totals.credit) == (2, 3 * 23138010, 1150)


@pytest.mark.parametrize(
    "written",
    [
        TWO.replace("\n", "\r\n"),
        TWO.replace("\n", ""),
        "".join(f"{line.rstrip()}\n" for line in TWO.splitlines()),
        TWO.rstrip("9\n"),
        TWO + "\n\n",
        "\ufeff" + TWO,
    ],
    ids=["CRLF", "unbroken", "trailing spaces cut", "without padding", "blank lines after", "a mark"],
)
def test_it_is_the_same_file_however_its_records_are_parted(written: str) -> None:
    parts = [part for part in read(written, "utf-8") if isinstance(part, Entry)]

    assert [part.cents for part in parts] == [1050, 50, 100]
    assert found(written, "utf-8") == []


@pytest.mark.parametrize(
    ("line", "column", "to", "rule"),
    [
        (1, 5, "231380105", "check_digit"),
        (1, 5, "23138010X", "routing_number"),
        (1, 14, " " * 10, "mandatory"),
        (1, 24, "261302", "date"),
        (1, 34, " ", "file_id_modifier"),
        (1, 35, "080", "format"),
        (1, 41, "\x1a", "characters"),
        (2, 2, "100", "service_class"),
        (2, 5, " " * 16, "mandatory"),
        (2, 51, "PPX", "entry_class"),
        (2, 79, "0", "originator_status"),
        (3, 2, "20", "transaction_code"),
        (3, 12, "5", "check_digit"),
        (3, 13, " " * 17, "mandatory"),
        (3, 79, "2", "addenda_indicator"),
        (3, 80, "9", "trace_number"),
        (4, 80, "121042880000001", "trace_order"),
        (5, 88, "0000009", "batch_control"),
        (5, 45, "9876543210", "batch_control"),
        (6, 88, "0000001", "batch_number"),
    ],
)
def test_a_field_that_breaks_its_rule_is_found(line: int, column: int, to: str, rule: str) -> None:
    broken = found(changed(TWO, line, column, to))

    assert broken[0][1:] == (SCHEMA, rule)
    assert broken[0][0] == f"line {line}"


@pytest.mark.parametrize(
    ("line", "column", "to", "rule"),
    [
        (5, 10, "3", "entry_count"),
        (5, 20, "1", "entry_hash"),
        (5, 32, "1", "debit_total"),
        (5, 44, "1", "credit_total"),
        (9, 7, "3", "batch_count"),
        (9, 13, "2", "block_count"),
        (9, 21, "4", "entry_count"),
        (9, 31, "1", "entry_hash"),
        (9, 43, "1", "debit_total"),
        (9, 55, "1", "credit_total"),
    ],
)
def test_a_total_that_does_not_add_up_is_found(line: int, column: int, to: str, rule: str) -> None:
    assert found(changed(TWO, line, column, to)) == [(f"line {line}", ARITHMETIC, rule)]


def test_the_hash_keeps_its_last_ten_digits() -> None:
    big = paid(routing="99999999")

    assert len(entries(file_of(batch(*[big] * 101)))) == 101


def test_a_hash_over_batches_keeps_its_last_ten_digits() -> None:
    big = [paid(routing="99999999")] * 60

    assert len(entries(file_of(batch(*big), batch(*big, number=2)))) == 120


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("", "empty", ""),
        (TWO[95:], "record_order", "line 1"),
        (TWO[: 95 * 8], "record_order", "line 8"),
        (TWO + TWO, "record_order", "line 11"),
        (file_of(batch(paid()), batch(paid(), number=2)[1:]), "record_order", "line 5"),
        (changed(TWO, 3, 1, "4"), "record_type", "line 3"),
        (changed(TWO, 3, 1, "7"), "record_order", "line 3"),
        (changed(TWO, 3, 30, "00000A1050"), "digits", "line 3"),
        (changed(TWO, 3, 30, "-000001050"), "digits", "line 3"),
        (changed(TWO, 3, 30, " " * 10), "digits", "line 3"),
        (TWO.replace("\n6", " x\n6", 1), "record_length", "line 2"),
        ("payment_id,account\nP-1,A\n", "record_type", "line 1"),
        ("\u0661", "record_type", "line 1"),
    ],
)
def test_what_is_no_ach_file_is_refused(text: str, rule: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text, "utf-8")

    assert (refused.value.rule, refused.value.where) == (rule, where)


def test_a_place_in_an_unbroken_file_counts_records() -> None:
    with pytest.raises(Refused) as refused:
        read(changed(TWO, 3, 30, "00000A1050").replace("\n", ""))

    assert refused.value.where == "line 1, record 3"


def test_digits_of_another_script_are_none() -> None:
    with pytest.raises(Refused) as refused:
        read(changed(TWO, 3, 39, "\u0661"), "utf-8")

    assert refused.value.rule == "digits"


def test_letters_beyond_ascii_are_found_where_a_lenient_source_lets_them_pass() -> None:
    accented = changed(TWO, 3, 55, "Zoé")

    assert found(accented, "latin-1") == [("line 3", SCHEMA, "characters")]
    assert next(part.name for part in read(accented, "latin-1") if isinstance(part, Entry)) == "Zoé Example"


@pytest.mark.parametrize(
    ("line", "entry_class", "rule"),
    [
        (paid(addenda=("705first", "705second")), "PPD", "addenda_count"),
        (paid(addenda=("702first",)), "PPD", "addenda_type"),
        (paid(code="27", addenda=("705x",)), "ARC", "addenda_type"),
        (paid(code="27"), "POS", "addenda_count"),
        (paid(), "TEL", "direction"),
        (paid(code="27"), "CIE", "direction"),
        (paid(code="27", cents=2_500_001), "ARC", "amount"),
        (paid(code="23"), "PPD", "amount"),
        (paid(cents=0), "PPD", "amount"),
        (paid(code="27"), "RCK", "description"),
        (paid(name="0002Receiver"), "CTX", "addenda_count"),
        (paid(identification="1326", addenda=("702x",)), "SHR", "card_expiration"),
        (paid(code="21", addenda=("799R99121042880000001      12104288",)), "PPD", "return_reason"),
        (paid(code="21", addenda=("799R01121042880000001      12104288", "705x")), "PPD", "addenda_type"),
        (paid(code="21", cents=0, addenda=("798C01121042880000001      12104288",)), "COR", "mandatory"),
        (paid(code="21", cents=0, addenda=("798X01121042880000001      121042881",)), "COR", "change_code"),
        (paid(code="21", addenda=("798C01121042880000001      121042881",)), "COR", "amount"),
        (
            paid(code="22", cents=0, addenda=("798C01121042880000001      121042881",)),
            "COR",
            "transaction_code",
        ),
        (paid(code="21", cents=0), "COR", "addenda_type"),
    ],
)
def test_what_an_entry_class_does_not_allow_is_found(line: Line, entry_class: str, rule: str) -> None:
    assert {each[2] for each in found(file_of(batch(line, entry_class=entry_class)))} == {rule}


def test_a_debit_in_a_batch_of_credits_is_found() -> None:
    assert [each[2] for each in found(file_of(batch(paid(code="27"), service="220")))] == ["service_class"]


def test_a_reversal_may_go_against_the_direction_of_its_class() -> None:
    assert len(entries(file_of(batch(paid(), entry_class="TEL", description="REVERSAL")))) == 1


@pytest.mark.parametrize(
    ("column", "to", "rule"), [(84, "0002", "addenda_sequence"), (88, "0000009", "addenda_trace")]
)
def test_an_addendum_that_is_misnumbered_is_found(column: int, to: str, rule: str) -> None:
    text = file_of(batch(paid(addenda=("705first",))))

    assert found(changed(text, 4, column, to)) == [("line 4", SCHEMA, rule)]


def test_an_addendum_that_the_entry_does_not_announce_is_found() -> None:
    text = file_of(batch(paid(addenda=("705first",))))

    assert [each[2] for each in found(changed(text, 3, 79, "0"))] == ["addenda_indicator"]


@pytest.mark.parametrize(
    ("reason", "kind"), [("R01", "return"), ("R68", "dishonored"), ("R73", "contested"), ("R80", "return")]
)
def test_a_return_says_which_entry_comes_back_and_why(reason: str, kind: str) -> None:
    line = paid(code="26", addenda=(f"799{reason}091000010000007      09100001",))

    [entry] = entries(file_of(batch(line)))

    assert (entry.kind, entry.reason, entry.original_trace) == (kind, reason, "091000010000007")


def test_a_notice_of_change_says_what_is_to_be_corrected() -> None:
    line = paid(code="21", cents=0, addenda=("798C01091000010000007      09100001987654321",))

    [entry] = entries(file_of(batch(line, entry_class="COR")))

    assert (entry.kind, entry.reason, entry.corrected) == ("notice", "C01", "987654321")


def test_prenotes_and_remittances_without_an_amount_are_told_apart() -> None:
    lines = (paid(code="23", cents=0), paid(code="24", cents=0, addenda=("705x",)))

    assert [entry.kind for entry in entries(file_of(batch(*lines, entry_class="CCD")))] == [
        "prenote",
        "remittance",
    ]


def test_an_international_entry_keeps_its_seven_addenda() -> None:
    [entry] = entries(file_of(international_batch(international())))

    assert (entry.account, entry.name) == ("DE0000000", "")
    assert [item.type for item in entry.addenda] == ["10", "11", "12", "13", "14", "15", "16"]


def test_an_international_entry_without_one_of_its_seven_addenda_is_found() -> None:
    text = file_of(international_batch(international("10", "11", "12", "13", "14", "15")))

    assert [each[2] for each in found(text)] == ["addenda_count"]


@pytest.mark.parametrize(
    ("line", "column", "to", "rule"),
    [(4, 4, "BIL", "transaction_type"), (7, 39, "09", "id_qualifier"), (2, 21, "XX", "exchange_indicator")],
)
def test_a_code_of_an_international_entry_that_is_none_is_found(
    line: int, column: int, to: str, rule: str
) -> None:
    text = file_of(international_batch(international()))

    assert found(changed(text, line, column, to)) == [(f"line {line}", SCHEMA, rule)]


def test_advices_are_read_in_their_own_columns() -> None:
    entry = (
        f"681{checked('23138010')}{'744-5678':15}{50_000:012}{'121042882':9}{'11131':6}Bank{'':18}  0{'':15}"
    )
    header = batch(paid(), entry_class="ADV", service="280", status="0")[0]
    control = f"8280{1:06}{23138010:010}{0:020}{50_000:020}{'Operator':19}{'12104288':8}{1:07}"
    last = f"9{1:06}{1:06}{1:08}{23138010:010}{0:020}{50_000:020}"
    text = f"{HEADER}\n{header}\n{entry}\n{control}\n{last}"

    [advice] = entries(text)

    assert (advice.kind, advice.is_credit, advice.cents, advice.account) == (
        "advice",
        True,
        50_000,
        "744-5678",
    )


@given(
    st.lists(st.tuples(st.integers(0, len(TWO) - 1), st.characters(exclude_categories=["Cs"])), max_size=4),
    st.integers(0, len(TWO)),
)
@settings(max_examples=300)
def test_whatever_becomes_of_a_file_it_is_read_or_refused(edits: list[tuple[int, str]], cut: int) -> None:
    text = list(TWO)
    for place, character in edits:
        text[place] = character

    try:
        parts = read("".join(text)[: cut or len(TWO)], "utf-8")
    except Refused:
        return
    assert isinstance(parts[-1], FileEnd)
