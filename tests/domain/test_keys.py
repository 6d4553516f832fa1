"""A key is measured as it is kept, in bytes, and refused before anything is written."""

import pytest

from ingest.contract import Table, table
from ingest.domain.keys import LONGEST_KEY, fits, partition_key
from ingest.errors import PermanentError, UsageError

TWO = table("two", unique=("a", "c"), a=str, b=str, c=str | None)
TOO_LONG = r"the unique key of a row of table 'two' has 250[12] bytes"


@pytest.mark.parametrize("text", ["k" * LONGEST_KEY, "ü" * (LONGEST_KEY // 2), "\n" * (LONGEST_KEY // 3)])
def test_a_partition_key_takes_so_many_bytes_escaped(text: str) -> None:
    assert len(partition_key(text).encode()) <= LONGEST_KEY

    with pytest.raises(PermanentError, match=r"has 250[1-3] bytes, more than 2500"):
        partition_key(text + text[-1])


@pytest.mark.parametrize("path", [b"p" * 2494, b"\xff" * 831, "ü".encode() * 1247])
def test_a_path_fits_when_its_key_does(path: bytes) -> None:
    assert fits("acme!", path)
    assert not fits("acme!", path + path[-3:] + b"/")


def row(table: Table, a: str, c: str | None, b: str = "b") -> list[tuple[str | None, ...]]:
    """The row, as each of the ways of handing it over keeps it."""
    whole = table.snapshot((a, b, c))
    return [table.bind({"a": a, "b": b, "c": c}), *table.bind_snapshots([whole])]


def test_a_unique_key_takes_so_many_bytes_in_all_its_columns_together() -> None:
    assert row(TWO, "x" * 1500, "y" * 1000) == [("x" * 1500, "b", "y" * 1000)] * 2
    assert row(TWO, "ü" * 1250, None) == [("ü" * 1250, "b", None)] * 2
    assert row(TWO, "x", "y", b="b" * 100_000) == [("x", "b" * 100_000, "y")] * 2

    for a, c in (("x" * 1501, "y" * 1000), ("ü" * 1250, "y"), ("x" * 2501, None)):
        with pytest.raises(PermanentError, match=TOO_LONG):
            TWO.bind({"a": a, "b": "", "c": c})
        with pytest.raises(PermanentError, match=TOO_LONG):
            list(TWO.bind_snapshots([TWO.snapshot((a, "", c))]))


def test_the_rows_before_one_that_is_too_long_are_bound() -> None:
    rows = TWO.bind_snapshots([("short", "b", None), ("x" * 2501, "b", None)])

    assert next(rows) == ("short", "b", None)
    with pytest.raises(PermanentError, match="has 2501 bytes"):
        next(rows)


def test_a_table_without_a_key_takes_any_text() -> None:
    plain = table("plain", a=str)

    assert plain.bind({"a": "x" * 10_000}) == ("x" * 10_000,)


def test_a_table_whose_indexes_no_server_can_make_is_refused_as_it_is_declared() -> None:
    columns = {f"c{number}": str for number in range(17)}

    with pytest.raises(UsageError, match="the unique key of table 'wide' has more than 16 columns"):
        table("wide", unique=tuple(columns), **columns)
    with pytest.raises(UsageError, match="is longer than 50 characters"):
        table("t" * 51, a=str)
