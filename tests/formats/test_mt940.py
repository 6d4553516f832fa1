"""MT940 and MT942 are read as banks write them: statement by statement, each amount with its sign."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest

from ingest.testing import hand_over
from ingest.vetting import Refused
from processors.formats import mt940
from processors.formats.finding import Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction
from processors.statements import statements

OPENING, CLOSING = ":60F:C260301EUR100,00\n", ":62F:C260302EUR90,00\n"
HEAD = ":20:S-1\n:25:37040044/0532013000\n:28C:41/1\n"
DEBIT = ":61:2603020302D10,00NTRFNONREF//B-7\n"
GOOD = HEAD + OPENING + DEBIT + ":86:free text\n" + CLOSING + "-\n"
REPORT = ":20:R-1\n:25:37040044/0532013000\n:28C:1\n:34F:EURD0,\n:13D:2603021200+0100\n"


def read(text: str) -> list[StatementPart]:
    return list(mt940.read(io.BytesIO(text.encode()), encoding="utf-8"))


def found(text: str) -> list[tuple[str, str]]:
    return [(part.where, part.rule) for part in read(text) if isinstance(part, Finding)]


def entries(text: str) -> list[Transaction]:
    return [part for part in read(text) if isinstance(part, Transaction)]


def entry(line: str, details: str = "") -> Transaction:
    """The entry that field 61 of this line, and perhaps field 86, makes."""
    said = f":86:{details}\n" if details else ""
    [made] = entries(f"{HEAD}{OPENING}:61:{line}\n{said}")
    return made


def test_a_statement_is_read_part_by_part() -> None:
    header, opening, moved, closing, end = read(GOOD)

    assert header == StatementHeader(
        where="line 1",
        account="37040044/0532013000",
        servicer="37040044",
        statement_id="S-1",
        sequence="41/1",
        currency="EUR",
        from_date=date(2026, 3, 1),
    )
    assert opening == Balance(
        where="line 4", kind="opening", amount=Decimal("100.00"), currency="EUR", on=date(2026, 3, 1)
    )
    assert moved == Transaction(
        where="line 5",
        amount=Decimal("-10.00"),
        currency="EUR",
        booked=date(2026, 3, 2),
        value=date(2026, 3, 2),
        reference="B-7",
        code="NTRF",
        text="free text",
    )
    assert isinstance(closing, Balance)
    assert (closing.kind, closing.amount) == ("closing", Decimal("90.00"))
    assert isinstance(end, StatementEnd)
    assert end.totals == 1


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.rstrip("\n-"),
        "{1:F01BANKDEFFXXXX0000000000}{2:O940BANKDEFFXXXXN}{3:}{4:\n" + GOOD[:-2] + "-}{5:}\n",
        "\x01\n" + GOOD[:-2] + "-\x03\n",
        "\n" + GOOD + "\n",
    ],
    ids=["CRLF", "no end", "blocks of SWIFT", "control characters", "blank lines"],
)
def test_it_is_the_same_statement_whatever_stands_around_it(text: str) -> None:
    assert [part.amount for part in read(text) if isinstance(part, Transaction)] == [Decimal("-10.00")]
    assert found(text) == []


def test_each_message_of_a_file_is_a_statement_of_its_own() -> None:
    parts = read(GOOD + GOOD.replace("S-1", "S-2").replace("EUR", "CHF"))

    headers = [(part.statement_id, part.currency) for part in parts if isinstance(part, StatementHeader)]
    assert headers == [("S-1", "EUR"), ("S-2", "CHF")]
    assert sum(isinstance(part, StatementEnd) for part in parts) == 2


@pytest.mark.parametrize(
    ("mark", "amount", "is_reversal", "status"),
    [
        ("C", "10.00", False, "booked"),
        ("D", "-10.00", False, "booked"),
        ("RC", "-10.00", True, "booked"),
        ("RD", "10.00", True, "booked"),
        ("EC", "10.00", False, "pending"),
        ("ED", "-10.00", False, "pending"),
    ],
)
def test_the_mark_gives_the_sign(mark: str, amount: str, *, is_reversal: bool, status: str) -> None:
    made = entry(f"260302{mark}R10,NTRFNONREF")

    assert (str(made.amount), made.is_reversal, made.status) == (amount, is_reversal, status)


@pytest.mark.parametrize(
    ("dates", "value", "booked"),
    [
        ("2603020303", date(2026, 3, 2), date(2026, 3, 3)),
        ("2612310102", date(2026, 12, 31), date(2027, 1, 2)),
        ("2601021231", date(2026, 1, 2), date(2025, 12, 31)),
        ("260302", date(2026, 3, 2), date(2026, 3, 2)),
        ("2602300301", date(2026, 2, 28), date(2026, 3, 1)),
        ("2402300229", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_the_year_of_an_entry_is_that_nearest_to_its_value_date(
    dates: str, value: date, booked: date
) -> None:
    made = entry(f"{dates}C1,NMSC")

    assert (made.value, made.booked) == (value, booked)


@pytest.mark.parametrize(
    ("line", "own", "bank", "code"),
    [
        ("260302C1,5NTRFPAY-1//B-1", "PAY-1", "B-1", "NTRF"),
        ("260302CR1,5NTRFNONREF", "", "", "NTRF"),
        ("260302C1,5N051NONREF//", "", "", "N051"),
        ("260302CF1,5S   X", "X", "", "S"),
    ],
)
def test_references_are_told_apart(line: str, own: str, bank: str, code: str) -> None:
    made = entry(line)

    assert (made.end_to_end, made.reference, made.code) == (own, bank, code)


def test_numbered_subfields_are_put_together() -> None:
    made = entry(
        "260302C1,NTRFNONREF",
        "166?00GUTSCHRIFT?100399?20EREF+E-1?21SVWZ+Invoice 4711 of\n March?30BANKDEFF?31DE02?32ADA?33 EXAM",
    )

    assert (made.code, made.end_to_end, made.text) == ("NTRF/166", "E-1", "Invoice 4711 of March")
    assert (made.counterparty, made.counterparty_account) == ("ADA EXAM", "DE02")


@pytest.mark.parametrize("mark", ["~", "<", "^", "|"])
def test_other_marks_number_subfields_too(mark: str) -> None:
    said = "020?00PRZELEW?20tytul?21 czynsz?32JAN?38PL61".replace("?", mark)

    made = entry("260302C1,NTRFNONREF", said)

    assert (made.text, made.counterparty, made.counterparty_account) == ("tytul czynsz", "JAN", "PL61")


def test_words_between_slashes_are_read() -> None:
    ours = entry("260302C1,NTRFEREF", "/EREF/E-9/IBAN/NL02/NAME/Jan Jansen/REMI/USTD//huur maart/")
    others = entry("260302C1,NTRFEREF", "/EREF/E-9/CNTP/NL02/INGBNL2A/Jan Jansen//REMI/huur maart")

    for made in (ours, others):
        assert (made.end_to_end, made.counterparty, made.counterparty_account) == (
            "E-9",
            "Jan Jansen",
            "NL02",
        )
        assert made.text == "huur maart"


def test_what_stands_below_an_entry_is_its_text_where_no_field_tells_more() -> None:
    assert entry("260302C1,NTRFNONREF\nCARD PAYMENT").text == "CARD PAYMENT"
    assert entry("260302C1,NTRFNONREF\n:NS:01rent\n02march\n15Ada").text == "rent march"


def test_a_line_of_text_that_looks_like_a_tag_is_text() -> None:
    assert entry("260302C1,NTRFNONREF", "at 12\n:26:37 o'clock").text == "at 12 :26:37 o'clock"


def test_an_entry_whose_first_line_is_broken_is_put_together() -> None:
    [made] = entries(f"{HEAD}{OPENING}:61:2603020302CR\n30,00N062NONREF\n:\n86:rent\n")

    assert (made.amount, made.text) == (Decimal("30.00"), "rent")


def test_a_report_is_interim_and_its_sums_are_compared() -> None:
    right = REPORT + DEBIT + ":90D:1EUR10,\n:90C:0EUR0,\n"
    header, *_, end = read(right)

    assert isinstance(header, StatementHeader)
    assert (header.kind, header.currency) == ("interim", "EUR")
    assert isinstance(end, StatementEnd)
    assert end.totals == 2
    assert found(right) == []
    assert found(right.replace("90D:1", "90D:2")) == [("line 7", "sums")]


def test_a_statement_that_does_not_add_up_is_found() -> None:
    assert found(GOOD.replace("EUR90,", "EUR91,")) == [("line 1", "closing_balance")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (GOOD.replace(":20:S-1\n", ""), "mandatory"),
        (GOOD.replace(":25:37040044/0532013000\n", ""), "mandatory"),
        (GOOD.replace(OPENING, "").replace("13000", "13000EUR"), "mandatory"),
        (GOOD.replace(CLOSING, ""), "mandatory"),
        (GOOD.replace("61:260302", "61:261302"), "date"),
        (GOOD.replace("62F:C260302", "62F:C269902"), "date"),
        (GOOD.replace(CLOSING, ":25:again\n" + CLOSING), "order"),
    ],
)
def test_what_a_message_should_have_is_found_missing(text: str, rule: str) -> None:
    assert [each[1] for each in found(text)] == [rule]


def test_an_entry_in_a_currency_that_nobody_names_is_found() -> None:
    assert "currency" in [each[1] for each in found(":20:S-1\n:25:123\n" + DEBIT)]
    assert "currency" not in [each[1] for each in found(":20:S-1\n:25:123EUR\n" + DEBIT)]


def test_a_balance_without_a_currency_is_in_that_of_its_message() -> None:
    parts = read(GOOD.replace(CLOSING, ":62F:C26030290,00\n:64:C26030280,00\n"))

    balances = [part for part in parts if isinstance(part, Balance)]
    assert [(each.currency, str(each.amount)) for each in balances] == [
        ("EUR", "100.00"),
        ("EUR", "90.00"),
        ("EUR", "80.00"),
    ]
    assert not [part for part in parts if isinstance(part, Finding)]
    assert found(GOOD.replace("EUR90,00", "91,00")) == [("line 1", "closing_balance")]


def test_a_balance_in_a_currency_that_nobody_names_is_found() -> None:
    text = ":20:S-1\n:25:123\n:60F:C260301100,00\n:62F:C260302100,00\n"

    assert found(text) == [("line 3", "currency"), ("line 4", "currency")]
    with pytest.raises(Refused, match="currency"):
        hand_over(statements, text)
    lent = hand_over(statements, text, options={"strictness": "lenient", "currency": "CHF"})
    kept = [row.values for row in lent.rows if row.table == "statement_balances"]
    assert [(each["currency"], each["amount_minor"]) for each in kept] == [("CHF", 10000)] * 2


def test_a_message_without_balances_and_entries_is_empty() -> None:
    assert found(":20:S-1\n")[0] == ("line 1", "empty")


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("", "statement", ""),
        ("1\n2\n3\n", "statement", ""),
        (":NS:\n", "statement", ""),
        (GOOD.replace("D10,00", "D10.00"), "entry", "line 5"),
        (GOOD.replace("D10,00", "X10,00"), "entry", "line 5"),
        (GOOD.replace("D10,00", "D\u0661\u0660,00"), "entry", "line 5"),
        (GOOD.replace("D10,00", "D10,001"), "decimals", "line 5"),
        (GOOD.replace("EUR100,00", "EUR-100,00"), "balance", "line 4"),
        (GOOD.replace("EUR100,00", "XXX100,00"), "currency", "line 4"),
        (REPORT + ":90D:EUR1,\n", "sum", "line 6"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, rule: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert (refused.value.rule, refused.value.where) == (rule, where)


def test_it_is_recognised_by_its_first_field() -> None:
    assert mt940.is_mt940(GOOD.encode())
    assert mt940.is_mt940(b"{1:F01X}{2:O940X}{4:\r\n:20:S\r\n")
    assert not mt940.is_mt940(b"a,b\n1,2\n")


def test_a_statement_without_an_account_is_kept_where_the_source_is_lenient_and_told_to_nobody() -> None:
    text = GOOD.replace(":25:37040044/0532013000\n", "")

    handed = hand_over(statements, text, options={"strictness": "lenient"})

    assert [row.values["amount_minor"] for row in handed.rows if row.table == "transactions"] == [-1000]
    assert handed.facts == ()
