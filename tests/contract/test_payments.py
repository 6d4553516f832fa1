import csv
import io
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import PermanentError
from ingest.domain.showing import show
from ingest.testing import Emitted, HandedOver, Refusal, hand_over
from processors.currencies import DECIMALS
from processors.facts import PaymentSettled
from processors.payments import COLUMNS, PAYMENTS, payments

GOOD = {
    "payment_id": "P-1",
    "account": "MERCHANT-17",
    "amount": "12.5",
    "currency": "EUR",
    "value_date": "2026-03-02",
    "counterparty": "Nordwind",
    "reference": "INV 1",
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


def file_of(*rows: dict[str, str]) -> str:
    """A CSV file with one column for every key of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def handled(*rows: dict[str, str], **options: Any) -> HandedOver:
    return hand_over(payments, file_of(*rows), options=options)


def refusal(line: int, column: str | None, rule: str, raw: str) -> Refusal:
    """As it is kept: bounded, and nothing in it moves a cursor."""
    return Refusal(processor="payments", line=line, column=column, rule=rule, raw=show(raw[:200]))


def test_a_payment_becomes_a_row_and_a_fact_keyed_by_its_account_and_named_by_its_id() -> None:
    [row] = handled(GOOD).rows

    assert row.table == "payments"
    assert row.values == {**GOOD, "amount": "12.50", "extra": "{}"}
    settled = PaymentSettled(
        payment_id="P-1",
        account="MERCHANT-17",
        amount=Decimal("12.50"),
        currency="EUR",
        value_date=date(2026, 3, 2),
        counterparty="Nordwind",
        reference="INV 1",
    )
    assert row.emitted == Emitted(fact=settled, key="MERCHANT-17", name="P-1")


def test_the_table_is_the_one_that_users_may_query() -> None:
    assert [column.name for column in PAYMENTS.columns] == [*COLUMNS, "extra"]
    assert PAYMENTS.unique == ("payment_id",)


@given(st.permutations(COLUMNS))
def test_the_columns_may_stand_in_any_order(order: list[str]) -> None:
    turned = handled({name: GOOD[name] for name in order})

    assert turned.rows == handled(GOOD).rows


def test_unknown_columns_are_kept_in_extra_in_one_form_whatever_their_order() -> None:
    one = handled({**GOOD, "channel": "card", "bátch": '7 "a"'})
    other = handled({"bátch": '7 "a"', **GOOD, "channel": "card"})

    assert json.loads(one.rows[0].values["extra"]) == {"channel": "card", "bátch": '7 "a"'}
    assert one.rows == other.rows


def test_an_unknown_column_may_have_the_name_of_anything() -> None:
    hostile = 'x"); drop table payments; --'

    [row] = handled({**GOOD, hostile: "1", "event_id": "2", "extra": "3"}).rows

    assert json.loads(row.values["extra"]) == {hostile: "1", "event_id": "2", "extra": "3"}


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_missing_column_is_named(missing: str) -> None:
    with pytest.raises(PermanentError, match=f"^line 1: the header lacks {missing}$"):
        handled({name: text for name, text in GOOD.items() if name != missing})


def test_a_file_with_a_header_only_is_good_and_books_nothing() -> None:
    handed = hand_over(payments, ",".join(COLUMNS) + "\n")

    assert (handed.rows, handed.refusals) == ((), ())


@pytest.mark.parametrize(
    ("column", "text", "rule"),
    [
        ("payment_id", "", "required"),
        ("payment_id", "P" * 201, "length"),
        ("payment_id", " P-1", "spaces"),
        ("payment_id", "P-1\u202e", "characters"),
        ("account", "", "required"),
        ("account", "A\nB", "characters"),
        ("account", "A\t", "spaces"),
        ("amount", "", "required"),
        ("amount", "1.000,50", "amount"),
        ("amount", "1.005", "decimals"),
        ("currency", "", "required"),
        ("currency", "eur", "currency"),
        ("currency", "XXX", "currency"),
        ("currency", "EURO", "currency"),
        ("value_date", "", "required"),
        ("value_date", "02.03.2026", "date"),
        ("value_date", "20260302", "date"),
        ("value_date", "2026-W10-1", "date"),
        ("value_date", "2026-02-29", "date"),
        ("value_date", "0000-01-01", "date"),
        ("value_date", "2026-03-02T00:00", "date"),
        ("value_date", "٢٠٢٦-٠٣-٠٢", "date"),
    ],
)
def test_a_cell_that_breaks_a_rule_rejects_its_row_and_no_other(column: str, text: str, rule: str) -> None:
    handed = handled(GOOD, {**GOOD, "payment_id": "P-2", column: text}, {**GOOD, "payment_id": "P-3"})

    assert handed.refusals == (refusal(3, column, rule, text),)
    assert [row.values["payment_id"] for row in handed.rows] == ["P-1", "P-3"]


def test_a_row_is_rejected_once_however_much_is_wrong_with_it() -> None:
    assert len(handled(dict.fromkeys(GOOD, "")).refusals) == 1


def test_a_row_with_too_few_or_too_many_cells_is_rejected_whole() -> None:
    text = file_of(GOOD) + "short,row\n" + ",".join(map(str, range(8))) + "\n"

    assert hand_over(payments, text).refusals == (
        refusal(3, None, "columns", "short,row\n"),
        refusal(4, None, "columns", "0,1,2,3,4,5,6,7\n"),
    )


def test_what_is_kept_of_a_refused_cell_is_bounded() -> None:
    [refused] = handled({**GOOD, "amount": "9" * 100_000}).refusals

    assert refused.raw == "9" * 200


def test_counterparty_and_reference_may_be_empty_or_any_text() -> None:
    texts = {"counterparty": "", "reference": "line one\r\nline two, 'quoted' \"twice\" =1+1"}

    [row] = handled({**GOOD, **texts}).rows

    assert {name: row.values[name] for name in texts} == texts


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "utf-16", "cp1252"])
def test_the_declared_encoding_is_the_one_that_is_read(encoding: str) -> None:
    handed = hand_over(payments, file_of({**GOOD, "counterparty": "Café Söhne"}), encoding=encoding)

    assert handed.rows[0].values["counterparty"] == "Café Söhne"


def test_an_encoding_declared_wrong_is_refused_at_its_first_wrong_byte() -> None:
    content = file_of({**GOOD, "counterparty": "Café"}).encode("iso-8859-1")

    with pytest.raises(PermanentError, match=f"^byte {content.index(0xE9)}: not utf-8"):
        hand_over(payments, content)


def test_a_last_row_without_a_line_break_is_good_unless_the_partner_always_writes_one() -> None:
    text = file_of(GOOD).rstrip()

    assert len(hand_over(payments, text).rows) == 1
    with pytest.raises(PermanentError, match=r"^line 2: truncated"):
        hand_over(payments, text, options={"require_final_newline": True})
    assert len(handled(GOOD, require_final_newline=True).rows) == 1


def test_no_error_repeats_what_the_file_says() -> None:
    secret = "4111111111111111"
    broken = [
        f"{secret}\n",
        f'{",".join(COLUMNS)}\n"{secret}',
        f"{','.join(COLUMNS)}\n{secret}",
        f'{",".join(COLUMNS)}\n"{secret}"x\n',
        f"{secret},{secret}\n",
    ]

    for text in broken:
        with pytest.raises(PermanentError) as refused:
            hand_over(payments, text)
        assert secret not in refused.value.message + refused.value.hint


@st.composite
def facts(draw: st.DrawFn) -> PaymentSettled:
    currency = draw(st.sampled_from(sorted(DECIMALS)))
    minor = draw(st.integers(-(10**17), 10**17))
    return PaymentSettled(
        payment_id=draw(NAMES),
        account=draw(NAMES),
        amount=Decimal(f"{minor}E-{DECIMALS[currency]}"),
        currency=currency,
        value_date=draw(st.dates()),
        counterparty=draw(TEXTS),
        reference=draw(TEXTS),
    )


@given(st.lists(facts(), min_size=1, max_size=5))
def test_whatever_payments_a_partner_writes_are_the_payments_that_are_read(
    sent: list[PaymentSettled],
) -> None:
    rows = [{name: str(getattr(fact, name)) for name in COLUMNS} for fact in sent]
    for row, fact in zip(rows, sent, strict=True):
        row["amount"] = format(fact.amount, "f")

    handed = handled(*rows)

    assert handed.refusals == ()
    assert [row.emitted and row.emitted.fact for row in handed.rows] == sent
