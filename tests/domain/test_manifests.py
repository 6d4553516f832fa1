"""The lines of a manifest, as sha256sum writes them, and what is none."""

from __future__ import annotations

import pytest

from ingest.domain import manifests
from ingest.domain.manifests import parse_manifest

A, B = "a" * 64, "b" * 64


def test_each_line_is_a_digest_and_a_path() -> None:
    text = (
        f"# from the bank\n{A}  one.csv\r\n\n{B.upper()} *./in/two.csv\n"
        f"\\{A}  new\\nline\\\\\\r\n{B}   lead\n"
    )

    assert parse_manifest(text.encode()) == {
        b"one.csv": A,
        b"in/two.csv": B,
        b"new\nline\\\r": A,
        b" lead": B,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        f"{A}  one.csv\n{B}  one.csv\n",
        f"{A} one.csv",
        f"{A[1:]}  one.csv",
        f"{A}  ",
        f"{A}  .\n",
        f"{A}  ..\n",
        f"{A}  /etc/passwd",
        f"{A}  a/../../b",
        f"{A}  a//b",
        f"{A}  a/",
        f"{A}  a\0b",
        f"\\{A}  a\\tb",
        f"\\{A}  a\\",
        f"{A}  {'n' * 5000}",
        "<html>\n",
    ],
)
def test_what_cannot_be_followed_is_refused_as_a_whole(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d+|names no file"):
        parse_manifest(text.encode())


def test_a_manifest_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "MOST_MEMBERS", 2)
    monkeypatch.setattr(manifests, "LARGEST", 300)

    assert len(parse_manifest(f"{A}  1\n{A}  2\n".encode())) == 2
    with pytest.raises(ValueError, match="more than 2 files"):
        parse_manifest(f"{A}  1\n{A}  2\n{A}  3\n".encode())
    with pytest.raises(ValueError, match="more than 300 bytes"):
        parse_manifest(b"x" * 301)
