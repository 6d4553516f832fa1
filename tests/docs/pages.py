"""The documentation as data: pages, their sections, tables, code blocks and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), ROOT / "sample_data/README.md"]
)

_FENCE = re.compile(r"(?ms)^```(?P<language>\w*)\n(?P<text>.*?)^```$")
_INDENTED = re.compile(r"(?m)(?:^ {4}.*\n)+")
_INLINE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"(?m)^(#+) (.+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced code block, and the text of the page it stands in."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{shown(self.page)}:{self.line}"


def shown(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(language: str) -> list[Block]:
    """The fenced blocks of this language on all pages."""
    return [
        block for page in PAGES for block in blocks_of(page, page.read_text()) if block.language == language
    ]


def blocks_of(page: Path, text: str) -> list[Block]:
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            text=found["text"],
        )
        for found in _FENCE.finditer(text)
    ]


def indented(text: str) -> list[str]:
    """The indented code blocks of a text, without their indent."""
    return [re.sub(r"(?m)^ {4}", "", found.group()) for found in _INDENTED.finditer(_FENCE.sub("", text))]


def inline(text: str) -> list[str]:
    """What stands in code spans."""
    return [found[2].strip() for found in _INLINE.finditer(_FENCE.sub("", text))]


def sections(page: Path) -> dict[str, str]:
    """The text below each heading, up to the next one of any depth, by the words of the heading."""
    text = page.read_text()
    bare = _FENCE.sub(lambda found: re.sub("(?m)^#", "\0", found.group()), text)  # a comment is no heading
    found = list(_HEADING.finditer(bare))
    ends = [*(each.start() for each in found[1:]), len(text)]
    return {each[2]: text[each.end() : end] for each, end in zip(found, ends, strict=True)}


def rows(text: str) -> Iterator[list[str]]:
    """The rows of every table in a text, cell by cell, headers left out."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        is_rule = set(line) <= set("|- ")
        is_header = at + 1 < len(lines) and "-" in lines[at + 1] and set(lines[at + 1]) <= set("|- ")
        if line.startswith("|") and not is_rule and not is_header:
            cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
            yield [cell.strip().replace(r"\|", "|") for cell in cells]


def links(page: Path) -> list[str]:
    """The targets of all links on a page that lead to other files or headings here."""
    found = _LINK.findall(_FENCE.sub("", page.read_text()))
    return [target for target in found if not target.startswith(("http://", "https://", "mailto:"))]


def anchors(page: Path) -> set[str]:
    """What can stand behind the # of a link to this page: its headings, as they are usually slugged."""
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in sections(page)
    }
