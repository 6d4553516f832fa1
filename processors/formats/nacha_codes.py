"""The codes of NACHA files: what may be sent under which entry class, with which addenda."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

MIXED, CREDITS, DEBITS, ADVICES = "200", "220", "225", "280"
SERVICE_CLASSES = frozenset({MIXED, CREDITS, DEBITS, ADVICES})

_ACCOUNTS = "2345"  # checking, savings, general ledger, loan
RETURN_CODES = frozenset(account + kind for account in _ACCOUNTS for kind in "16")  # of notices, too
LIVE_CODES = frozenset(account + kind for account in _ACCOUNTS for kind in "27") - {"57"} | {"55"}
PRENOTE_CODES = frozenset(account + kind for account in _ACCOUNTS for kind in "38") - {"58"}
REMITTANCE_CODES = frozenset(account + kind for account in _ACCOUNTS for kind in "49") - {"59"}
# Loans are only credited; what reverses such a credit is a 55.
ENTRY_CODES = RETURN_CODES | LIVE_CODES | PRENOTE_CODES | REMITTANCE_CODES
CREDIT_CODES = frozenset(code for code in ENTRY_CODES if code[1] in "1234")
ADVICE_CREDITS = frozenset({"81", "83", "85", "87"})
ADVICE_CODES = ADVICE_CREDITS | {"82", "84", "86", "88"}

_RETURNS = (range(1, 54), range(80, 86))
RETURN_REASONS = frozenset(f"R{number:02}" for numbers in _RETURNS for number in numbers)
DISHONORED_REASONS = frozenset(f"R{number}" for number in range(61, 71))
CONTESTED_REASONS = frozenset(f"R{number}" for number in range(71, 78))
CHANGE_REASONS = frozenset(f"C{number:02}" for numbers in (range(1, 15), range(61, 70)) for number in numbers)

TRANSACTION_TYPES = frozenset(  # of a payment abroad
    {"ANN", "BUS", "DEP", "LOA", "MIS", "MOR", "PEN", "REM", "RLS", "SAL", "TAX"}
    | {"ARC", "BOC", "MTE", "POP", "POS", "RCK", "SHR", "TEL", "WEB"}
)
EXCHANGE_INDICATORS = frozenset({"FV", "VF", "FF"})
ID_QUALIFIERS = frozenset({"01", "02", "03"})


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryClass:
    """What holds for the entries that are sent forward under one Standard Entry Class Code."""

    addenda: str = ""  # the type that may follow an entry; "": none may
    most: int = 0  # addenda of an entry
    must_have: bool = False  # at least one
    direction: str = ""  # "credit" | "debit"; "": either


_ONE = EntryClass(addenda="05", most=1)
_CARD = EntryClass(addenda="02", most=1, must_have=True)
_CHECK = EntryClass(direction="debit")
_MANY = 9_999

ENTRY_CLASSES = MappingProxyType(
    {
        "ACK": EntryClass(addenda="05", most=1, direction="credit"),
        "ADV": EntryClass(),
        "ARC": _CHECK,
        "ATX": EntryClass(addenda="05", most=_MANY, direction="credit"),
        "BOC": _CHECK,
        "CCD": _ONE,
        "CIE": EntryClass(addenda="05", most=1, direction="credit"),
        "COR": EntryClass(),
        "CTX": EntryClass(addenda="05", most=_MANY),
        "DNE": EntryClass(addenda="05", most=1, must_have=True, direction="credit"),
        "ENR": EntryClass(addenda="05", most=_MANY, must_have=True),
        "IAT": EntryClass(),
        "MTE": _CARD,
        "POP": _CHECK,
        "POS": _CARD,
        "PPD": _ONE,
        "RCK": _CHECK,
        "SHR": _CARD,
        "TEL": _CHECK,
        "TRC": _CHECK,
        "TRX": EntryClass(addenda="05", most=_MANY, direction="debit"),
        "WEB": _ONE,
        "XCK": _CHECK,
    }
)
DESCRIPTIONS = MappingProxyType({"ENR": "AUTOENROLL", "RCK": "REDEPCHECK"})  # that their batches must have
REVERSAL = "REVERSAL"  # the description of a batch that takes back an earlier one
COUNTED_CLASSES = frozenset({"ATX", "CTX", "TRX"})  # their entries say how many addenda follow


def check_digit(routing: str) -> int:
    """The ninth digit of a routing number, from its first eight."""
    weights = (3, 7, 1, 3, 7, 1, 3, 7)
    total = sum(weight * int(digit) for weight, digit in zip(weights, routing, strict=False))
    return -total % 10
