"""docs/howto/write-a-processor.md names all that a processor and its tests may use, and nothing else."""

from __future__ import annotations

import re

import ingest
from ingest.contract import Context
from ingest.testing import Bench
from tests.docs.pages import DOCS, inline, rows, sections

PAGE = DOCS / "howto" / "write-a-processor.md"


def test_everything_the_context_offers_is_explained_and_nothing_else() -> None:
    documented = _members("ctx", " ".join(_first_cells("What the context offers")))

    assert documented == _public(Context)


def test_everything_a_bench_can_do_is_explained_and_nothing_else() -> None:
    documented = _members("bench", " ".join(_first_cells("Test it")))

    assert documented == _public(Bench)


def test_every_name_that_a_processor_may_import_stands_somewhere_on_the_page_or_in_a_guide() -> None:
    said = " ".join(page.read_text() for page in (DOCS / "howto").glob("*.md"))

    assert [name for name in ingest.__all__ if not re.search(rf"\b{name}\b", said)] == []


def _first_cells(heading: str) -> list[str]:
    return [span for row in rows(sections(PAGE)[heading]) for span in inline(row[0])]


def _members(of: str, text: str) -> set[str]:
    return set(re.findall(rf"\b{of}\.([a-z_]+)", text))


def _public(kind: type) -> set[str]:
    return {name for name in [*vars(kind), *getattr(kind, "__annotations__", {})] if not name.startswith("_")}
