"""A movement of the model, and what stands of it in a fact."""

from datetime import date
from decimal import Decimal

from processors.formats.statement import Transaction, entry_of

FULL = Transaction(
    where="line 3",
    amount=Decimal("-1E+2"),
    currency="EUR",
    booked=date(2026, 3, 2),
    value=date(2026, 3, 3),
    status="booked",
    is_reversal=True,
    reference="B-1",
    end_to_end="E-1",
    counterparty="Ann",
    counterparty_account="DE1",
    code="PMNT",
    text="invoice 7",
    parts=2,
)


def test_an_entry_holds_every_field_of_a_movement_as_text_but_for_its_place() -> None:
    entry = entry_of(FULL)

    assert entry.keys() == set(Transaction.__slots__) - {"where"}
    assert (entry["amount"], entry["booked"], entry["is_reversal"], entry["parts"]) == (
        "-100",
        "2026-03-02",
        "true",
        "2",
    )


def test_what_is_empty_is_left_out_of_an_entry() -> None:
    entry = entry_of(Transaction(where="line 3", amount=Decimal("0.50"), currency="EUR", booked=None))

    assert entry == {"amount": "0.50", "currency": "EUR", "status": "booked"}
