"""What starting takes: `ingest --help` beside a bare typer app, and commands that find nothing to do.

The bare app has one command and is formatted as plainly as ours. All of them
take turns; the figures are medians of the processor time.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import BELOW, Cost, Measure, Report, median, stopwatch
from benchmarks.project import new_project

_ROUNDS = 21
_BARE = """
import typer
app = typer.Typer(rich_markup_mode=None)
@app.command()
def greet(name: str, loudly: bool = False) -> None:
    "Say hello."
app()
"""


def run(scale: float, directory: Path) -> Report:
    """Start everything in turn, round by round."""
    project = new_project(directory / "project", function="nothing")
    for command in ("watch", "work"):
        project.run(command, "--once")
    bare = directory / "bare.py"
    bare.write_text(_BARE)
    ours = [sys.executable, "-m", "ingest"]
    config = ["-q", "-C", str(project.root / "ingest.toml")]
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "bare": [sys.executable, str(bare), "--help"],
        "help": [*ours, "--help"],
        "status": [*ours, *config, "status", "--json"],
        "watch": [*ours, *config, "watch", "--once"],
        "work": [*ours, *config, "work", "--once"],
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for _ in range(max(3, round(_ROUNDS * scale))):
        for name, arguments in commands.items():
            costs[name].append(_started(arguments))
    taken = {name: median(found) for name, found in costs.items()}
    return _report(taken)


def _started(command: Sequence[str]) -> Cost:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with stopwatch(BELOW) as lasted:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        return lasted()


def _report(taken: dict[str, Cost]) -> Report:
    return Report(
        measures=[
            Measure(
                name="ingest --help",
                unit="CPU ms",
                figure=taken["help"].cpu * 1000,
                reference="--help of a bare typer app",
                reference_figure=taken["bare"].cpu * 1000,
                target="ratio <= 1.3",
            )
        ],
        detail={
            "help_wall_ms": taken["help"].wall * 1000,
            "bare_wall_ms": taken["bare"].wall * 1000,
            "python_cpu_ms": taken["python"].cpu * 1000,
            **{f"{name}_cpu_ms": taken[name].cpu * 1000 for name in ("status", "watch", "work")},
        },
    )
