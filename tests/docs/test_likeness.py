"""Shown output is held against real output: only what passes may differ."""

from __future__ import annotations

import pytest

from tests.docs.likeness import Likeness


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("landed 3 in 0.7 s", "landed 3 in 12.25 s"),
        ("at 2026-03-02T09:30:00.000000Z", "at 2031-12-24T01:02:03.456789Z"),
        ("started, pid 4711", "started, pid 9"),
        ("395.6 kB not checkpointed yet", "1.2 MB not checkpointed yet"),
        ("inode 65024:2228263", "inode 1:42"),
        ("seen, inode\n     65024:2228263\nlater", "seen, inode 1:42\nlater"),
        ("seen, inode 1:4224\nlater", "seen, inode\n     65024:2228263\nlater"),
        ("a  b\n\n──\nc", "a b\n────\n\nc   "),
        ("one\n...\nlast", "one\ntwo\nthree\nlast"),
        ("one\n...\nlast", "one\nlast"),
        ("event 7f3a9c2b1d8e of 7f3a9c2b1d8e", "event 0a1b2c3d4e5f of 0a1b2c3d4e5f"),
    ],
)
def test_what_passes_may_differ(shown: str, said: str) -> None:
    assert Likeness().difference(shown, said) == ""


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("landed 3", "landed 4"),
        ("10.00 EUR", "11.00 EUR"),
        ("value date 2026-03-02", "value date 2026-03-03"),
        ("395.6 kB of files", "395.7 kB of files"),
        ("one\ntwo", "one"),
        ("one\ntwo", "one two"),
        ("seen, inode\n65024:2228263", "seen, inode unknown"),
        ("", "a warning"),
        ("one\n...\nlast", "one\nlast\nand more"),
        ("event 7f3a9c2b1d8e of 7f3a9c2b1d8e", "event 0a1b2c3d4e5f of 555b2c3d4e5f"),
        ("event 7f3a9c", "event none"),
    ],
)
def test_anything_else_is_a_difference(shown: str, said: str) -> None:
    assert Likeness().difference(shown, said) != ""


def test_an_id_that_was_shown_stands_for_the_real_one_from_then_on() -> None:
    likeness = Likeness()
    likeness.difference(
        "event 7f3a9c2b1d8e, replay r-09829382d596", "event 0a1b2c3d4e5f, replay r-a1a1a1a1a1a1"
    )

    assert likeness.translated("ingest trace 7f3a9c r-09829382d596") == "ingest trace 0a1b2c r-a1a1a1a1a1a1"
    assert likeness.difference("7f3a9c2b is dead", "0a1b2c3d is dead") == ""
    assert likeness.difference("7f3a9c2b is dead", "1a1b2c3d is dead") != ""
