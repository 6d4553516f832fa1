"""The JSON in docs/reference/commands.md has the keys and the types that the commands print."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.cli.frame import run
from ingest.store import workers
from ingest.store.opening import open_store
from ingest.store.workers import Worker
from tests.docs.pages import REFERENCE, blocks_of, sections
from tests.docs.running import Project
from tests.docs.tree import commands

SECTIONS = sections(REFERENCE / "commands.md")
EXAMPLES = {
    name: json.loads(found[0].text)
    for name in commands()
    if (found := [b for b in blocks_of(REFERENCE, SECTIONS[name]) if b.language == "json"])
}
SPAWNED = {
    "ingest watch": ["watch", "--once"],
    "ingest work": ["work", "--once"],
    "ingest init": ["init", "new"],
    "ingest land": ["land", "inbox/good.csv", "--source", "inbox"],
}
ASKED = {
    "ingest replay": ["replay", "payments", "--dry-run"],
    "ingest replays list": ["replays", "list"],
    "ingest replays show": ["replays", "show", "REPLAY"],
    "ingest status": ["status"],
    "ingest events list": ["events", "list", "--type", "ingest.file.refused.v1"],
    "ingest events verify": ["events", "verify"],
    "ingest trace": ["trace", "inbox/good.csv"],
    "ingest why": ["why", "inbox/good.csv"],
    "ingest dead list": ["dead", "list"],
    "ingest rejects list": ["rejects", "list"],
    "ingest processors list": ["processors", "list"],
    "ingest inspect": ["inspect", "inbox/good.csv"],
    "ingest try": ["try", "payments", "inbox/bad.csv"],
    "ingest schema list": ["schema", "list"],
    "ingest schema check": ["schema", "check"],
    "ingest schema draft": ["schema", "draft"],
    "ingest schema release": ["schema", "release"],
    "ingest archive verify": ["archive", "verify"],
    "ingest db upgrade": ["db", "upgrade"],
    "ingest db current": ["db", "current"],
    "ingest db check": ["db", "check"],
    "ingest db backup": ["db", "backup", "NEW"],
    "ingest db prune": ["db", "prune", "--older-than", "90d", "--dry-run"],
    "ingest doctor": ["doctor"],
    "ingest config show": ["config", "show"],
    "ingest config check": ["config", "check"],
}
LIKE = {
    name: f"ingest {said[1]}"
    for name in commands()
    if (said := re.search(r"The JSON is that of\s`([a-z ]+)`", SECTIONS[name]))
}
TOLD_IN_WORDS = {"ingest db copy", "ingest demo", "ingest config schema", "ingest run", "ingest schema show"}
LOOKS = {
    "ingest dead discard": ["dead", "discard", "--reason", "none", "--dry-run"],
    "ingest dead retry": ["dead", "retry", "--dry-run"],
    "ingest dead show": ["dead", "show", "DEAD"],
    "ingest events show": ["events", "show", "1"],
    "ingest events tail": ["events", "tail", "--type", "ingest.file.refused.v1"],
    "ingest processors add": ["processors", "add", "payments"],
    "ingest processors pause": ["processors", "pause", "payments"],
    "ingest processors resume": ["processors", "resume", "payments"],
    "ingest processors show": ["processors", "show", "payments"],
    "ingest replays cancel": ["replays", "cancel", "NEW"],
    "ingest replays pause": ["replays", "pause", "NEW"],
    "ingest replays resume": ["replays", "resume", "NEW"],
}
# Objects whose keys are names or columns, not words of ours.
BY_NAME = {"deliveries", "values", "processors", "rows", "facts"}
SHORTENED = {"specversion": "1.0"}  # an event that the page does not write out again

HEADER = "payment_id,account,amount,currency,value_date,counterparty,reference\n"
GOOD = f"{HEADER}P-1,ACC-1,10.00,EUR,2026-03-02,Alma,one\n"
BAD = f"{GOOD}P-2,ACC-1,ten,EUR,2026-03-02,Bert,two\n"
SETTINGS = """
[[source]]
name = "inbox"
path = "inbox"
quiet = "0s"

