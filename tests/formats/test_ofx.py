"""OFX 1.x and 2.x are read alike: statements of accounts and cards, whatever tags are left open."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest

from ingest.vetting import Refused
from processors.formats import ofx
from processors.formats.finding import Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction

SGML = """\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

"""
XML = """\
<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>
"""
ENTRY = """\
<STMTTRN>
<TRNTYPE>DEBIT
<DTPOSTED>20260302120000.000[-5:EST]
<TRNAMT>-12.50
<FITID>F-1
<NAME>CITY &amp; POWER
<MEMO>Electricity
</STMTTRN>
"""
BODY = f"""\
<OFX>
<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS></SONRS></SIGNONMSGSRSV1>
<BANKMSGSRSV1><STMTTRNRS><STMTRS>
<CURDEF>USD
<BANKACCTFROM><BANKID>021000021<ACCTID>123456<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260301<DTEND>20260331
{ENTRY}</BANKTRANLIST>
<LEDGERBAL><BALAMT>87.50<DTASOF>20260331</LEDGERBAL>
<AVAILBAL><BALAMT>80.00<DTASOF>20260331</AVAILBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1>
</OFX>
"""
GOOD = SGML + BODY


def read(text: str, encoding: str = "utf-8") -> list[StatementPart]:
    return list(ofx.read(io.BytesIO(text.encode(encoding)), encoding=encoding))


def found(text: str, encoding: str = "utf-8") -> list[str]:
    return [part.rule for part in read(text, encoding) if isinstance(part, Finding)]


def entry(old: str, new: str) -> Transaction:
    """The entry of the good file, where something else stands in it."""
    assert old in GOOD
    [made] = [part for part in read(GOOD.replace(old, new)) if isinstance(part, Transaction)]
    return made


def closed(text: str) -> str:
    """`text` as 2.x has it, with every tag closed."""
    lines = []
    for line in text.replace("><", ">\n<").replace("<CODE>0\n", "<CODE>0").splitlines():
        name, _, value = line.removeprefix("<").partition(">")
        lines.append(f"<{name}>{value}</{name}>" if value else line)
    return "\n".join(lines)


def test_a_statement_is_read_part_by_part() -> None:
    header, moved, closing, available, end = read(GOOD)

    assert header == StatementHeader(
        where="line 17",
        account="123456",
        servicer="021000021",
        statement_id="2026-03-01",
        currency="USD",
        from_date=date(2026, 3, 1),
        to_date=date(2026, 3, 31),
    )
    assert moved == Transaction(
        where="line 17",
        amount=Decimal("-12.50"),
        currency="USD",
        booked=date(2026, 3, 2),
        reference="F-1",
        counterparty="CITY & POWER",
        code="DEBIT",
        text="Electricity",
    )
    assert isinstance(closing, Balance)
    assert (closing.kind, closing.amount, closing.on) == ("closing", Decimal("87.50"), date(2026, 3, 31))
    assert isinstance(available, Balance)
    assert (available.kind, available.amount) == ("closing_available", Decimal("80.00"))
    assert isinstance(end, StatementEnd)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        SGML + BODY.replace("\n", ""),
        XML + BODY,
        GOOD.replace("<MEMO>Electricity", "<MEMO><![CDATA[Electricity]]>"),
        GOOD.replace("<NAME>", "<!-- a remark with <tags> -->\n<NAME>"),
        GOOD.replace("<CURDEF>", "<BANK.OWN>x<BANK.MORE></BANK.MORE><CURDEF>"),
        GOOD.replace("<FITID>F-1\n", "<FITID>F-1</FITID><CHECKNUM></CHECKNUM><REFNUM>\n"),
        "\n\n" + GOOD,
        GOOD.lower().replace("ofxheader", "OFXHEADER").replace("charset", "CHARSET"),
    ],
    ids=[
        "CRLF",
        "one line",
        "2.x",
        "CDATA",
        "remark",
        "tags of a bank",
        "empty tags",
        "blank lines",
        "small letters",
    ],
)
def test_it_is_the_same_statement_however_it_is_written(text: str) -> None:
    assert [part.amount for part in read(text) if isinstance(part, Transaction)] == [Decimal("-12.50")]
    assert found(text) == []


def test_closing_tags_may_stand_or_be_missing() -> None:
    assert [type(part) for part in read(XML + closed(BODY))] == [type(part) for part in read(GOOD)]


def test_each_account_is_a_statement_of_its_own() -> None:
    card = (
        BODY.replace("STMTRS", "CCSTMTRS")
        .replace("BANKACCTFROM", "CCACCTFROM")
        .replace("<BANKID>021000021", "")
    )
    text = SGML + BODY.removesuffix("</OFX>\n") + card.removeprefix("<OFX>\n").replace("123456", "4111")

    assert [part.account for part in read(text) if isinstance(part, StatementHeader)] == ["123456", "4111"]


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("-12.5", "-12.50"),
        ("+12,50", "12.50"),
        (".5", "0.50"),
        ("-0", "0.00"),
        ("0012", "12.00"),
        ("1.2345", "1.2345"),
    ],
)
def test_amounts_are_exact(written: str, amount: str) -> None:
    assert str(entry("-12.50", written).amount) == amount


def test_an_entry_in_a_currency_of_its_own_says_so() -> None:
    own = "<CURRENCY><CURSYM>EUR</CURRENCY></STMTTRN>"
    converted = own.replace("CURRENCY", "ORIGCURRENCY")

    assert entry("</STMTTRN>", own).currency == "EUR"
    assert entry("</STMTTRN>", converted).currency == "USD"


def test_the_payee_and_the_account_of_the_other_side_are_read() -> None:
    made = entry(
        "<NAME>CITY &amp; POWER\n",
        "<PAYEE><NAME>Ada</PAYEE><BANKACCTTO><ACCTID>99</BANKACCTTO><DTAVAIL>20260304\n",
    )

    assert (made.counterparty, made.counterparty_account, made.value) == ("Ada", "99", date(2026, 3, 4))
    assert entry("<FITID>F-1", "<FITID>F-1<CHECKNUM>1042").end_to_end == "1042"


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("<FITID>F-1\n", "", "mandatory"),
        ("<ACCTID>123456", "", "mandatory"),
        ("<BALAMT>87.50", "<BALAMT>", "mandatory"),
        ("<DTPOSTED>20260302120000.000[-5:EST]\n", "", "date"),
        ("<DTPOSTED>20260302", "<DTPOSTED>20260231", "date"),
        ("<FITID>F-1\n", "<FITID>F-1<CORRECTFITID>F-0\n", "correction"),
        ("<SEVERITY>INFO", "<SEVERITY>ERROR", "status"),
    ],
)
def test_what_breaks_a_rule_is_found(old: str, new: str, rule: str) -> None:
    assert found(GOOD.replace(old, new)) == [rule]


def test_an_answer_without_a_statement_is_found() -> None:
    assert found(SGML + "<OFX></OFX>") == ["empty"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "header"),
        (BODY, "header"),
        (SGML, "header"),
        (GOOD.removesuffix("</OFX>\n"), "truncated"),
        (GOOD.replace("-12.50", "$12"), "amount"),
        (GOOD.replace("<TRNAMT>-12.50\n", ""), "amount"),
        (GOOD.replace("-12.50", "-12.5\u0660"), "charset"),
        (GOOD.replace("<CURDEF>USD", "<CURDEF>XXX"), "currency"),
        (GOOD.replace("<CURDEF>USD", ""), "currency"),
        (XML + "<OFX><!DOCTYPE x>" + BODY, "xml_doctype"),
        (SGML + "<OFX><NAME>" + "x" * 70_000 + "</OFX>", "value_length"),
        (SGML + "<OFX><NAME><![CDATA[" + "x" * 70_000 + "</OFX>", "value_length"),
        (SGML + "<OFX>" + "<STMTTRN>" * 101 + "</OFX>", "depth"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, rule: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)

    assert refused.value.rule == rule


def test_the_encoding_that_the_header_names_is_that_of_the_source_or_the_text_is_ascii() -> None:
    accented = GOOD.replace("CITY &amp; POWER", "Café")

    assert found(accented, "cp1252") == []
    with pytest.raises(Refused) as refused:
        read(accented, "utf-8")

    assert refused.value.rule == "charset"


def test_references_of_characters_are_read_but_for_those_that_are_none() -> None:
    assert (
        entry("CITY &amp; POWER", "&#65;&#x42;&lt;&#0;&#xD800;&unknown;").counterparty
        == "AB<&#0;&#xD800;&unknown;"
    )


@pytest.mark.timeout(20)
@pytest.mark.parametrize("start", ["<!--", "<![CDATA[", "<a ", "< ", "<A>", "<?xml "])
def test_a_content_of_beginnings_takes_no_longer_than_it_is_long(start: str) -> None:
    try:
        read(SGML + "<OFX>" + start * 300_000 + "</OFX>")
    except Refused:
        return


def test_it_is_recognised_by_its_header() -> None:
    assert ofx.is_ofx(GOOD.encode())
    assert not ofx.is_ofx(BODY.encode())
