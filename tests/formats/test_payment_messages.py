"""Orders and reports of ISO 20022: what is asked for, and what became of it."""

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
from processors.formats import payment_messages
from processors.formats.finding import ARITHMETIC, SCHEMA, Finding
from processors.formats.payment_message import MessageEnd, MessagePart, Order, Status
from tests.formats.payment_files import (
    OUR_ACCOUNT,
    account,
    collection,
    group_status,
    header,
    message,
    order_status,
    original,
    pacs008,
    pain001,
    pain002,
    pain008,
    transfer,
    transfers,
)

Part = TypeVar("Part", bound=MessagePart)
WHOLE = pain001(header(2, "12.50"), transfers(transfer("10"), transfer("2.5", "E-2")))
REJECTED = pain002(original(), group_status(order_status("RJCT", "AC04"), order_status("ACSC", "", "E-2")))


def parts(data: bytes) -> list[MessagePart]:
    return list(payment_messages.read(io.BytesIO(data)))


def of(kind: type[Part], data: bytes) -> list[Part]:
    return [part for part in parts(data) if isinstance(part, kind)]


def findings(data: bytes) -> list[tuple[str, str, str, str]]:
    return [(found.verdict, found.rule, found.message, found.where) for found in of(Finding, data)]


def test_an_order_to_pay_says_who_whom_how_much_and_when() -> None:
    first, second, end = parts(WHOLE)

    assert first == Order(
        where="order 1",
        message="pain.001",
        message_id="M-1",
        group="G-1",
        account=OUR_ACCOUNT,
        orderer="Globex",
        amount=Decimal("10.00"),
        currency="EUR",
        requested=date(2026, 3, 3),
        instruction="I-1",
        end_to_end="E-1",
        counterparty="Nordwind",
        counterparty_account="DE89",
        text="Invoice 7",
    )
    assert isinstance(second, Order)
    assert (second.amount, second.end_to_end) == (Decimal("2.50"), "E-2")
    assert end == MessageEnd(where="message 1", totals=2)


def test_an_order_to_collect_is_negative_and_ordered_by_the_creditor() -> None:
    first, second = of(Order, pain008(header(2, "4.5"), collection("1.5", "3")))

    assert (first.amount, second.amount) == (Decimal("-1.50"), Decimal("-3.00"))
    assert (first.account, first.counterparty, first.counterparty_account) == (OUR_ACCOUNT, "Ann", "DE89")
    assert first.requested == date(2026, 3, 3)


def test_between_banks_each_order_says_itself_who_orders() -> None:
    order = (
        "<CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId><TxId>T-1</TxId></PmtId>"
        '<IntrBkSttlmAmt Ccy="JPY">500</IntrBkSttlmAmt>'
        f"<Dbtr><Nm>Ann</Nm></Dbtr>{account('Dbtr', 'DE1')}<Cdtr><Nm>Bob</Nm></Cdtr></CdtTrfTxInf>"
    )
    more = '<TtlIntrBkSttlmAmt Ccy="JPY">500</TtlIntrBkSttlmAmt><IntrBkSttlmDt>2026-03-05</IntrBkSttlmDt>'

    found, end = parts(pacs008(header(1, more=more), order))

    assert isinstance(found, Order)
    assert (found.message, found.account, found.orderer, found.counterparty) == (
        "pacs.008",
        "DE1",
        "Ann",
        "Bob",
    )
    assert (found.end_to_end, found.transaction, found.amount) == ("", "T-1", Decimal(500))
    assert found.requested == date(2026, 3, 5)
    assert end == MessageEnd(where="message 1", totals=2)


def test_the_amount_may_be_that_of_another_currency() -> None:
    equivalent = '<EqvtAmt><Amt Ccy="USD">5</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt>'
    order = transfer().replace('<InstdAmt Ccy="EUR">10.00</InstdAmt>', equivalent)

    [found] = of(Order, pain001(header(), transfers(order)))

    assert (found.amount, found.currency) == (Decimal("5.00"), "USD")


@pytest.mark.parametrize("day", ["2026-03-03", "<Dt>2026-03-03</Dt>", "<DtTm>2026-03-03T08:00:00Z</DtTm>"])
def test_the_day_is_read_as_old_and_new_versions_write_it(day: str) -> None:
    [found] = of(Order, pain001(header(), transfers(transfer(), day=day)))

    assert found.requested == date(2026, 3, 3)


def test_early_versions_name_the_message_by_its_number() -> None:
    data = message("pain.001.001.02", "pain.001.001.02", header(), transfers(transfer(), day="2026-03-03"))

    assert len(of(Order, data)) == 1


def test_control_totals_of_the_message_and_of_each_group_are_compared() -> None:
    control = "<NbOfTxs>2</NbOfTxs><CtrlSum>9.99</CtrlSum>"
    data = pain001(header(3, "10.00"), transfers(transfer(), control=control))

    assert findings(data) == [
        (ARITHMETIC, "control_total", "NbOfTxs is 2, the orders come to 1", "group 1"),
        (ARITHMETIC, "control_total", "CtrlSum is 9.99, the orders come to 10.00", "group 1"),
        (ARITHMETIC, "control_total", "NbOfTxs is 3, the orders come to 1", "message 1"),
    ]


