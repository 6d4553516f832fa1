"""Workbooks, written by hand: the smallest that is one."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_SECTOR = 512  # bytes
_TABLE, _END, _NONE = 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF
_RELATIONS = "application/vnd.openxmlformats-package.relationships+xml"


def xlsx(cells: Mapping[str, str | float | bool], *, dates: tuple[str, ...] = ()) -> bytes:
    """A workbook of one sheet with these cells by their places, as in `{"A1": "text", "B1": 2.5}`."""
    rows: dict[int, str] = {}
    for place, value in cells.items():
        number = int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        rows[number] = rows.get(number, "") + _cell(place, value, style=' s="1"' * (place in dates))
    body = "".join(f'<row r="{number}">{rows[number]}</row>' for number in sorted(rows))
    return zipped(
        {
            "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="{_RELATIONS}"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_SHEET}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_SHEET}.worksheet+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_SHEET}.styles+xml"/></Types>',
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations(
                ("worksheet", "worksheets/sheet1.xml"), ("styles", "styles.xml")
            ),
            "xl/styles.xml": f'{_HEAD}<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/>'
            '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
            "xl/worksheets/sheet1.xml": f'{_HEAD}<worksheet xmlns="{_MAIN}">'
            f"<sheetData>{body}</sheetData></worksheet>",
        }
    )


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of these parts."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, part in parts.items():
            into.writestr(zipfile.ZipInfo(name), part, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def records(*each: tuple[int, bytes]) -> bytes:
    """Records of a workbook before 2007: their numbers and what they hold."""
    return b"".join(struct.pack("<HH", number, len(data)) + data for number, data in each)


def compound(name: str, data: bytes) -> bytes:
    """A compound file with one stream, in which no part of it shares a sector (MS-CFB)."""
    data = data.ljust(4_096, b"\0")  # what is shorter would stand elsewhere
    sectors = -(-len(data) // _SECTOR)
    head = struct.pack(
        "<8s16x5H6x10I",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6),  # versions, byte order, sizes of sectors as powers of two
        *(0, 1, 1, 0, 4_096, _END, 0, _END, 0, 0),  # one sector of the table, the first; the directory next
    )
    chain = [_TABLE, _END, *range(3, sectors + 2), _END]
    directory = _entry("Root Entry", 5, child=1, start=_END, size=0)
    directory += _entry(name, 2, child=_NONE, start=2, size=len(data))
    return b"".join(
        (
            head.ljust(_SECTOR, b"\xff"),
            struct.pack(f"<{len(chain)}I", *chain).ljust(_SECTOR, b"\xff"),
            directory.ljust(_SECTOR, b"\0"),
            data.ljust(sectors * _SECTOR, b"\0"),
        )
    )


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    written = name.encode("utf-16-le")
    nobody = (_NONE, _NONE)  # beside it
    return struct.pack("<64sHBB3I36xIQ", written, len(written) + 2, kind, 1, *nobody, child, start, size)


def _relations(*targets: tuple[str, str]) -> str:
    each = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _cell(place: str, value: str | float | bool, *, style: str) -> str:
    if isinstance(value, str):
        text = value.replace("&", "&amp;").replace("<", "&lt;")
        return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
    return f'<c r="{place}"{style}><v>{value!r}</v></c>'