[[processor]]
name = "payments"
use = "payments:payments"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A file that was booked, one that is dead, one that was refused; a replay; a watcher and a worker."""
    home = tmp_path_factory.mktemp("documented")
    (home / "inbox").mkdir()
    (home / "ingest.toml").write_text(SETTINGS)
    (home / "inbox/good.csv").write_text(GOOD)
    (home / "inbox/bad.csv").write_text(BAD)
    (home / "inbox/link.csv").symlink_to("good.csv")
    project = Project(home=home)
    assert project.run("run", "--once").returncode == 3
    assert project.run("replay", "payments", "--mode", "shadow").returncode == 0
    assert project.run("work", "--once").returncode == 3
    with open_store(f"sqlite:///{home}/.ingest/ingest.db") as store, store.write() as tx:
        for kind in ("watcher", "worker"):
            listed = Worker(id=f"{kind}-1", kind=kind, host="box", pid=os.getpid())
            workers.enlist(tx, listed, lease=timedelta(hours=1), now=datetime.now(UTC))
    return project


@pytest.fixture
def answer(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """The first document a command prints, run in this process."""
    monkeypatch.chdir(project.home)

    def ask(*argv: str) -> Any:
        run([*argv, "--json"])
        return json.loads(capfd.readouterr().out.splitlines()[0])

    return ask


def test_every_example_is_compared_with_what_its_command_prints() -> None:
    assert set(EXAMPLES) == {*SPAWNED, *ASKED}


@pytest.mark.parametrize("name", ASKED)
def test_an_example_has_the_keys_and_types_that_the_command_prints(
    name: str, answer: Callable[..., Any], tmp_path: Path
) -> None:
    argv = [str(tmp_path / "new") if word == "NEW" else word for word in ASKED[name]]
    if "REPLAY" in argv:
        argv = [*argv[:-1], answer("replays", "list")["id"]]

    printed = answer(*argv)

    assert list(_differences(EXAMPLES[name], printed)) == []


def test_the_json_of_every_command_is_shown_or_said_to_be_that_of_another() -> None:
    with_json = {name for name, command in commands().items() if "--json" in command.flag_names}

    assert with_json == {*EXAMPLES, *LIKE, *TOLD_IN_WORDS}
    assert set(LIKE) == {*LOOKS, "ingest processors remove"}  # refused while the settings name it
    assert set(LIKE.values()) <= set(EXAMPLES)


@pytest.mark.parametrize("name", LOOKS)
def test_what_is_said_to_be_the_json_of_another_command_is(name: str, answer: Callable[..., Any]) -> None:
    fresh = {
        "NEW": lambda: answer("replay", "payments", "--mode", "shadow")["replay_id"],
        "DEAD": lambda: answer("dead", "list")["event_id"],
    }
    argv = [fresh[word]() if word in fresh else word for word in LOOKS[name]]
    if name == "ingest replays resume":
        answer("replays", "pause", argv[-1])

    printed = answer(*argv)

    differences = set(_differences(EXAMPLES[LIKE[name]], printed))
    more = {f".{key}: is not in both" for key in _also_promised(name)}
    assert differences == more


def _also_promised(name: str) -> list[str]:
    """The keys that the section of a command adds to those of the other one."""
    [said] = re.findall(r"The JSON is that of\s`[a-z ]+`(.*?)\.(?:\s|$)", SECTIONS[name], re.DOTALL)
    return re.findall(r"`([a-z_]+)`", said.partition(" as in")[0])


@pytest.mark.parametrize("name", SPAWNED)
def test_an_example_has_the_keys_and_types_that_the_process_prints(name: str, tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "ingest.toml").write_text(SETTINGS)
    if name == "ingest land":
        (tmp_path / "inbox/good.csv").write_text(GOOD)
        Project(home=tmp_path).run("db", "upgrade")

    printed = Project(home=tmp_path).json(*SPAWNED[name], "--json")

    assert list(_differences(EXAMPLES[name], printed)) == []


def test_an_error_has_the_keys_of_the_example(project: Project) -> None:
    [example] = blocks_of(REFERENCE, (REFERENCE / "exit-codes.md").read_text())

    said = project.run("events", "show", "99", "--json")

    assert json.loads(said.stderr.splitlines()[-1]) == json.loads(example.text)
    assert said.returncode == 4


def _differences(example: Any, printed: Any, where: str = "") -> Iterator[str]:
    """Where the two are not of one shape. What may be null, or is an empty list, is like anything."""
    if example is None or printed is None or SHORTENED in (example, printed):
        return
    if _kind(example) != _kind(printed):
        yield f"{where}: {_kind(example)} is documented, {_kind(printed)} is printed"
    elif isinstance(example, list):
        for first, other in zip(example[:1], printed[:1], strict=False):
            yield from _differences(first, other, f"{where}[]")
    elif isinstance(example, dict) and where.rpartition(".")[2] not in BY_NAME:
        yield from (f"{where}.{key}: is not in both" for key in sorted(example.keys() ^ printed.keys()))
        for key in example.keys() & printed.keys():
            yield from _differences(example[key], printed[key], f"{where}.{key}")


def _kind(value: Any) -> str:
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )
