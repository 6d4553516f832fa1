"""Many texts of one element in one go: what would be a search for each is one expression, compiled once.

Banks send elements by the hundred thousand; looked for one by one, their texts
take longer than parsing the file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from lxml import etree

_NAMESPACES = 64  # for which expressions are kept; files of one source have one
_Made = TypeVar("_Made", bound=NamedTuple)


class Fields(Generic[_Made]):
    """The texts at some ways below an element, in its own namespace: `Refs/EndToEndId`, `Amt/@Ccy`.

    A way that begins with `#` gives the number of elements there. A run of white space is one space.
    """

    def __init__(self, made: type[_Made], **ways: str) -> None:
        """`made` is the class of the result; there is a way for each of its fields, in its order."""
        if made._fields != tuple(ways):
            msg = f"ways {', '.join(ways)} for fields {', '.join(made._fields)}"
            raise TypeError(msg)
        self._made = made
        self._ways = tuple(ways.values())

    def of(self, element: etree._Element) -> _Made:
        """A text for each way, without spaces around it: of more the first, "" where there is none."""
        found: Any = _compiled(self._ways, str(element.tag).rpartition("}")[0][1:])(element)
        return self._made._make(found.split("\n"))


@lru_cache(maxsize=_NAMESPACES)
def _compiled(ways: tuple[str, ...], namespace: str) -> etree.XPath:
    from lxml import etree  # noqa: PLC0415  # an extra

    prefix = "n:" if namespace else ""
    # Made normal, no text holds a line break any more, so one can stand between them.
    parts = ",'\n',".join(_expression(way, prefix) for way in ways)
    known = {"n": namespace} if namespace else None
    return etree.XPath(f"concat({parts},'')", namespaces=known, smart_strings=False)


def _expression(way: str, prefix: str) -> str:
    steps = (step if step[0] in "@*" else prefix + step for step in way.removeprefix("#").split("/"))
    path = "/".join(steps)
    return f"count({path})" if way.startswith("#") else f"normalize-space({path})"
