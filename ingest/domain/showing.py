"""How names and other text we did not write appear in every output."""

from __future__ import annotations

import unicodedata

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def show(name: bytes | str) -> str:
    """One line that looks like `name` and can neither move a cursor nor forge a line.

    Bytes that are not UTF-8 appear as `\\xNN`, control and format characters
    (newlines, ANSI escapes, right-to-left overrides) as `\\xNN` or `\\uNNNN`,
    a backslash as `\\\\`, so that two different names never look the same.
    """
    text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char == "\\":
        return "\\\\"
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(char) not in _ESCAPED:
        return char
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
