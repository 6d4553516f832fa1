"""What field 86 tells about a movement: counted subfields, words between slashes, or plain text.

German and Austrian banks number subfields (`?20`), Polish ones do with other
marks (`~20`, `<20`), Dutch ones write words between slashes (`/REMI/`); inside
of either, SEPA payments have words of their own (`EREF+`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TEXT = 2_000  # characters that are kept of a text
MAX_NAME = 200
_PLACEHOLDERS = frozenset({"NONREF", "NOTPROVIDED", "NOREF", "EREF", "KREF+", "MARF", "PREF", "STARTUMS"})

_COUNTED = re.compile(r"([0-9]{3})?\s*([?~<^|])(?=[0-9]{2})")
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|PURP|IBAN|BIC)\+")
_SLASHED = re.compile(
    r"/(TRTP|TRCD|EREF|PREF|RTRN|MARF|CSID|CNTP|IBAN|BIC|NAME|ADDR|BENM|ORDP|ID|REMI|ISDT|PURP|ULTC|ULTD|SVCL"
    r"|CREF|SUM|OCMT|CHGS|EXCH|SUBID|PROC|CINF|BEPE|INFO)/"
)
_TEXT_FIELDS = (*range(20, 30), *range(60, 64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What was found."""

    code: str = ""  # of the kind of movement, three digits
    text: str = ""
    end_to_end: str = ""
    counterparty: str = ""
    counterparty_account: str = ""


def details(lines: list[str]) -> Details:
    """What the lines of field 86 say."""
    if not lines:
        return Details()
    match = _COUNTED.match(lines[0])
    if match is not None:
        return _counted("".join(lines), match[1] or "", match[2])
    if lines[0].startswith("/") and _SLASHED.search(lines[0]):
        return _slashed("".join(lines))
    return Details(text=bounded(" ".join(line.strip() for line in lines)))


def given(reference: str) -> str:
    """A reference, unless it only says that there is none."""
    text = reference.strip()
    return "" if text in _PLACEHOLDERS else text[:MAX_NAME]


def bounded(text: str) -> str:
    """Text as it is kept: one space between words, none around them."""
    return " ".join(text.split())[:MAX_TEXT]


def _counted(text: str, code: str, mark: str) -> Details:
    fields: dict[int, str] = {}
    for part in re.split(re.escape(mark) + "(?=[0-9]{2})", text)[1:]:
        number = int(part[:2])
        fields[number] = fields.get(number, "") + part[2:]
    said = "".join(fields.get(number, "") for number in _TEXT_FIELDS)
    words = _words(_SEPA, said)
    return Details(
        code=code,
        text=bounded(words.get("SVWZ", said) or fields.get(0, "")),
        end_to_end=given(words.get("EREF", "")),
        counterparty=bounded(fields.get(32, "") + fields.get(33, ""))[:MAX_NAME],
        counterparty_account=(fields.get(38, "") or fields.get(31, "")).strip()[:MAX_NAME],
    )


def _slashed(text: str) -> Details:
    words = _words(_SLASHED, text)
    account, _, rest = words.get("CNTP", "").partition("/")
    name = rest.partition("/")[2].partition("/")[0]
    remittance = re.sub(r"^(USTD|STRD)//?|^(USTD|STRD)$", "", words.get("REMI", ""))
    return Details(
        text=bounded(remittance.strip("/") or text),
        end_to_end=given(words.get("EREF", "").strip("/")),
        counterparty=bounded(words.get("NAME", "").strip("/") or name)[:MAX_NAME],
        counterparty_account=(words.get("IBAN", "").strip("/") or account).strip()[:MAX_NAME],
    )


def _words(marks: re.Pattern[str], text: str) -> dict[str, str]:
    """The text after each mark, up to the next; the first of equal marks counts."""
    found: dict[str, str] = {}
    hits = list(marks.finditer(text))
    for hit, following in zip(hits, [*hits, None][1:], strict=True):
        end = len(text) if following is None else following.start()
        found.setdefault(hit[1], text[hit.end() : end])
    return found
