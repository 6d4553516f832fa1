"""A content that is not even text is refused as what it is, not by the first rule of a format."""

from __future__ import annotations

import gzip

import pytest

from ingest.contract import Processor
from ingest.testing import hand_over
from ingest.vetting import Refused
from processors.ach import ach
from processors.invoices import invoices
from processors.payment_orders import payment_orders
from processors.statements import statements
from tests.vetting.archives import Zipped, zip_of

READERS = pytest.mark.parametrize("reader", [ach, invoices, payment_orders, statements])


@READERS
def test_a_container_is_named_and_so_is_who_takes_it_apart(reader: Processor) -> None:
    in_gzip, in_zip = gzip.compress(b"<Document/>"), zip_of(Zipped(name=b"day.xml", data=b"<Document/>"))

    with pytest.raises(Refused, match="the content is gzip, not text") as by_gzip:
        hand_over(reader, in_gzip, name="day.xml.gz")
    with pytest.raises(Refused, match="the content is zip, not text") as by_zip:
        hand_over(reader, in_zip, name="day.xml")

    assert "let `unpack` take it apart" in by_gzip.value.hint
    assert by_zip.value.hint == by_gzip.value.hint


@READERS
def test_a_printed_document_is_named_whatever_it_is_called(reader: Processor) -> None:
    with pytest.raises(Refused, match="the content is pdf, not text"):
        hand_over(reader, b"%PDF-1.7\n", name="day.xml")


def test_a_container_is_no_reason_to_declare_a_format() -> None:
    with pytest.raises(Refused, match="the content is gzip, not text"):
        hand_over(statements, gzip.compress(b":20:A\r\n"), name="day.sta", options={"format": "mt940"})
