"""The units in docs/howto/systemd.md are what systemd takes, and their values fit what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from ingest.config import load
from ingest.run import FOR_GOOD
from ingest.store.sqlite.engine import WRITE_LOCK_BOUND
from tests.docs.pages import DOCS, blocks_of

PAGE = DOCS / "howto" / "systemd.md"
UNITS = {
    Path(found[1]).name: block.text
    for block in blocks_of(PAGE, PAGE.read_text())
    if (found := re.match(r"# (/etc/systemd/system/\S+)\n", block.text))
}
SERVICES = [name for name, text in UNITS.items() if "Type=notify" in text]
NOT_HERE = ("/srv/ingest/venv/bin/ingest", "/usr/bin/rsync")  # programs that systemd would miss


def test_there_is_a_unit_for_both_and_for_each() -> None:
    assert SERVICES == ["ingest.service", "ingest-watch.service", "ingest-work.service"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        unit = text.replace("Group=ingest\n", "")
        for program in NOT_HERE:
            unit = unit.replace(f"ExecStart={program} ", f"ExecStart={sys.executable} ")
        (tmp_path / name).write_text(unit)

    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / name for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={"SYSTEMD_LOG_LEVEL": "warning", "PATH": "/usr/bin:/bin"},
    )

    assert [line for line in said.stderr.splitlines() if str(tmp_path) in line or ".service" in line] == []
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_the_values_of_a_service_fit_what_the_program_does(name: str, tmp_path: Path) -> None:
    service = _section(UNITS[name])
    (tmp_path / "ingest.toml").write_text("version = 1\n")
    settings = load(tmp_path / "ingest.toml", env={})

    assert {int(code) for code in service["RestartPreventExitStatus"].split()} == set(FOR_GOOD)
    assert float(service["TimeoutStopSec"]) > settings.work.shutdown_timeout.total_seconds()
    assert 60 * float(service["WatchdogSec"].removesuffix("min")) > 2 * WRITE_LOCK_BOUND
    assert service["ExecStart"].split()[1] in ("run", "watch", "work")


def _section(unit: str) -> dict[str, str]:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names of systemd are case-sensitive
    parser.read_string(unit)
    return dict(parser["Service"])
