"""Statements become rows and facts, whole or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ingest import PermanentError
from ingest.errors import UsageError
from ingest.testing import HandedOver, hand_over
from processors.facts import StatementReceived
from processors.statements import statements
from tests.formats.camt_files import ACCOUNT, balance, entry, message, message_of, statement

GOOD = message_of(balance("OPBD", "100"), balance("CLBD", "110"), entry("10"), entry("7", status="PDNG"))
OFF = message_of(balance("OPBD", "100"), balance("CLBD", "111"), entry("10"))
ODD = message_of(entry("10", Sts=""))


def handled(data: bytes, **options: Any) -> HandedOver:
    return hand_over(statements, data, options=options)


def rows(handed: HandedOver, table: str) -> list[dict[str, Any]]:
    return [dict(row.values) for row in handed.rows if row.table == table]


def facts(handed: HandedOver) -> list[StatementReceived]:
    return [emitted.fact for emitted in handed.facts if isinstance(emitted.fact, StatementReceived)]


def test_a_statement_becomes_rows_in_minor_units() -> None:
    handed = handled(GOOD)

    [stated] = rows(handed, "statements")
    assert stated == {
        "account": "DE02120300000000202051",
        "servicer": "BYLADEM1001",
        "statement": "S-1/41",
        "statement_id": "S-1",
        "sequence": "41",
        "kind": "booked",
        "currency": "EUR",
        "from_date": None,
        "to_date": None,
        "opening_minor": 10_000,
        "closing_minor": 11_000,
        "exponent": 2,
        "entries": 2,
        "booked_entries": 1,
        "arithmetic_verdict": "ok",
    }
    assert [row["amount_minor"] for row in rows(handed, "statement_balances")] == [10_000, 11_000]
    assert [
        (row["position"], row["amount_minor"], row["status"]) for row in rows(handed, "transactions")
    ] == [
        (1, 1_000, "booked"),
        (2, 700, "pending"),
    ]
    [verdict] = rows(handed, "statement_findings")
    assert (verdict["format"], verdict["schema_verdict"], verdict["arithmetic_verdict"]) == (
        "camt",
        "ok",
        "ok",
    )


def test_a_statement_is_told_in_a_fact_keyed_by_its_account() -> None:
    [emitted] = handled(GOOD).facts

    assert (emitted.key, emitted.name) == ("DE02120300000000202051", "DE02120300000000202051/S-1/41/booked/1")
    assert emitted.fact == StatementReceived(
        account="DE02120300000000202051",
        statement="S-1/41",
        kind="booked",
        currency="EUR",
        from_date=None,
        to_date=None,
        opening=Decimal("100.00"),
        closing=Decimal("110.00"),
        page=1,
        is_last=True,
        entries=[
            {
                "amount": "10.00",
                "currency": "EUR",
                "status": "booked",
                "booked": "2026-03-01",
                "value": "2026-03-02",
                "code": "166",
            },
            {
                "amount": "7.00",
                "currency": "EUR",
                "status": "pending",
                "booked": "2026-03-01",
                "value": "2026-03-02",
                "code": "166",
            },
        ],
        received_at=datetime(2026, 3, 2, 12, tzinfo=UTC),
    )


def test_a_long_statement_is_told_in_pages_and_the_last_has_its_closing_balance() -> None:
    pages = facts(
        handled(message_of(balance("PRCD", "0"), balance("CLBD", "11.20"), *[entry("0.01")] * 1_120))
    )

    assert [(page.page, len(page.entries), page.is_last) for page in pages] == [
        (1, 500, False),
        (2, 500, False),
        (3, 120, True),
    ]
    assert [page.opening for page in pages] == [Decimal("0.00")] * 3
    assert [page.closing for page in pages] == [None, None, Decimal("11.20")]


def test_statements_of_one_name_in_one_file_have_facts_of_their_own() -> None:
    names = [emitted.name for emitted in handled(message(statement(entry()), statement(entry()))).facts]

    assert names == [f"DE02120300000000202051/S-1/41{rest}/booked/1" for rest in ("", "#2")]


def test_the_day_is_part_of_a_statements_name() -> None:
    period = "<FrToDt><FrDtTm>2026-03-01T00:00:00</FrDtTm><ToDtTm>2026-03-02T00:00:00</ToDtTm></FrToDt>"

    [fact] = facts(handled(message(statement(entry(), account=period + ACCOUNT))))

    assert (fact.statement, fact.from_date, fact.to_date) == (
        "S-1/41/2026-03-02",
        date(2026, 3, 1),
        date(2026, 3, 2),
    )


def test_a_statement_that_does_not_add_up_is_refused_whole_unless_a_warning_will_do() -> None:
    with pytest.raises(PermanentError, match=r"statement 1: the closing balance is 111\.00 EUR, opening"):
        handled(OFF)

    handed = handled(OFF, on_mismatch="warn")

    assert rows(handed, "statements")[0]["arithmetic_verdict"] == "mismatch"
    assert rows(handed, "statement_findings")[0]["arithmetic_verdict"] == "mismatch"
    assert len(facts(handed)) == 1


def test_a_broken_schema_refuses_the_file_unless_the_source_is_lenient() -> None:
    with pytest.raises(PermanentError, match="statement 1, entry 1: Sts is missing"):
        handled(ODD)

    [verdict] = rows(handled(ODD, strictness="lenient"), "statement_findings")

    assert (verdict["schema_verdict"], verdict["findings"]) == ("broken", 1)


def test_the_format_is_told_by_the_content_or_declared() -> None:
    assert rows(handled(GOOD, format="camt"), "statements")
    with pytest.raises(PermanentError, match="does not tell in which format its statements are"):
        handled(b"date;amount\n")
    with pytest.raises(PermanentError, match="no statement of a camt"):
        handled(b"<Document/>", format="camt")


@pytest.mark.parametrize("options", [{"format": "pdf"}, {"strictness": "no"}, {"on_mismatch": "ignore"}])
def test_options_that_mean_nothing_are_refused_before_work_begins(options: dict[str, str]) -> None:
    assert statements.check is not None
    with pytest.raises(ValueError, match=f"{next(iter(options))} is "):
        statements.check(options)


PIECE = ":61:2603020302C10,00NTRFNONREF//B-1\n"


def test_a_piece_of_a_message_is_in_the_currency_that_is_declared_for_its_source() -> None:
    lenient = {"format": "mt940", "strictness": "lenient", "on_mismatch": "warn"}

    with pytest.raises(PermanentError, match="currency"):
        handled(PIECE.encode(), **lenient)

    [entry_] = rows(handled(PIECE.encode(), **lenient, currency="HUF"), "transactions")
    assert (entry_["amount_minor"], entry_["exponent"], entry_["currency"]) == (1_000, 2, "HUF")


def test_an_entry_booked_on_a_day_that_nobody_tells_moves_nothing() -> None:
    undated = message_of(entry("10", BookgDt="", ValDt=""))

    handed = handled(undated)

    assert [row["status"] for row in rows(handed, "transactions")] == ["undated"]
    assert [each["status"] for fact in facts(handed) for each in fact.entries] == ["undated"]


def test_a_currency_that_is_none_is_refused_before_work_begins() -> None:
    with pytest.raises(UsageError, match="currency is one of ISO 4217"):
        statements.check_options("statements", {"currency": "XYZ"})
