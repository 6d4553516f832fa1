"""`python -m benchmarks.page` writes the recorded figures into the tables of `docs/performance.md`.

`benchmarks/recorded.jsonl` holds the lines of one run, as they were printed.
Between `<!-- measured: NAME -->` and `<!-- end -->` the page shows what the
line of that benchmark says, and nothing by hand. The prose around it is ours.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
RECORDED = Path(__file__).with_name("recorded.jsonl")

_BLOCK = re.compile(r"(?s)(<!-- measured: (\w+) -->\n).*?(<!-- end -->)")
_HEAD = "| measured | ours | reference | its figure | ratio | wanted |\n|---|---|---|---|---|---|\n"
_MACHINE = {
    "fsync_us": "`fsync` of 4 KiB that replace others, µs",
    "fdatasync_us": "`fdatasync` of the same, µs",
    "sequential_mb_s": "128 MiB written and synced, MB/s",
    "cpu_loop_ms": "a loop of a million squares, ms",
    "sha256_2k_us": "SHA-256 of 2 KiB, µs",
    "load": "load when a benchmark began",
    "cpus": "processors",
    "python": "Python",
    "sqlite": "SQLite that we use",
    "sqlite_stdlib": "SQLite of the interpreter, which the references use",
}

Line = Mapping[str, Any]


def main() -> None:
    """The page shows the recorded run."""
    PAGE.write_text(rewritten(PAGE.read_text(), recorded()))


def recorded() -> dict[str, Line]:
    """Give the recorded lines by the name of their benchmark."""
    lines = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    return {line["benchmark"]: line for line in lines}


def names_on(page: str) -> list[str]:
    """Give what the page has a table for."""
    return [name for _, name, _ in _BLOCK.findall(page)]


def rewritten(page: str, lines: Mapping[str, Line]) -> str:
    """Give the page with its tables as `lines` say."""
    return _BLOCK.sub(lambda block: f"{block[1]}{_table(block[2], lines)}{block[3]}", page)


def _table(name: str, lines: Mapping[str, Line]) -> str:
    if not lines or name not in {*lines, "machine"}:
        return "\nNot in the recorded run.\n\n"
    if name == "machine":
        return _machine(list(lines.values()))
    line = lines[name]
    rows = "".join(_row(measure) for measure in line["measures"])
    scale = "" if line["scale"] == 1 else f"Measured at {line['scale']} of its full size.\n\n"
    details = ", ".join(f"`{key}` {_shown(value)}" for key, value in line["detail"].items())
    return f"\n{scale}{_HEAD}{rows}\n{details}\n\n"


def _row(measure: Mapping[str, Any]) -> str:
    unit = measure["unit"]
    cells = (
        measure["name"],
        f"{_shown(measure['figure'])} {unit}",
        measure["reference"],
        f"{_shown(measure['reference_figure'])} {unit}",
        f"**{_shown(measure['ratio'])}**",
        measure["target"].removeprefix("ratio "),
    )
    return f"| {' | '.join(cells)} |\n"


def _machine(lines: Sequence[Line]) -> str:
    """What it was like when each benchmark began: from the least to the most."""
    rows = "".join(
        f"| {said} | {_span([line['machine'][key] for line in lines])} |\n" for key, said in _MACHINE.items()
    )
    return f"\n| the machine | |\n|---|---|\n{rows}\n"


def _span(values: Sequence[Any]) -> str:
    if isinstance(values[0], str):
        return ", ".join(dict.fromkeys(values))
    least, most = _shown(min(values)), _shown(max(values))
    return least if least == most else f"{least} to {most}"


def _shown(value: Any) -> str:
    """Three digits are as many as anybody can compare."""
    if isinstance(value, list):
        return "/".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)


if __name__ == "__main__":
    main()
