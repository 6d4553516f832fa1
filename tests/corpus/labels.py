"""Files whose labels cannot be followed, each with the reason; any other one that is off is ours."""

from __future__ import annotations

_VALUES = "sound CSV; the contract of its columns judges the values"
_DIALECT = "sound CSV by RFC 4180; broken in a dialect of several characters only"
_UNREADABLE = "a sound zip file, of a member that nobody can read without more"
_OF_A_SCHEMA = "sound JSON; it breaks the schema of one reader"

DISPUTED = {
    "sepa_mt9401.sta": "its sum adds reversed credits; with them taken off, all 26 statements add up",
    "raphaelm.sta": "another reader's closing; field 62F says 95000,00, to which opening and entry come",
    "fidelity-savings.ofx": "refused on purpose: an amount that its currency cannot pay would be rounded",
    "bad_key.ndjson": _OF_A_SCHEMA,
    "empty_object.ndjson": _OF_A_SCHEMA,
    "bogus-compression-method.zip": _UNREADABLE,
    "traditional-encryption.zip": _UNREADABLE,
    "traditional-encryption-and-compression.zip": _UNREADABLE,
    "csv_garbled_amount.csv": _VALUES,
    "0.csv": _VALUES,
    "1.csv": _VALUES,
    "bad_date_2.csv": _VALUES,
    "big_bad.csv": _VALUES,
    "unterminated_escape_complex.csv": _DIALECT,
    "unterminated_quote_escape_complex.csv": _DIALECT,
    "unterminated_quote_with_escape.csv": _DIALECT,
    "unterminated_quote_with_escape_complex.csv": _DIALECT,
}
