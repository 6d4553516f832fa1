import json
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from ingest.domain.codec import decode, encode, new_event, typed
from processors import facts
from processors.facts import PaymentSettled

GOLDEN = Path(__file__).parent / "golden" / "ingest.payment.settled.v1.json"
SCHEMA = Path(facts.__file__).parent / "schemas" / "ingest.payment.settled.v1.0.json"
FACT = PaymentSettled(
    payment_id="A-1002",
    account="MERCHANT-17",
    amount=Decimal("-89.90"),
    currency="EUR",
    value_date=date(2026, 3, 2),
    counterparty='Café "Zum Anker"',
    reference="",
)


def test_a_payment_settled_that_was_ever_written_still_reads_as_it_was_meant() -> None:
    assert typed(decode(GOLDEN.read_text("utf-8").rstrip("\n"))) == FACT


def test_a_payment_settled_is_written_as_it_always_was() -> None:
    event = new_event(
        FACT,
        id="5d2c8f0e",
        source="/ingest/payments",
        subject="A-1002",
        time=datetime(2026, 3, 2, 12, tzinfo=UTC),
        partitionkey="MERCHANT-17",
    )

    assert encode(event) + "\n" == GOLDEN.read_text("utf-8")


def test_the_published_schema_describes_what_is_written() -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    written = json.loads(GOLDEN.read_text("utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(written["data"])
    assert schema["$id"] == PaymentSettled.dataschema == written["dataschema"]
    assert schema["required"] == list(schema["properties"]) == [field.name for field in fields(FACT)]


@pytest.mark.parametrize(
    "wrong", [{"amount": 12.5}, {"amount": "1e3"}, {"amount": "NaN"}, {"currency": "eur"}, {"payment_id": ""}]
)
def test_the_published_schema_refuses_what_is_never_written(wrong: dict[str, object]) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    data = json.loads(GOLDEN.read_text("utf-8"))["data"] | wrong

    assert not jsonschema.Draft202012Validator(schema).is_valid(data)
