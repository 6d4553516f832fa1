"""camt.052, 053 and 054: what a bank states comes out as it stands, or is refused with place and rule."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.vetting import Refused
from processors.formats import camt
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.statement import Balance, StatementEnd, StatementHeader, StatementPart, Transaction
from tests.formats.camt_files import ACCOUNT, amount, balance, entry, message, message_of, statement

Part = TypeVar("Part", bound=StatementPart)
PAYMENT = (
    "<NtryDtls><TxDtls><Refs><AcctSvcrRef>B-7</AcctSvcrRef><EndToEndId>E-1</EndToEndId></Refs>"
    "<RltdPties><Dbtr><Pty><Nm>Nordwind</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE89</IBAN></Id></DbtrAcct>"
    "<Cdtr><Nm>Globex</Nm></Cdtr><CdtrAcct><Id><Othr><Id>17-4</Id></Othr></Id></CdtrAcct></RltdPties>"
    "<RmtInf><Ustrd>Invoice 7</Ustrd><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf>"
    "</TxDtls></NtryDtls><AddtlNtryInf>Transfer</AddtlNtryInf>"
)
WHOLE = message_of(
    balance("OPBD", "100"), balance("CLBD", "107.50"), entry("10"), entry("2.50", side="DBIT", more=PAYMENT)
)


def parts(data: bytes) -> list[StatementPart]:
    return list(camt.read(io.BytesIO(data)))


def of(kind: type[Part], data: bytes) -> list[Part]:
    return [part for part in parts(data) if isinstance(part, kind)]


def the_entry(**options: str) -> Transaction:
    [found] = of(Transaction, message_of(entry(**options)))
    return found


def test_a_statement_is_told_in_order_with_signed_amounts() -> None:
    header, opening, closing, first, second, end = parts(WHOLE)

    assert header == StatementHeader(
        where="statement 1",
        account="DE02120300000000202051",
        servicer="BYLADEM1001",
        statement_id="S-1",
        sequence="41",
        kind="booked",
        currency="EUR",
    )
    assert opening == Balance(
        where="line 2", kind="opening", amount=Decimal("100.00"), currency="EUR", on=date(2026, 3, 1)
    )
    assert isinstance(closing, Balance)
    assert closing.kind == "closing"
    assert first == Transaction(
        where="statement 1, entry 1",
        amount=Decimal("10.00"),
        currency="EUR",
        booked=date(2026, 3, 1),
        value=date(2026, 3, 2),
        code="166",
    )
    assert second == Transaction(
        where="statement 1, entry 2",
        amount=Decimal("-2.50"),
        currency="EUR",
        booked=date(2026, 3, 1),
        value=date(2026, 3, 2),
        reference="B-7",
        end_to_end="E-1",
        counterparty="Globex",
        counterparty_account="17-4",
        code="166",
        text="Invoice 7 RF18",
    )
    assert end == StatementEnd(where="statement 1", totals=1)


def test_the_other_side_is_who_pays_where_money_comes_in_even_when_it_is_taken_back() -> None:
    assert the_entry(more=PAYMENT).counterparty == "Nordwind"
    assert the_entry(more=PAYMENT).counterparty_account == "DE89"

    taken_back = the_entry(side="DBIT", RvslInd="<RvslInd>true</RvslInd>", more=PAYMENT)

    assert (taken_back.is_reversal, taken_back.amount, taken_back.counterparty) == (
        True,
        Decimal("-10.00"),
        "Nordwind",
    )


def test_a_batch_that_was_booked_in_one_sum_is_one_movement() -> None:
    single = "<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls>"

    listed = the_entry(more=f"<NtryDtls>{single * 3}</NtryDtls>")
    counted = the_entry(more="<NtryDtls><Btch><NbOfTxs>20</NbOfTxs></Btch></NtryDtls>")

    assert (listed.parts, listed.end_to_end, listed.text) == (3, "", "a a a")
    assert counted.parts == 20


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("BOOK", "booked"),
        ("<Cd>BOOK</Cd>", "booked"),
        ("<Cd>PDNG</Cd>", "pending"),
        ("<Cd>FUTR</Cd>", "pending"),
        ("INFO", "information"),
        ("<Prtry>held</Prtry>", "information"),
    ],
)
def test_a_status_is_read_as_old_and_new_versions_write_it(status: str, meant: str) -> None:
    assert the_entry(status=status).status == meant


def test_the_words_for_a_reference_that_nobody_gave_are_none() -> None:
    more = "<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls>"

    assert not the_entry(more=more).end_to_end


@pytest.mark.parametrize(
    ("name", "kind"), [("Stmt", "booked"), ("Rpt", "interim"), ("Ntfctn", "notification")]
)
def test_each_message_has_its_kind_of_statement(name: str, kind: str) -> None:
    [header] = of(StatementHeader, message_of(entry(), name=name))

    assert header.kind == kind


def test_version_one_has_names_of_its_own() -> None:
    account = "<Acct><Id><PrtryAcct><Id>17</Id></PrtryAcct></Id></Acct>"
    payment = "<TxDtls><RmtInf><Ustrd>old</Ustrd></RmtInf></TxDtls>"
    data = message(statement(entry(more=payment), account=account), version="001.01")
    data = data.replace(b"BkToCstmrStmt>", b"BkToCstmrStmtV01>")

    header, moved, _ = parts(data)

    assert isinstance(header, StatementHeader)
    assert (header.account, header.currency) == ("17", "EUR")
    assert isinstance(moved, Transaction)
    assert moved.text == "old"


def test_the_namespace_may_be_that_of_a_country_and_the_message_in_an_envelope() -> None:
    swiss = "http://www.six-interbank-clearing.com/de/camt.053.001.04.ch.02.xsd"
    data = WHOLE.replace(b"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08", swiss.encode())
    wrapped = data.replace(b"<Document", b"<Envelope><Document").replace(
        b"</Document>", b"</Document></Envelope>"
    )

    assert parts(wrapped) == parts(WHOLE)


def test_a_page_of_several_is_a_statement_by_itself() -> None:
    paged = "<StmtPgntn><PgNb>2</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"
    only = "<StmtPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"

    [header] = of(StatementHeader, message(statement(entry(), account=paged + ACCOUNT)))
    [alone] = of(StatementHeader, message(statement(entry(), account=only + ACCOUNT)))

    assert (header.sequence, alone.sequence) == ("41/2", "41")


def test_statements_of_one_file_are_kept_apart() -> None:
    data = message(statement(entry("1"), number="S-1"), statement(number="S-2"), statement(entry("3")))

    told = [(type(part), part.where) for part in parts(data)]

    assert told == [
        (StatementHeader, "statement 1"),
        (Transaction, "statement 1, entry 1"),
        (StatementEnd, "statement 1"),
        (StatementHeader, "statement 2"),
        (StatementEnd, "statement 2"),
        (StatementHeader, "statement 3"),
        (Transaction, "statement 3, entry 1"),
        (StatementEnd, "statement 3"),
    ]


def test_elements_of_the_same_names_in_what_a_bank_adds_are_no_entries() -> None:
    added = f"<SplmtryData><Envlp>{statement(entry('5'))}{entry('7')}</Envlp></SplmtryData>"

    assert len(of(Transaction, message_of(entry(), added))) == 1


def findings(data: bytes) -> list[tuple[str, str, str, str]]:
    return [(f.verdict, f.rule, f.message, f.where) for f in of(Finding, data)]


def test_a_closing_balance_that_does_not_come_out_is_a_finding_of_arithmetic() -> None:
    data = message_of(
        balance("OPBD", "100"), balance("CLBD", "110.01"), entry("10"), entry("7", status="PDNG")
    )

    assert findings(data) == [
        (
            ARITHMETIC,
            "closing_balance",
            "the closing balance is 110.01 EUR, opening and booked entries come to 110.00",
            "statement 1",
        )
    ]


def test_without_an_opening_balance_the_closing_of_the_statement_before_counts() -> None:
    data = message_of(balance("PRCD", "5", is_credit=False), balance("CLBD", "4"), entry("10"))

    [finding] = of(Finding, data)

    assert "come to 5.00" in finding.message


def test_a_closing_balance_in_a_currency_of_its_own_is_a_finding() -> None:
    data = message_of(balance("OPBD", "1"), balance("CLBD", "1", currency="SEK"))

    [finding] = of(Finding, data)

    assert "1.00 SEK, there is no opening balance in that currency" in finding.message


def test_a_report_of_the_day_may_tell_only_what_is_new() -> None:
    data = message_of(balance("OPBD", "1"), balance("CLBD", "9"), entry("2"), name="Rpt")

    assert findings(data) == []


TOTALS = (
    "<TxsSummry><TtlNtries><NbOfNtries>{}</NbOfNtries><Sum>{}</Sum></TtlNtries>"
    "<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>{}</Sum></TtlCdtNtries></TxsSummry>"
)


def test_stated_totals_are_compared_with_the_entries() -> None:
    right, wrong = TOTALS.format(2, "12.5", "10"), TOTALS.format(3, "12.50", "11")
    entries = entry("10"), entry("2.50", side="DBIT")

    assert findings(message_of(right, *entries)) == []
    assert [f[1:] for f in findings(message_of(wrong, *entries))] == [
        ("entries_total", "TtlNtries states 3 entries, there are 2", "statement 1"),
        ("entries_total", "TtlCdtNtries states credits of 11, there are 10.00", "statement 1"),
    ]
    assert of(StatementEnd, message_of(right, *entries))[0].totals == 4


def test_totals_may_be_those_of_the_booked_entries_or_count_the_payments() -> None:
    pending = entry("5", side="DBIT", status="PDNG")
    batch = entry("10", more="<NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch></NtryDtls>")

    assert findings(message_of(TOTALS.format(2, "10", "10"), batch, pending)) == []


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (message_of(entry(), header=""), "mandatory", "GrpHdr is missing"),
        (message_of(entry(), header="<GrpHdr/>"), "mandatory", "GrpHdr/MsgId is missing"),
        (message_of(entry()).replace(b"<Id>S-1</Id>", b""), "mandatory", "Id is missing"),
        (message_of(balance("CLAV", "1.005"), entry()), "decimals", "a balance that cannot be read"),
        (message_of(balance("", "1"), entry()).replace(b"<Cd></Cd>", b""), "mandatory", "Bal/Tp is missing"),
        (message_of(TOTALS.format("x", "10", "10"), entry()), "amount", "a total that is no number"),
        (message_of(entry(BkTxCd="")), "mandatory", "BkTxCd is missing"),
        (message_of(entry(Sts="")), "mandatory", "Sts is missing"),
        (message_of(entry(status="MAYB")), "status", "Sts is no status of an entry"),
        (message_of(entry(BookgDt="<BookgDt><Dt>2026-02-30</Dt></BookgDt>")), "date", "BookgDt is no date"),
        (message_of(entry(Amt="<Amt>1</Amt>")), "mandatory", "Ccy of an amount is missing"),
        (message_of(entry("1.000000")), "amount", "an amount of more than 18 digits, or 5 decimals"),
        (message_of(entry("-0.00")), "amount", "an amount of nothing that has a sign"),
        (
            message_of(entry()).replace(b"xsd:camt.053", b"xsd:x"),
            "namespace",
            "the namespace is not that of a camt.053",
        ),
        (message(statement(entry(), name="Rpt")), "element", "Rpt stands in a message that is no camt.052"),
    ],
)
def test_what_breaks_the_schema_and_can_be_read_is_a_finding(data: bytes, rule: str, message: str) -> None:
    assert (SCHEMA, rule, message) in [found[:3] for found in findings(data)]
    assert len(of(Transaction, data)) == 1


NONE = "no statement of a camt.052, 053 or 054 stands in the file"
AMOUNT = "an amount that is no number without a sign, of at most 18 digits"


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (message(), "statement", "no statement of a camt.052, 053 or 054 stands in the file"),
        (
            b"<Document><x/></Document>",
            "statement",
            "no statement of a camt.052, 053 or 054 stands in the file",
        ),
        (
            message(statement(entry(), account="<Acct/>")),
            "mandatory",
            "statement 1: Acct/Id is missing, and cannot be done without",
        ),
        (
            message_of(entry(), entry(Amt="")),
            "mandatory",
            "statement 1, entry 2: Amt is missing, and cannot be done without",
        ),
        (
            message_of(entry(CdtDbtInd="")),
            "mandatory",
            "statement 1, entry 1: CdtDbtInd is missing, and cannot be done without",
        ),
        (
            message_of(entry(side="CREDIT")),
            "direction",
            "statement 1, entry 1: CdtDbtInd is neither CRDT nor DBIT",
        ),
        (
            message_of(balance("CLBD", "1.005")),
            "decimals",
            "line 2: an amount with more decimals than the 2 of EUR",
        ),
        (message_of(entry("-1")), "amount", f"statement 1, entry 1: {AMOUNT}"),
        (message_of(entry("1,5")), "amount", f"statement 1, entry 1: {AMOUNT}"),
        (message_of(entry("1e3")), "amount", f"statement 1, entry 1: {AMOUNT}"),
        (message_of(entry("\u0661")), "amount", f"statement 1, entry 1: {AMOUNT}"),
        (message_of(entry("1" * 19)), "amount", f"statement 1, entry 1: {AMOUNT}"),
        (
            message_of(entry("1.005")),
            "decimals",
            "statement 1, entry 1: an amount with more decimals than the 2 of EUR",
        ),
        (
            message_of(entry(Amt=amount("1", "XAU"))),
            "currency",
            "statement 1, entry 1: an amount in no currency of ISO 4217 that has a minor unit",
        ),
        (
            message_of(entry(AcctSvcrRef=f"<AcctSvcrRef>{'r' * 201}</AcctSvcrRef>")),
            "length",
            "statement 1, entry 1: a reference of more than 200 characters",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, rule: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        parts(data)

    assert (caught.value.rule, str(caught.value)) == (rule, message)


def test_amounts_are_written_in_many_ways_and_keep_the_decimals_of_their_currency() -> None:
    written = {
        "5": "5.00",
        "5.": "5.00",
        ".5": "0.50",
        "+5.1": "5.10",
        " 5.10000 ": "5.10",
        "0.00000": "0.00",
    }

    for text, meant in written.items():
        assert str(the_entry(value=text).amount) == meant
    assert str(the_entry(Amt=amount("5.00000", "JPY")).amount) == "5"
    assert str(the_entry(Amt=amount("5", "KWD")).amount) == "5.000"


def test_texts_are_bounded() -> None:
    payment = f"<NtryDtls><TxDtls><RmtInf>{'<Ustrd>abcdefghi</Ustrd>' * 300}</RmtInf></TxDtls></NtryDtls>"

    assert len(the_entry(more=payment).text) == 2_000


def test_a_content_is_known_by_what_it_holds() -> None:
    assert camt.is_camt(WHOLE)
    assert camt.is_camt(WHOLE.replace(b"<BkToCstmrStmt", b"<ns2:BkToCstmrStmt"))
    assert not camt.is_camt(b"<Document><CstmrPmtStsRpt>")


@given(st.data())
def test_no_mutation_does_anything_but_be_read_or_refused(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))

    with suppress(Refused):
        parts(bytes(changed))
