"""What a shell is offered; asked as bash asks, and once by a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.cli.frame import run
from tests.cli.project import Ingest
from tests.crash.pipeline import Pipeline
from tests.store.backends import only_on

Offered = Callable[[str], list[str]]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Offered:
    """The names that are offered where the line ends; nothing else may be said."""

    def ask(line: str) -> list[str]:
        monkeypatch.setenv("_INGEST_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (not line.endswith(" "))))
        try:
            run([])
        except SystemExit as ended:
            assert not ended.code  # noqa: PT017  # it is how typer ends
        said = capfd.readouterr()
        assert said.err == ""
        return said.out.split()

    return ask


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("ingest sta", ["status"]),
        ("ingest replays pa", ["pause"]),
        ("ingest status --ch", ["--check"]),
        ("ingest replay ", ["ledger", "payments"]),
        ("ingest replay --mode ", ["force", "rerun", "shadow"]),
        ("ingest work -p led", ["ledger"]),
        ("ingest watch --source ", ["inbox"]),
        ("ingest watch --mode no", ["notify"]),
        ("ingest land x.csv --source i", ["inbox"]),
        ("ingest try ", ["ledger", "payments"]),
        ("ingest processors remove p", ["payments"]),
        ("ingest events list --status d", ["dead", "done"]),
        ("ingest events list --key inbox/g", ["inbox/good.csv"]),
        ("ingest events tail --type ingest.payment", ["ingest.payment.settled.v1"]),
        ("ingest schema show ingest.file.l", ["ingest.file.landed.v1"]),
        ("ingest why ", []),  # the shell offers files
    ],
)
def test_names_that_may_follow_are_offered(day: Path, offered: Offered, line: str, names: list[str]) -> None:
    assert sorted(offered(line)) == names


def test_ids_are_offered_by_their_beginning(worked: Path, ingest: Ingest, offered: Offered) -> None:
    ids = [line["event"]["id"] for line in ingest("events", "list", "--json").lines()]
    dead = [line["event_id"] for line in ingest("dead", "list", "--json").lines()]
    replay = ingest("replay", "ledger", "--yes", "--json").json()["replay_id"]

    assert sorted(offered("ingest events show ")) == sorted(ids)
    assert offered(f"ingest trace {ids[0][:6]}") == [ids[0]]
    assert sorted(set(offered("ingest dead retry "))) == sorted(set(dead))
    assert offered("ingest replays cancel r-") == [replay]


@pytest.mark.parametrize(
    "line",
    [
        "ingest replays show ",
        "ingest events show ",
        "ingest no-such-command ",
        "ingest metrics ",
        "ingest -C nowhere.toml watch --source ",
        "ingest watch --limit many --nonsense ",
    ],
)
def test_where_nothing_is_known_nothing_is_said_and_nothing_made(
    empty: Path, offered: Offered, line: str
) -> None:
    stood = sorted(empty.rglob("*"))

    assert offered(line) == []

    assert sorted(empty.rglob("*")) == stood


@pytest.mark.parametrize("broken", ["version = ", "version = 1\nnonsense = 2\n"])
def test_a_broken_configuration_is_not_the_moment_to_be_told_of(
    empty: Path, offered: Offered, broken: str
) -> None:
    (empty / "ingest.toml").write_text(broken)

    assert offered("ingest watch --source ") == []


@only_on("sqlite", "a file that is no database")
def test_a_store_that_is_none_offers_what_the_settings_know(empty: Path, offered: Offered) -> None:
    (empty / ".ingest").mkdir()
    (empty / ".ingest" / "ingest.db").write_bytes(b"nothing" * 1000)

    assert sorted(offered("ingest replay ")) == ["ledger", "payments"]
    assert offered("ingest replays show ") == []


@only_on("postgresql", "a server that is away")
def test_where_the_server_is_away_what_the_settings_know_is_offered(empty: Path, offered: Offered) -> None:
    settings = empty / "ingest.toml"
    settings.write_text(settings.read_text().replace(Pipeline(empty).url, f"postgresql://u@/x?host={empty}"))

    assert sorted(offered("ingest replay ")) == ["ledger", "payments"]
    assert offered("ingest events show ") == []


def test_the_version_is_not_told_to_a_shell_that_asks_what_may_follow(day: Path, offered: Offered) -> None:
    assert "status" in offered("ingest --version ")


def test_it_imports_nothing_heavy(day: Path) -> None:
    program = (
        "import sys\nfrom ingest.cli.frame import run\ntry: run([])\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    env = os.environ | {
        "_INGEST_COMPLETE": "complete_bash",
        "COMP_WORDS": "ingest replays show ",
        "COMP_CWORD": "3",
    }

    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )

    heavy = {"sqlalchemy", "alembic", "watchdog", "rich.table", "ingest.store.engine"}
    assert heavy & set(done.stderr.split()) == set()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_a_real_bash_completes_with_the_script_that_is_shown(day: Path, tmp_path: Path) -> None:
    program = tmp_path / "ingest"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ingest "$@"\n')
    program.chmod(0o700)
    asked = f"""
set -e
PATH={tmp_path}:$PATH
eval "$(_INGEST_COMPLETE=source_bash ingest)"
complete -p ingest
COMP_WORDS=(ingest replay pay); COMP_CWORD=2
_ingest_completion ingest
echo "offered: ${{COMPREPLY[*]}}"
ingest --show-completion | grep -c "^_ingest_completion"
"""

    done = subprocess.run(["bash", "-c", asked], cwd=day, capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == [
        "complete -o default -F _ingest_completion ingest",
        "offered: payments",
        "1",
    ]
    assert done.stderr == ""
