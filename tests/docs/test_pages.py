"""What a page shows is so: each is tried from top to bottom, as its reader would."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from tests.docs.pages import PAGES, blocks_of, indented, shown
from tests.docs.running import Project
from tests.docs.terminal import Terminal
from tests.docs.trying import tried

_TRIED = {"sh", "console", "python", "toml", "json", "ini", "sql", "yaml", "dockerfile"}
_ONLY_LOOKED_AT = {"mermaid", "text"}
# Lines of reference and diagrams, not commands to type.
_INDENTED = {
    "CONTRIBUTING.md",
    "docs/reference/commands.md",
    "docs/reference/ingest-toml.md",
    "docs/howto/notify.md",
}


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example project, whose files have landed and been handled."""
    home = tmp_path_factory.mktemp("worked") / "project"
    project = Project(home=home.parent)
    project.run("init", "--example", str(home))
    for source in ("acme", "globex"):  # in this order, whichever the directory has
        project.run("-C", str(home / "ingest.toml"), "watch", "--once", "--source", source)
    project.run("-C", str(home / "ingest.toml"), "work", "--once")
    return home


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory with a name as long as the one that pages show, so that lines break where they do."""
    made = Path("/tmp") / token_hex(3)  # short, private, and gone afterwards
    made.mkdir(mode=0o700)
    yield made
    shutil.rmtree(made)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_everything_a_page_shows_is_so(
    page: Path, home: Path, worked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)

    reasons = list(tried(page, Terminal(home=home, cwd=home), worked))

    assert all(reasons)


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_block_says_its_language_and_is_tried_or_left_out_with_a_reason(page: Path) -> None:
    text = page.read_text()
    languages = re.findall(r"(?m)^```(.*)$", text)[::2]

    assert set(languages) <= _TRIED | _ONLY_LOOKED_AT
    assert len(languages) == len(blocks_of(page, text))
    for instruction in re.findall(r"<!--+ *skip\b(.*?)-->", text):
        assert re.search(r'(next|start) +(".+"|if\(.+reason=".+"\))', instruction) or "end" in instruction


@pytest.mark.parametrize("page", [p for p in PAGES if shown(p) not in _INDENTED], ids=shown)
def test_what_is_to_be_typed_stands_in_a_fenced_block(page: Path) -> None:
    lines = [line for block in indented(page.read_text()) for line in block.splitlines()]

    assert [line for line in lines if re.match(r"\$ |ingest |make |pip ", line)] == []
