"""BAI2 is read in the dialects that banks write: accounts, balances, movements, continuations, totals."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest

from ingest.vetting import Refused
from processors.formats import bai2
from processors.formats.finding import Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

GOOD = """\
01,BANK,CUSTOMER,260302,0600,1,80,,2/
02,CUSTOMER,BANK,1,260301,2359,USD,2/
03,0123456789,,010,+10000,,,015,13000,,/
88,100,5000,1,,400,2000,1,/
16,115,5000,0,REF-1,OURS-1,LOCKBOX DEPOSIT/
16,475,2000,,,,CHECK PAID/
49,37000,5/
98,37000,1,7/
99,37000,1,9/
"""


def with_movement(*lines: str) -> str:
    """A file whose one account has this record 16, and no totals."""
    head = "01,B,C,260302,,1,,,2/\n02,C,B,1,260301,,EUR,2/\n03,12,,,,,/\n"
    return head + "".join(f"{line}\n" for line in lines) + "49,,/\n98,,,/\n99,,,/\n"


def read(text: str) -> list[StatementPart]:
    return list(bai2.read(io.BytesIO(text.encode()), encoding="utf-8"))


def found(text: str) -> list[tuple[str, str]]:
    return [(part.where, part.rule) for part in read(text) if isinstance(part, Finding)]


def movement(*lines: str) -> Transaction:
    [made] = [part for part in read(with_movement(*lines)) if isinstance(part, Transaction)]
    return made


def test_an_account_is_a_statement_with_its_balances_and_movements() -> None:
    header, opening, closing, credit, debit, end = read(GOOD)

    assert header == StatementHeader(
        where="line 3",
        account="0123456789",
        currency="USD",
        from_date=date(2026, 3, 1),
        to_date=date(2026, 3, 1),
    )
    assert isinstance(opening, Balance)
    assert (opening.kind, opening.amount, opening.on) == ("opening", Decimal("100.00"), date(2026, 3, 1))
    assert isinstance(closing, Balance)
    assert (closing.kind, closing.amount) == ("closing", Decimal("130.00"))
    assert credit == Transaction(
        where="line 5",
        amount=Decimal("50.00"),
        currency="USD",
        booked=date(2026, 3, 1),
        reference="REF-1",
        end_to_end="OURS-1",
        code="115",
        text="LOCKBOX DEPOSIT",
    )
    assert isinstance(debit, Transaction)
    assert debit.amount == Decimal("-20.00")
    assert isinstance(end, StatementEnd)
    assert end.totals == 3


@pytest.mark.parametrize(
    "text",
    [GOOD.replace("\n", "\r\n"), GOOD.replace("/\n", "/     \n"), GOOD.replace("/\n", "\n"), GOOD + "\n"],
    ids=["CRLF", "padded", "no slashes", "blank line"],
)
def test_it_is_the_same_file_in_every_dialect(text: str) -> None:
    assert [part.amount for part in read(text) if isinstance(part, Transaction)] == [
        Decimal("50.00"),
        Decimal("-20.00"),
    ]
    assert found(text) == []


@pytest.mark.parametrize(
    ("funds", "value"),
    [
        ("", None),
        ("Z", None),
        ("0", None),
        ("V,260304,2400", date(2026, 3, 4)),
        ("V,260304,", date(2026, 3, 4)),
        ("S,1000,2000,3000", None),
        ("D,2,0,1000,1,4000", None),
    ],
)
def test_a_funds_type_is_read_with_all_that_belongs_to_it(funds: str, value: date | None) -> None:
    made = movement(f"16,165,5000,{funds},BANK-1,OURS-1,TEXT/")

    assert (made.value, made.reference, made.end_to_end, made.text) == (value, "BANK-1", "OURS-1", "TEXT")


def test_a_continuation_goes_on_with_fields_or_with_text() -> None:
    fields = movement("16,165,5000,V,260304,/", "88,BANK-1,OURS-1,TEXT/")
    text = movement("16,165,5000,,BANK-1,OURS/1,first, second", "88,EREF: 7/8", "88:third")

    assert (fields.reference, fields.text) == ("BANK-1", "TEXT")
    assert (text.end_to_end, text.text) == ("OURS/1", "first, second EREF: 7/8 third")


@pytest.mark.parametrize(
    ("code", "amount"),
    [("100", 1), ("399", 1), ("400", -1), ("699", -1), ("720", 1), ("760", -1), ("925", 1), ("965", -1)],
)
def test_the_type_code_gives_the_sign(code: str, amount: int) -> None:
    assert movement(f"16,{code},100,,,,/").amount == Decimal(f"{amount}.00")


def test_a_record_that_moves_no_money_is_information_and_found() -> None:
    text = with_movement("16,890,,,,,DELIVERY NOTICE/")

    assert movement("16,890,,,,,DELIVERY NOTICE/").status == "information"
    assert found(text) == [("line 4", "type_code")]


def test_currencies_come_from_the_account_else_the_group_else_are_dollars() -> None:
    account = with_movement("16,165,100,,,,/").replace("03,12,,", "03,12,JPY,")
    nobody = with_movement("16,165,100,,,,/").replace("EUR", "")

    assert [(p.amount, p.currency) for p in read(account) if isinstance(p, Transaction)] == [
        (Decimal(100), "JPY")
    ]
    assert [p.currency for p in read(nobody) if isinstance(p, Transaction)] == ["USD"]


@pytest.mark.parametrize(
    ("modifier", "summary", "kind"),
    [
        ("1", "", "interim"),
        ("3", "", "interim"),
        ("2", "", "booked"),
        ("", "060,5,,", "interim"),
        ("", "", "booked"),
    ],
)
def test_an_intraday_report_is_interim(modifier: str, summary: str, kind: str) -> None:
    text = with_movement().replace("EUR,2/", f"EUR,{modifier}/").replace("03,12,,,,,/", f"03,12,,{summary}/")

    [header] = [part for part in read(text) if isinstance(part, StatementHeader)]

    assert (header.kind, header.sequence) == (kind, "1" if kind == "interim" else "")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("49,37000,5", "49,37001,5", "account_total"),
        ("49,37000,5", "49,37000,6", "account_number_of_records"),
        ("98,37000,1,7", "98,37000,2,7", "group_number_of_parts"),
        ("99,37000,1,9", "99,3700,1,9", "file_total"),
        ("015,13000", "015,12000", "account_total"),
    ],
)
def test_a_control_total_that_is_off_is_found(old: str, new: str, rule: str) -> None:
    assert found(GOOD.replace(old, new))[0][1] == rule


def test_records_may_be_counted_with_or_without_continuations() -> None:
    assert found(GOOD.replace("37000,5/", "37000,4/").replace("1,7/", "1,6/").replace("1,9/", "1,8/")) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (",,2/\n02", ",,3/\n02", "version"),
        ("1,260301", "1,261301", "date"),
        ("BANK,1,", "BANK,4,", "group_status"),
        ("03,0123456789", "03,", "mandatory"),
    ],
)
def test_a_field_that_breaks_its_rule_is_found(old: str, new: str, rule: str) -> None:
    assert [each[1] for each in found(GOOD.replace(old, new))] == [rule]


@pytest.mark.parametrize(
    ("text", "rule", "where"),
    [
        ("", "empty", ""),
        (GOOD.replace("01,BANK", "00,BANK"), "record_type", "line 1"),
        (GOOD.replace("01,BANK", "xx,BANK"), "record_type", "line 1"),
        ("88,x\n", "record_order", "line 1"),
        (GOOD.replace("02,CUS", "03,CUS"), "record_order", "line 2"),
        (GOOD.replace("16,115,5000", "16,115,50.00"), "amount", "line 5"),
        (GOOD.replace("16,115,5000", "16,115,\u0665"), "amount", "line 5"),
        (GOOD.replace("USD", "XXX"), "currency", "line 3"),
        (with_movement("16,165,5000,D,99999999,0/"), "funds_type", "line 4"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, rule: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert (refused.value.rule, refused.value.where) == (rule, where)


@pytest.mark.parametrize(
    ("text", "last", "what", "begun"),
    [
        (GOOD[: GOOD.index("99,")], "line 8", "file", "line 1"),
        (GOOD[: GOOD.index("98,")], "line 7", "group", "line 2"),
        (GOOD[: GOOD.index("49,")], "line 6", "account", "line 3"),
        (GOOD[: GOOD.index("02,")], "line 1", "file", "line 1"),
        (GOOD + GOOD[: GOOD.index("16,475")], "line 14", "account", "line 12"),
    ],
)
def test_a_file_that_breaks_off_says_what_is_still_open(text: str, last: str, what: str, begun: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert (refused.value.rule, refused.value.where) == ("record_order", last)
    message = f"{last}: the file ends before the trailer record of the {what} that begins at {begun}"
    assert refused.value.message == message


def test_a_record_does_not_grow_without_bound() -> None:
    with pytest.raises(Refused) as refused:
        read(with_movement("16,165,5000,,,,x", *["88," + "x" * 100_000] * 11))

    assert refused.value.rule == "record_length"


def test_it_is_recognised_by_its_first_record() -> None:
    assert bai2.is_bai2(GOOD.encode())
    assert not bai2.is_bai2(b"01,2,3\n4,5,6\n")
