"""`announce` tells a real receiver, and lets neither its address nor a partner's markup through."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ingest import FileLanded, PermanentError
from ingest.errors import UsageError
from ingest.testing import Bench, hand_over
from processors.announce import MAX_VALUE, NotTold, announce, tell
from processors.facts import InvoicePaid, PaymentUnmatched
from tests.crash.receiver import receiving

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise, about itself
MakeBench = Callable[..., Bench]
OPTIONS = {"to": ["ANNOUNCE_CHAT"]}
PAID = InvoicePaid(invoice_id="INV-0042", amount=Decimal("100.00"), currency="EUR", reference="INV-0042")
LOST = PaymentUnmatched(
    payment_id="P-1",
    account="A",
    amount=Decimal("1.00"),
    currency="EUR",
    reference="<b>@all</b> *now*\x1b[31m\nX",
    reason="no invoice",
)


def requests(fact: object, **options: Any) -> list[dict[str, Any]]:
    return [call.request for call in hand_over(announce, fact, options={**OPTIONS, **options}).calls]


def request_for(variable: str = "ANNOUNCE_CHAT") -> dict[str, str]:
    return {"to": variable, "title": "paid", "body": "INV-0042", "format": "text"}


def test_everybody_is_told_in_a_call_of_their_own() -> None:
    mail, chat = requests(PAID, to=["ANNOUNCE_MAIL", "ANNOUNCE_CHAT", "ANNOUNCE_MAIL"])

    assert (mail["to"], chat["to"]) == ("ANNOUNCE_MAIL", "ANNOUNCE_CHAT")
    assert mail["title"] == "ingest.invoice.paid.v1"
    assert "invoice_id: INV-0042\namount: 100.00\ncurrency: EUR" in mail["body"]


def test_a_template_is_filled_with_the_fields_of_the_fact() -> None:
    (request,) = requests(PAID, title="{invoice_id} is paid", body="{amount} {currency}{nothing} {0} {a.b}")

    assert (request["title"], request["body"]) == ("INV-0042 is paid", "100.00 EUR {0} {a.b}")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("html", "&lt;b&gt;@all&lt;/b&gt; *now* [31m X"),
        ("markdown", "\\<\u200bb\\>@\u200ball\\<\u200b/b\\> \\*now\\* \\[31m X"),
        ("text", "<\u200bb>@\u200ball<\u200b/b> *now* [31m X"),
    ],
)
def test_what_a_partner_wrote_is_text_and_nothing_else(form: str, told: str) -> None:
    (request,) = requests(LOST, title="{reference}", body="{reference}", format=form)

    assert request["body"] == told
    assert "\n" not in request["title"]


def test_a_field_is_told_in_part_where_it_is_long() -> None:
    (request,) = requests(replace(LOST, reference="x" * 10_000), body="{reference}")

    assert request["body"] == "x" * MAX_VALUE


def test_any_fact_can_be_told() -> None:
    whoever = replace(announce, accepts=(FileLanded.type,))  # as `accepts` in ingest.toml has it
    (call,) = hand_over(whoever, b"x", name="a.csv", options=OPTIONS).calls
    request = call.request

    assert request["title"] == FileLanded.type
    assert "name: a.csv" in request["body"]


def test_a_receiver_is_told_once_with_what_the_message_is_known_by(
    ingest_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = ingest_bench(announce, options=OPTIONS)
    with receiving() as seen:
        monkeypatch.setenv("ANNOUNCE_CHAT", seen.url.replace("http://", "json://user:secret@"))
        bench.emit(PAID, key="INV-0042", name="INV-0042")
        bench.work()
        bench.assert_replay_changes_nothing()

    (request,) = seen.requests
    told = json.loads(request.body)
    assert told["message"].splitlines()[-1].isalnum()
    assert "INV-0042" in told["message"]
    assert "secret" not in repr(bench.standing())


@pytest.mark.parametrize("status", [401, 500])
def test_a_message_that_is_not_taken_is_tried_again_and_no_error_holds_the_address(
    status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(status) as seen:
        monkeypatch.setenv("ANNOUNCE_CHAT", seen.url.replace("http://", "json://user:secret@"))
        with pytest.raises(NotTold, match="ANNOUNCE_CHAT") as caught:
            tell(request_for(), key="k" * 64, options=OPTIONS)

    assert "secret" not in str(caught.value)
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("address", "said"), [("", "is not set"), ("no address", "no address that apprise knows")]
)
def test_without_an_address_it_is_dead_and_says_which_variable(
    address: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANNOUNCE_CHAT", address)

    with pytest.raises(PermanentError, match=said) as caught:
        tell(request_for(), key="k" * 64, options=OPTIONS)

    assert "ANNOUNCE_CHAT" in str(caught.value)


def test_only_variables_that_the_options_name_are_read() -> None:
    with pytest.raises(PermanentError, match="no longer among"):
        tell(request_for("HOME"), key="k" * 64, options=OPTIONS)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"to": []},
        {"to": "A"},
        {"to": ["json://user:secret@host"]},
        {"to": ["A"], "format": "rtf"},
        {"to": ["A"], "title": 1},
        {"to": ["A"], "url": "x"},
    ],
)
def test_options_that_it_cannot_work_with_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        announce.check_options("announce", options)

    assert "secret" not in str(caught.value)
