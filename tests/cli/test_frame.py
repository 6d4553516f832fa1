"""What holds for every command: help, global flags, errors, and what it costs to ask."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ingest.cli import statuswatch
from ingest.cli.catalogue import COMMANDS, LATER
from tests.cli.project import Ingest, error_of, spawned
from tests.patience import PATIENCE

PROMISED = {
    "land": ["--source", "--as", "--reason", "--json"],
    "init": ["--example"],
    "demo": ["--keep"],
    "watch": ["--source", "--once", "--mode", "--quiet", "--json"],
    "work": [
        "-p",
        "--processor",
        "-c",
        "--concurrency",
        "--once",
        "--wait-retries",
        "--limit",
        "--shutdown-timeout",
    ],
    "run": [
        "--source",
        "--mode",
        "--quiet",
        "-p",
        "-c",
        "--once",
        "--wait-retries",
        "--limit",
        "--shutdown-timeout",
    ],
    "replay": [
        *["--id", "--source", "--key", "--since", "--until", "--from", "--to", "--status"],
        *["--mode", "--dry-run", "--plan", "--reason", "--wait", "--yes", "--json"],
    ],
    "replays list": ["--json"],
    "replays show": ["--json"],
    "replays pause": [],
    "replays resume": [],
    "replays cancel": [],
    "status": ["--json", "--watch", "--check"],
    "events list": [
        "--id",
        "--source",
        "--key",
        "--since",
        "--until",
        "--from",
        "--to",
        "--status",
        "--type",
        "--limit",
        "--after",
        "--json",
    ],
    "events show": ["--json"],
    "events tail": ["-f"],
    "events verify": ["--json"],
    "trace": ["--json"],
    "why": ["--json"],
    "dead list": ["--id", "--processor", "--key", "--json"],
    "dead show": ["--json"],
    "dead retry": ["--id", "--processor", "--key", "--reason", "--dry-run", "--yes"],
    "dead discard": ["--id", "--processor", "--key", "--reason", "--dry-run", "--yes"],
    "rejects list": ["--event", "--processor", "--json"],
    "rejects export": ["--event", "--processor"],
    "processors list": ["--json"],
    "processors show": ["--json"],
    "processors pause": [],
    "processors resume": [],
    "processors add": ["--from"],
    "processors remove": ["--yes", "--dry-run"],
    "inspect": ["--json"],
    "try": ["--json"],
    "schema list": ["--json"],
    "schema show": [],
    "schema check": ["--events", "--json"],
    "schema draft": ["--json"],
    "schema release": ["--json"],
    "archive get": ["-o"],
    "archive verify": ["--subset", "--json"],
    "db upgrade": [],
    "db current": ["--json"],
    "db check": ["--json"],
    "db backup": ["--json"],
    "db prune": ["--older-than", "--dry-run", "--yes", "--json"],
    "doctor": ["--json"],
    "config show": ["--json"],
    "config check": [],
    "config schema": [],
}


@pytest.mark.parametrize("command", PROMISED)
def test_every_promised_flag_is_in_the_help_of_its_command(command: str, ingest: Ingest) -> None:
    said = ingest(*command.split(), "--help")

    words = said.out.replace(",", " ").split()
    assert said.code == 0
    assert [flag for flag in PROMISED[command] if flag not in words] == []


def test_the_help_names_every_command(ingest: Ingest) -> None:
    said = ingest("--help")

    assert said.code == 0
    assert [name for name in COMMANDS if f"  {name} " not in said.out] == []
    assert {name.split()[0] for name in PROMISED} == set(COMMANDS)


def test_a_command_that_comes_later_says_that_it_is_not_built_yet(ingest: Ingest) -> None:
    for name in LATER:
        said = ingest(name, "--whatever")

        assert said.code == 2
        assert said.err.count("\n") == 1
        assert "is not built yet" in said.err


def test_a_command_whose_flags_need_no_conversion_does_not_load_pydantic(tmp_path: Path) -> None:
    program = (
        "import sys; from ingest.cli.frame import run;"
        "print(run(sys.argv[1:]), 'pydantic' in sys.modules, file=sys.stderr)"
    )
    given = ("-q", "work", "-C", str(tmp_path / "ingest.toml"), "--once", "--json")

    done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=True)

    assert done.stderr.splitlines()[-1] == "2 False"


def test_asking_for_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from ingest.cli.frame import run; run(['--help']); print(*sys.modules, file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    heavy = {
        "sqlalchemy",
        "alembic",
        "pydantic",
        "rich",
        "watchdog",
        "polars",
        "ingest.config",
        "ingest.store",
    }
    assert heavy & set(done.stderr.split()) == set()


def test_global_flags_may_stand_before_and_after_the_command(day: Path, ingest: Ingest) -> None:
    file = str(day / "ingest.toml")

    before = ingest("-C", file, "-q", "status", "--json")
    after = ingest("status", "--json", "-q", "--config", file)
    in_a_group = ingest("events", "-C", file, "list", "--json", "--log-format", "json")

    assert before.code == after.code == in_a_group.code == 0
    assert before.json()["store"]["url"] == after.json()["store"]["url"]


def test_the_version_is_told_before_and_after_a_command(ingest: Ingest) -> None:
    assert ingest("--version").out == ingest("status", "--version").out
    assert ingest("--version").out.startswith("ingest ")


def test_a_misspelt_command_is_answered_with_the_nearest_one(ingest: Ingest) -> None:
    said = ingest("statsu")

    assert said.code == 2
    assert said.err == "error: there is no command 'statsu' — did you mean `ingest status`?\n"


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_2(ingest: Ingest) -> None:
    assert ingest().code == 2
    assert ingest("replays").code == 2
    assert "pause" in ingest("replays").out


def test_a_usage_error_is_one_line_with_what_to_do(ingest: Ingest) -> None:
    said = ingest("events", "list", "--limit", "many")

    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.endswith("— see `ingest events list --help`\n")
    assert said.err.count("\n") == 1


def test_with_json_an_error_is_one_json_object_on_stderr(empty: Path, ingest: Ingest) -> None:
    said = ingest("status", "--json")

    assert said.code == 65
    assert said.out == ""
    assert set(error_of(said)) == {"code", "message", "hint", "exit"}
    assert error_of(said)["code"] == "store_unusable"
    assert error_of(said)["exit"] == 65


def test_without_a_configuration_the_exit_code_is_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest: Ingest
) -> None:
    monkeypatch.chdir(tmp_path)

    said = ingest("status")

    assert said.code == 2
    assert "ingest.toml" in said.err


def test_an_unexpected_error_is_one_line_and_a_traceback_only_with_v(
    day: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuswatch, "SHARE", "no number")

    plain, verbose = ingest("status", "--watch", "--json"), ingest("status", "--watch", "--json", "-v")

    assert plain.code == verbose.code == 1
    assert plain.err.count("\n") == 1
    assert "Traceback" not in plain.err
    assert "Traceback" in verbose.err


def test_a_reader_that_goes_away_is_no_error(day: Path) -> None:
    program = f"{sys.executable} -m ingest status --watch --json | head -c 1; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", program], cwd=day, capture_output=True, timeout=PATIENCE, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"{", b"")


def test_a_closed_stdout_is_no_error(day: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m ingest status >&-", shell=True, cwd=day, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_python_m_ingest_answers_like_the_command(day: Path) -> None:
    said = spawned("nothing", cwd=day)

    assert said.code == 2
    assert said.out == ""


@pytest.mark.parametrize("group", sorted({name.split()[0] for name in PROMISED if " " in name}))
def test_the_help_of_a_group_cuts_no_sentence_off(
    group: str, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    said = ingest(group, "--help").out

    listed = said.partition("Commands:\n")[2].splitlines()
    assert listed
    assert not [line for line in listed if line.endswith("...") or len(line) > 80]
