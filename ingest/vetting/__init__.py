"""Vetting: the one layer through which a processor gets at what a content says.

Whoever reads a partner's bytes reads them here first: text in its declared
encoding, XML without a DOCTYPE, JSON that means one thing, members of
containers within their bounds. What breaks a rule is `Refused`, with its place
and its rule. Names are loaded on first use: lxml is an extra (`ingest[formats]`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingest.vetting.caps import Caps
    from ingest.vetting.json import json_document, json_lines
    from ingest.vetting.json_parts import json_elements, json_values
    from ingest.vetting.members import (
        Member,
        container_of,
        matching,
        media_type_of,
        members_of,
        open_member,
        pieces_of,
    )
    from ingest.vetting.patterns import text_pattern
    from ingest.vetting.refused import Refused
    from ingest.vetting.sniff import CONTAINERS, TEXTS, check_kind, is_text, suggested_encoding, what_it_is
    from ingest.vetting.text import Text, ended_lines, head_of, whole_text
    from ingest.vetting.xml import Piece, all_of, local_name, one_of, text_of, xml_pieces, xml_root

__all__ = [
    "CONTAINERS",
    "TEXTS",
    "Caps",
    "Member",
    "Piece",
    "Refused",
    "Text",
    "all_of",
    "check_kind",
    "container_of",
    "ended_lines",
    "head_of",
    "is_text",
    "json_document",
    "json_elements",
    "json_lines",
    "json_values",
    "local_name",
    "matching",
    "media_type_of",
    "members_of",
    "one_of",
    "open_member",
    "pieces_of",
    "suggested_encoding",
    "text_of",
    "text_pattern",
    "what_it_is",
    "whole_text",
    "xml_pieces",
    "xml_root",
]

_HOMES = {
    "CONTAINERS": "sniff",
    "Caps": "caps",
    "Member": "members",
    "Piece": "xml",
    "Refused": "refused",
    "TEXTS": "sniff",
    "Text": "text",
    "all_of": "xml",
    "check_kind": "sniff",
    "container_of": "members",
    "ended_lines": "text",
    "head_of": "text",
    "is_text": "sniff",
    "json_document": "json",
    "json_elements": "json_parts",
    "json_lines": "json",
    "json_values": "json_parts",
    "local_name": "xml",
    "matching": "members",
    "media_type_of": "members",
    "members_of": "members",
    "one_of": "xml",
    "open_member": "members",
    "pieces_of": "members",
    "suggested_encoding": "sniff",
    "text_of": "xml",
    "text_pattern": "patterns",
    "what_it_is": "sniff",
    "whole_text": "text",
    "xml_pieces": "xml",
    "xml_root": "xml",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
