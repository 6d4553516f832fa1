"""How names and other text we did not write appear in every output."""

from __future__ import annotations

import unicodedata

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_STRAY = range(0xDC80, 0xDD00)  # what `surrogateescape` makes of bytes that are no UTF-8
_ASCII = range(0x80)
_SHORT = range(0x10000)


def show(name: bytes | str) -> str:
    r"""One line that looks like `name` and can neither move a cursor nor forge a line.

    Bytes that are not UTF-8 and ASCII control characters (newlines, ANSI
    escapes) appear as `\xNN`, other control and format characters (right-to-left
    overrides) as `\uNNNN`, a backslash as `\\`, so that two different names
    never look the same.
    """
    text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if char == "\\":
        return "\\\\"
    code = ord(char)
    if code in _STRAY:
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(char) not in _ESCAPED:
        return char
    if code in _ASCII:  # above, \xNN is a stray byte
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code in _SHORT else f"\\U{code:08x}"
