"""Whatever is written that cannot be obeyed is answered by one line that says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.project import Ingest, error_of
from tests.patience import PATIENCE

HUGE = "1" + "0" * 30

WRONG: list[tuple[str, int, str]] = [  # what was written, the exit code, what the answer has in it
    ("stauts", 2, "did you mean `ingest status`?"),
    ("zzz", 2, "see `ingest --help`"),
    ("dead lst", 2, "there is no command 'dead lst' — did you mean `ingest dead list`?"),
    ("replays zzz", 2, "see `ingest replays --help`"),
    ("--wat", 2, "no such option: --wat"),
    ("status --jsno", 2, "did you mean `--json`? see `ingest status --help`"),
    ("events list --lmit 3", 2, "did you mean `--limit`?"),
    ("status --confg x", 2, "did you mean `--config`?"),
    ("status extra", 2, "see `ingest status --help`"),
    ("try", 2, "missing argument"),
    ("events list --since", 2, "option '--since' requires an argument — see `ingest events list --help`"),
    ("work --once=1", 2, "option '--once' does not take a value — see `ingest work --help`"),
    ("config check --processors nowhere", 2, "nowhere is no folder — name the one that processors are in"),
    ("try ledger ingest.toml", 2, "ingest.toml is no event as JSON"),
    ("try ledger object.json", 2, "object.json is no event as JSON"),
    ("land ingest.toml", 2, "missing option '--source'"),
    # names
    ("events list --source inbxo", 4, "did you mean 'inbox'? there are: inbox"),
    ("replay payments --source nowhere --dry-run", 4, "there are: inbox"),
    ("watch --once --source inbxo", 4, "did you mean 'inbox'?"),
    ("land ingest.toml --source inbxo", 4, "did you mean 'inbox'?"),
    ("events list -p paymnets", 4, "did you mean 'payments'?"),
    ("replay paymnets --dry-run", 4, "did you mean 'payments'? subscribed: ledger, payments"),
    ("processors pause zzz", 4, "subscribed: ledger, payments"),
    ("dead list -p paymnets", 4, "did you mean 'payments'?"),
    ("rejects list -p paymnets", 4, "did you mean 'payments'?"),
    ("try paymnets inbox/good.csv", 4, "did you mean 'payments'?"),
    ("work --once -p paymnets", 4, "did you mean 'payments'?"),
    ("run --once -p paymnets", 4, "did you mean 'payments'?"),
    ("run --once --source inbxo", 4, "did you mean 'inbox'?"),
    ("processors add paymnets", 4, "did you mean 'payments'?"),
    ("events list --type ingest.file.landd.v1", 4, "did you mean 'ingest.file.landed.v1'?"),
    ("events tail --type ingest.payment.setled.v1", 4, "did you mean 'ingest.payment.settled.v1'?"),
    # words
    ("events list --status ded", 2, "it is one of dead, done, retrying"),
    ("replay payments --mode shaddow", 2, "it is one of rerun, shadow, force"),
    ("watch --once --mode pol", 2, "write one of auto, notify, poll"),
    ("processors add payments --from nowhere", 2, "it is one of beginning, now"),
    ("--log-level loud status", 2, "it is one of debug"),
    ("inspect inbox/good.csv --encoding zip", 2, "name one of text that Python knows"),
    ("inspect inbox/good.csv --encoding nowhere", 2, "name one of text that Python knows"),
    # ids
    *(
        (each, 2, "is too short for an id — write at least its first 6 characters")
        for each in (
            *("events show abc", "events list --id abc", "dead show abc", "dead retry abc --yes"),
            *("rejects list --event 0abc1", "replays show r-1", "replays cancel none", "archive get abc"),
        )
    ),
    ("events show 123456", 4, "see `ingest events list`"),
    ("trace abc", 4, "an id or a digest is known by its first 6 characters or more"),
    ("events show 99999999999999999999", 4, "see `ingest events list`"),
    ("dead show ffffff", 4, "see `ingest dead list`"),
    ("dead retry ffffff --yes", 4, "see `ingest dead list`"),
    ("rejects list --event ffffff", 4, "see `ingest events list`"),
    ("replays show r-none", 4, "see `ingest replays list`"),
    ("replays cancel r-none", 4, "see `ingest replays list`"),
    ("archive get ffffff", 4, "see `ingest events list`"),
    ("replay payments --plan nonsense --yes", 5, "make a new one with --dry-run"),
    # moments and numbers
    ("events list --since yesterday", 2, "write it as 2026-03-01"),
    ("dead list --until 2026-13-01", 2, "write it as 2026-03-01"),
    ("events list --since 2026-03-02 --until 2026-03-01", 2, "turn them round"),
    ("replay payments --from 5 --to 3 --dry-run", 2, "turn them round"),
    ("events list --limit -1", 2, "error: --limit takes a whole number from 1 on — see `ingest events list"),
    ("events list --limit many", 2, "--limit takes a whole number"),
    ("watch --quiet soon", 2, "--quiet takes a number"),
    *(
        (f"{each} {HUGE}", 2, f"the number of {each.split()[-1].replace('-n', '--lines')} is too large")
        for each in ("events list --limit", "events list --after", "events tail -n", "dead list --to")
    ),
    (f"trace good.csv --limit {HUGE}", 2, "the number of --limit is too large"),
    (f"events list --limit {HUGE * 200}", 2, "the number of --limit is too large"),
    ("replay payments --from -5 --dry-run", 2, "--from takes a whole number from 0 on"),
    ("work --once -c 0", 2, "write a whole number from 1 to 256"),
    (f"work --once -c {HUGE}", 2, "write a whole number from 1 to 256"),
    ("work --once --limit -1", 2, "--limit takes a whole number from 1 on"),
    ("work --once --shutdown-timeout -1", 2, "write seconds, such as 2 or 0.5"),
    ("work --once --shutdown-timeout nan", 2, "write seconds"),
    ("watch --once --quiet 1e300", 2, "write seconds"),
    ("archive verify --subset 0/3", 2, "N from 1 to M"),
    # paths
    ("trace nope.csv", 4, "see `ingest events list`"),
    ("why nope.csv", 4, "write the path as it is in its source"),
    ("land nope.csv --source inbox", 4, "write its path as it is"),
    ("land inbox --source inbox", 2, "links, folders and pipes never land"),
    ("land ingest.toml --source inbox --as ../x", 2, "write it relative to the source"),
    ("try payments inbox", 2, "inbox is a folder — name one of the files in it"),
    ("try ledger inbox", 2, "inbox is a folder — name one of the files in it"),
    ("why inbox", 2, "error: inbox is a folder — files land, folders do not: name one of the files in it"),
    ("trace inbox", 2, "is a folder"),
    ("try payments nope.csv", 4, "cannot be read"),
    ("rejects export -o /", 73, "name another file"),
    ("rejects export -o inbox", 73, "name another file"),
    ("rejects export -o nowhere/x.csv", 73, "name a file that can be written"),
    ("-C nowhere.toml status", 2, "name another with -C FILE"),
    ("-C inbox status", 2, "name another with -C FILE"),
    ("init inbox/good.csv", 73, "name a directory that can be written"),
    ("demo --keep inbox", 2, "name a directory that does not exist yet"),
    ("demo --keep inbox/good.csv/x", 73, "name another directory"),
]


def one_answer(err: str) -> str:
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert not err.startswith("error: unexpected")
    return err


@pytest.mark.parametrize(("written", "code", "part"), WRONG, ids=[written[:60] for written, _, _ in WRONG])
def test_what_cannot_be_obeyed_is_answered_in_one_line(
    day: Path, ingest: Ingest, written: str, code: int, part: str
) -> None:
    (day / "object.json").write_text("{}")

    said = ingest(*written.split())

    assert (said.code, said.out) == (code, "")
    answer = one_answer(said.err)
    assert answer.startswith("error: ")
    assert part in answer


@pytest.mark.parametrize(
    "written", ["dead lst", "status --jsno", "events list --since x", "replays show r-none"]
)
def test_with_json_the_answer_is_a_document(day: Path, ingest: Ingest, written: str) -> None:
    said = ingest(*written.split(), "--json")

    error = error_of(said)
    assert one_answer(said.err)
    assert (error["exit"], bool(error["message"]), bool(error["hint"])) == (said.code, True, True)


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (["events", "list", "--source", ""], "the value of --source is empty"),
        (["events", "list", "--source="], "the value of --source is empty"),
        (["trace", ""], "the value of an argument is empty"),
        (["-C", "", "status"], "the value of -C is empty"),
        (["why", "a\0b"], "an argument holds a NUL character"),
        (["discard", ""], "the value of an argument is empty"),
        (["events", "list", "--key", "\udcff"], "--key is not UTF-8"),
        (["events", "show", "\udcff"], "ID|POS is not UTF-8"),
        (["replays", "show", "\udcff"], "REPLAY is not UTF-8"),
        (["dead", "retry", "--id", "\udcff", "--yes"], "--id is not UTF-8"),
    ],
)
def test_an_argument_that_says_nothing_or_is_no_text_is_refused(
    day: Path, ingest: Ingest, argv: list[str], part: str
) -> None:
    said = ingest(*argv)

    assert (said.code, said.out) == (2, "")
    assert part in one_answer(said.err)


def test_a_replay_is_meant_by_the_beginning_of_its_id(worked: Path, ingest: Ingest) -> None:
    (id_,) = (line["replay_id"] for line in ingest("replay", "ledger", "--yes", "--json").lines())

    assert ingest("replays", "show", id_[:8], "--json").json()["id"] == id_
    assert ingest("replays", "pause", id_[:8]).out == f"{id_} is paused\n"
    assert ingest("replays", "show", "r-").code == 2
    assert ingest("replays", "show", id_ + "0").code == 4


@pytest.mark.parametrize("name", [b"\xff\xfe.csv", b"a\nb.csv", b"\x1b[31m.csv"])
@pytest.mark.parametrize("command", ["why", "trace", "try payments", "land --source inbox"])
def test_a_name_of_any_bytes_is_shown_escaped_on_one_line(
    day: Path, ingest: Ingest, command: str, name: bytes
) -> None:
    said = ingest(*command.split(), os.fsdecode(name))

    assert said.code == 4
    answer = one_answer(said.err)
    assert answer.rstrip("\n").isprintable()


@pytest.mark.parametrize("columns", ["20", "1", "nonsense"])
@pytest.mark.parametrize(
    "command",
    ["status", "events list", "dead list", "dead show", "replays list", "processors list", "config show"],
)
def test_however_narrow_the_terminal_is_all_is_printed(
    day: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, command: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    argv = [*command.split(), "-q"]  # nothing is said of a list that is empty
    if command == "dead show":
        argv.append(ingest("dead", "list", "--json").lines()[0]["event_id"])

    said = ingest(*argv)

    assert (said.code, said.err) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("argv", [["status"], ["events", "list", "--json"], ["--help"]])
def test_what_cannot_be_printed_for_want_of_room_is_73(day: Path, argv: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ingest", *argv], cwd=day, stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert done.returncode == 73
    assert b"cannot be written" in done.stderr
    one_answer(done.stderr.decode())


@pytest.mark.parametrize("command", ["events tail -f --json", "status --watch --json"])
def test_what_follows_ends_when_nobody_reads_it_any_more(day: Path, command: str) -> None:
    program = f"{sys.executable} -m ingest {command} | head -c 1; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(
        ["bash", "-c", program], cwd=day, capture_output=True, timeout=PATIENCE, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"{", b"")


@pytest.mark.parametrize(
    ("name", "value"),
    [("INGEST_WORK__PROCESSES", "2"), ("INGEST_WORK__CONCURRENCY", "two"), ("INGEST_NOWHERE__LEASE", "1s")],
)
def test_nonsense_in_the_environment_is_named(
    day: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    said = ingest("status", "--json")

    assert said.code == 2
    assert name in json.loads(one_answer(said.err))["error"]["message"]
