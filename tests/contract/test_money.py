from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest import PermanentError
from processors.currencies import DECIMALS
from processors.money import RuleBroken, minor_units, parse_amount

DIGITS = st.text("0123456789", min_size=1, max_size=18)
SIGNS = st.sampled_from(["", "+", "-"])
CURRENCIES = st.sampled_from(sorted(DECIMALS))


@st.composite
def amounts(draw: st.DrawFn) -> tuple[str, str]:
    """A currency and a text that the grammar allows for it."""
    currency = draw(CURRENCIES)
    fraction = draw(st.text("0123456789", max_size=DECIMALS[currency]))
    return currency, draw(SIGNS) + draw(DIGITS) + (f".{fraction}" if fraction else "")


@given(amounts())
def test_an_amount_of_the_grammar_keeps_its_value_to_the_last_digit(amount: tuple[str, str]) -> None:
    currency, text = amount

    with localcontext() as context:
        context.prec = 3  # whatever precision someone set, no amount is rounded
        parsed = parse_amount(text, decimals=DECIMALS[currency])
        minor = minor_units(parsed, currency)

    assert parsed == Decimal(text)
    assert parsed.as_tuple().exponent == -DECIMALS[currency]
    assert Decimal(minor).scaleb(-DECIMALS[currency]) == parsed


@given(st.text(max_size=30))
@example("1e9")
def test_whatever_else_is_written_is_refused(text: str) -> None:
    is_money = text.strip("+-0123456789.") == "" and text.isascii()

    if not is_money:
        with pytest.raises(RuleBroken, match="amount"):
            parse_amount(text, decimals=2)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1.000,50", "1,5", "1e9", "NaN", "Infinity", "-inf", "1_000", "0x10", "$1", "+-1", "1.2.3"),
        *(".5", "1.", " 1", "1 ", "1\n", "1\u00a0000", "1" * 19, "9" * 40),
        *("\u0661\u0662", "1\u0662", "\u22121", "\uff11"),  # digits and a minus that are not ASCII
    ],
)
def test_what_only_looks_like_an_amount_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken, match=r"^amount$"):
        parse_amount(text, decimals=2)


@pytest.mark.parametrize(
    ("text", "currency"), [("1.5", "JPY"), ("1.234", "EUR"), ("1.0000", "KWD"), ("1.00000", "CLF")]
)
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(RuleBroken, match=r"^decimals$"):
        parse_amount(text, decimals=DECIMALS[currency])


@pytest.mark.parametrize("text", ["0", "-0", "+0", "-0.00", "000.0"])
def test_zero_is_an_amount_and_has_no_sign(text: str) -> None:
    parsed = parse_amount(text, decimals=2)

    assert str(parsed) == "0.00"


@pytest.mark.parametrize("text", ["10", "+10", "10.0", "10.00", "0010.00"])
def test_an_amount_reads_the_same_however_it_is_written(text: str) -> None:
    assert format(parse_amount(text, decimals=2), "f") == "10.00"


@pytest.mark.parametrize(("amount", "currency"), [("0.5", "JPY"), ("0.001", "EUR"), ("1", "XAU"), ("1", "")])
def test_an_amount_that_has_no_whole_minor_units_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(PermanentError):
        minor_units(Decimal(amount), currency)


def test_every_currency_has_a_code_of_three_letters_and_decimals_that_are_known() -> None:
    assert len(DECIMALS) == 167 + 14, "list one, and what the euro replaced"
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in DECIMALS)
    assert [DECIMALS[code] for code in ("JPY", "EUR", "KWD", "CLF", "UYI", "UYW", "ISK")] == [
        0,
        2,
        3,
        4,
        0,
        4,
        0,
    ]
    assert not {"XXX", "XTS", "XAU", "XDR", "ITL"} & set(DECIMALS)
    assert DECIMALS["DEM"] == DECIMALS["HRK"] == 2
