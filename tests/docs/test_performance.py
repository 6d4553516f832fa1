"""What the page on speed says was measured: by one run, whose lines are kept."""

from __future__ import annotations

from benchmarks.__main__ import NAMES
from benchmarks.page import PAGE, names_on, recorded, rewritten


def test_every_figure_of_the_page_stands_in_the_recorded_run() -> None:
    page = PAGE.read_text()

    assert page == rewritten(page, recorded())


def test_every_benchmark_has_its_place_on_the_page() -> None:
    assert set(recorded()) <= set(NAMES)
    assert sorted(names_on(PAGE.read_text())) == sorted([*NAMES, "machine"])
