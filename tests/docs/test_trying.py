"""A page that shows what is not so is found out, with the line; what is left out has a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.terminal import Terminal
from tests.docs.trying import tried

GOOD = """
```sh
mkdir shop && cd shop
printf 'ann\\nbob\\n' > names
```

```console
$ cat names \\
>     | head -1
ann
$ (exit 3)
$ echo $?
3
```

<!-- skip: next "nobody can" -->
```sh
false
```
"""


def _tried(text: str, tmp_path: Path) -> list[str]:
    page, home = tmp_path / "page.md", tmp_path / "home"
    page.write_text(text)
    home.mkdir()
    return list(tried(page, Terminal(home=home, cwd=home), home))


def test_a_page_is_tried_from_top_to_bottom_in_one_directory(tmp_path: Path) -> None:
    reasons = _tried(GOOD, tmp_path)

    assert reasons == ["nobody can"]
    assert (tmp_path / "home/shop/names").read_text() == "ann\nbob\n"


@pytest.mark.parametrize(
    ("block", "because"),
    [
        ("```sh\ntrue\nfalse\n```\n", "false\nended with 1"),
        ("```sh\ntrue # exits 3\n```\n", "ended with 0"),
        ("```sh\nfalse | true\n```\n", "ended with 1"),
        ("```console\n$ echo one\ntwo\n```\n", "-two\n+one"),
        ("```console\n$ echo one >&2\n```\n", "+one"),
        ("```console\njust text\n```\n", "shows commands"),
        ("```ini\n[Service]\n```\n", "is not run"),
        ("```python\nassert 1 == 2\n```\n", ""),
    ],
)
def test_what_is_not_so_fails_with_the_line_of_its_block(block: str, because: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:3: ") as failure:
        _tried(f"text\n\n{block}", tmp_path)

    assert because in str(failure.value)


def test_a_page_can_be_rewritten_to_what_is_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGEST_PAGES", "rewrite")

    _tried("```console\n$ echo one\ntwo\n```\n", tmp_path)

    assert (tmp_path / "page.md").read_text() == "```console\n$ echo one\none\n```\n"
