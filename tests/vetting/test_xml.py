"""XML is read piece by piece; nothing from outside it, and nothing that expands."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.vetting import Refused, all_of, one_of, text_of, xml_pieces, xml_root

STATEMENT = """<?xml version="1.0"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02">
  <Stmt Id="s1"><Acct><Id>A</Id></Acct>
    <Ntry><Amt Ccy="EUR"> 1.00 </Amt><Ref/></Ntry>
    <Ntry><Amt Ccy="EUR">2.00</Amt><Ref>r</Ref></Ntry>
  </Stmt>
  <Stmt/>
</Document>
"""
DOCTYPES = (
    b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
    b'<!DOCTYPE a PUBLIC "-//X" "http://192.0.2.1/x.dtd"><a/>',
    b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://192.0.2.1/x">%b;]><a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
)


def pieces(data: bytes) -> list[tuple[str, str, str]]:
    found = xml_pieces(io.BytesIO(data), whole=["Ntry", "Acct"], around=["Stmt"])
    return [(p.kind, p.name, text_of(p.element, "Ref", "Amt", "Id")) for p in found]


def test_the_root_is_known_from_the_prolog_alone() -> None:
    file = io.BytesIO(STATEMENT[:200].encode())

    assert xml_root(file) == ("urn:iso:std:iso:20022:tech:xsd:camt.053.001.02", "Document")
    assert file.tell() == 0
    assert xml_root(io.BytesIO(b"<a/>")) == ("", "a")


def test_pieces_come_in_the_order_of_the_document_by_their_local_names() -> None:
    assert pieces(STATEMENT.encode()) == [
        ("open", "Stmt", ""),
        ("whole", "Acct", "A"),
        ("whole", "Ntry", "1.00"),
        ("whole", "Ntry", "r"),
        ("close", "Stmt", ""),
        ("open", "Stmt", ""),
        ("close", "Stmt", ""),
    ]


def test_a_piece_has_its_line_its_attributes_and_its_parts() -> None:
    statement = next(xml_pieces(io.BytesIO(STATEMENT.encode()), whole=["Stmt"]))

    assert statement.where == "line 3"
    amount = one_of(statement.element, "Ntry/Amt")
    assert amount is not None
    assert amount.get("Ccy") == "EUR"
    assert len(all_of(statement.element, "Ntry")) == 2
    assert one_of(statement.element, "Nowhere") is None


@pytest.mark.parametrize("data", DOCTYPES)
def test_a_doctype_is_refused_before_anything_expands(data: bytes) -> None:
    for read in (xml_root, lambda file: list(xml_pieces(file, whole=["a"]))):
        with pytest.raises(Refused) as refused:
            read(io.BytesIO(data))
        assert refused.value.rule == "xml_doctype"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no markup",
        b" <?xml version='1.0'?><a/>",
        b"<a>",
        b"<a></b>",
        b"<a>&b;</a>",
        b"<a/><a/>",
        b'<?xml version="1.0" encoding="nowhere"?><a/>',
        '<?xml version="1.0" encoding="utf-8"?><a>é</a>'.encode("latin-1"),
        b"<a>" * 1000 + b"</a>" * 1000,
        STATEMENT.encode()[:-30],
    ],
)
def test_what_is_not_xml_is_refused_with_its_place(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        list(xml_pieces(io.BytesIO(data), whole=["a"], around=["Stmt"]))

    assert refused.value.rule == "xml"
    assert refused.value.where.startswith("line ")


def test_a_prolog_or_a_gap_without_end_is_refused() -> None:
    with pytest.raises(Refused, match="no element in the first"):
        xml_root(io.BytesIO(b"<!-- " + b"x" * 2_000_000))
    gap = b"<a>" + b"<c>some text</c>" * 1_200_000
    with pytest.raises(Refused, match="without a piece that is known"):
        list(xml_pieces(io.BytesIO(gap), whole=["b"]))


MEASURED = """
import sys
from ingest.vetting import xml_pieces
from lxml import etree

def peak():  # unlike `ru_maxrss`, not that of the process that started this one
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

before = peak()
count = sum(piece.kind == "whole" for piece in xml_pieces(open(sys.argv[1], "rb"), whole=["n"], around=["s"]))
print(count, peak() - before)
"""


def test_a_large_document_is_read_in_flat_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.xml"
    path.write_bytes(b"<s>" + b"<other>text</other><n><t>some text</t></n>" * 400_000 + b"</s>")

    ran = subprocess.run([sys.executable, "-c", MEASURED, str(path)], capture_output=True, check=True)

    count, grown = map(int, ran.stdout.split())
    assert count == 400_000
    assert grown < 16_000, "kB for 17 MB"