def test_orders_of_a_group_are_not_those_of_the_next() -> None:
    control = "<NbOfTxs>1</NbOfTxs>"
    other = transfers(transfer(end_to_end="E-2"), control=control, day="<Dt>2026-04-01</Dt>")
    data = pain001(header(2), transfers(transfer(), control=control), other.replace("G-1", "G-2"))

    orders = of(Order, data)

    assert [(order.group, order.requested) for order in orders] == [
        ("G-1", date(2026, 3, 3)),
        ("G-2", date(2026, 4, 1)),
    ]
    assert findings(data) == []


def test_a_rejection_says_which_order_and_why() -> None:
    order_ref = (
        '<OrgnlTxRef><Amt><InstdAmt Ccy="EUR">10</InstdAmt></Amt>'
        f"{account('Dbtr', 'DE02')}{account('Cdtr', 'DE89')}</OrgnlTxRef>"
    )
    data = pain002(original(), group_status(order_status("RJCT", "AC04", more=order_ref)))

    whole, group, order = of(Status, data)

    assert (whole.level, whole.is_whole, whole.status) == ("message", False, "")
    assert (group.level, group.is_whole, group.original_group) == ("group", False, "G-1")
    assert order == Status(
        where="status 3",
        message="pain.002",
        message_id="R-1",
        level="order",
        is_whole=True,
        status="RJCT",
        reason="AC04",
        text="closed",
        original_message="M-1",
        original_kind="pain.001.001.09",
        original_group="G-1",
        instruction="I-1",
        end_to_end="E-1",
        account="DE02",
        amount=Decimal("10.00"),
        currency="EUR",
        on=date(2026, 3, 4),
    )


def test_of_a_collection_the_account_is_that_of_the_creditor() -> None:
    accounts = f"<OrgnlTxRef>{account('Dbtr', 'DE89')}{account('Cdtr', 'DE02')}</OrgnlTxRef>"
    said = original().replace("pain.001.001.09", "pain.008.001.08")

    *_, order = of(Status, pain002(said, order_status("RJCT", more=accounts)))

    assert order.account == "DE02"


def test_a_message_or_a_group_may_be_rejected_as_a_whole() -> None:
    [message_status] = of(Status, pain002(original("RJCT", "AM10")))
    _, group = of(Status, pain002(original(), group_status(status="RJCT", reason="NARR")))

    assert (message_status.level, message_status.is_whole, message_status.reason) == ("message", True, "AM10")
    assert (group.level, group.is_whole, group.reason) == ("group", True, "NARR")


def test_between_banks_a_status_may_say_itself_what_it_is_about() -> None:
    said = order_status("RJCT").replace(
        "<OrgnlInstrId>", "<OrgnlGrpInf><OrgnlMsgId>X-9</OrgnlMsgId></OrgnlGrpInf><OrgnlInstrId>"
    )
    made = "<GrpHdr><MsgId>R-1</MsgId><CreDtTm>2026-03-04T09:00:00Z</CreDtTm></GrpHdr>"

    status, end = parts(message("FIToFIPmtStsRpt", "pacs.002.001.10", made, said))

    assert isinstance(status, Status)
    assert (status.message, status.original_message) == ("pacs.002", "X-9")
    assert end == MessageEnd(where="message 1")


def test_elements_of_the_same_names_in_what_somebody_adds_are_no_orders() -> None:
    added = f"<SplmtryData><Envlp>{transfers(transfer('7'))}{transfer('8')}</Envlp></SplmtryData>"

    assert len(of(Order, pain001(header(), transfers(transfer()), added))) == 1


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (pain001(transfers(transfer())), "mandatory", "GrpHdr is missing"),
        (pain001("<GrpHdr/>", transfers(transfer())), "mandatory", "GrpHdr/NbOfTxs is missing"),
        (pain001(header(0)), "mandatory", "an order is missing"),
        (pain001(header(), transfers(transfer(end_to_end=""))), "mandatory", "PmtId/EndToEndId is missing"),
        (pain001(header(), transfers(transfer(), day="tomorrow")), "date", "the day of an order is no date"),
        (WHOLE.replace(b"xsd:pain.001", b"xsd:x"), "namespace", "the namespace is not that of a pain.001"),
        (WHOLE.replace(OUR_ACCOUNT.encode(), b""), "mandatory", "DbtrAcct/Id is missing"),
        (pain002(order_status("RJCT")), "mandatory", "OrgnlMsgId is missing"),
        (pain002(original("refused")), "status", "GrpSts is no code of four letters"),
    ],
)
def test_what_breaks_the_schema_and_can_be_read_is_a_finding(data: bytes, rule: str, message: str) -> None:
    assert (SCHEMA, rule, message) in [found[:3] for found in findings(data)]


@pytest.mark.parametrize(
    ("data", "rule", "message"),
    [
        (
            b"<Document><BkToCstmrStmt/></Document>",
            "message",
            "no pain.001, pain.002, pain.008, pacs.002 or pacs.008 stands in the file",
        ),
        (
            WHOLE.replace(b"InstdAmt", b"OtherAmt"),
            "mandatory",
            "order 1: the amount of an order is missing, and cannot be done without",
        ),
        (
            WHOLE.replace(b">2.5<", b">-2.5<"),
            "amount",
            "order 2: an amount that is no number without a sign, of at most 18 digits",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, rule: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        parts(data)

    assert (caught.value.rule, str(caught.value)) == (rule, message)


@given(st.data())
def test_no_mutation_does_anything_but_be_read_or_refused(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from([WHOLE, REJECTED])))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=8))

    with suppress(Refused):
        parts(bytes(changed))
