"""What is called outside survives every kill: per effect one key, at least one request, the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ingest.domain.naming import digest_of
from tests.crash.pipeline import CONFIG, TWO_CHILDREN, Pipeline, children, payments_file, pipeline, wait_until
from tests.crash.receiver import NOTIFY, Act, Receiver, receiving
from tests.patience import PATIENCE

CHILD = "ingest.work.child"
ALONE = CONFIG.partition("[[processor]]")[0] + NOTIFY
ALONE_BY_TWO = TWO_CHILDREN.partition("[[processor]]")[0] + NOTIFY
ARROWS = [
    f"c_call commit 2 {CHILD}",  # before the intents commit
    f"c_return commit 2 {CHILD}",  # after it
    f"c_call sendall 1 {CHILD}",  # about to send
    f"c_return sendall 2 {CHILD}",  # sent, the answer not read
    f"c_call commit 3 {CHILD}",  # after the call, before its result commits
    f"c_return commit 3 {CHILD}",  # after that
    f"c_call executemany 3 {CHILD}",  # inside the transactions
    f"c_call executemany 6 {CHILD}",
    "c_return commit 2 work",  # the supervisor itself
]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Four files, landed and not yet worked."""
    project = pipeline(tmp_path_factory.mktemp("landed") / "p")
    for n in range(4):
        project.drop(f"{n}.csv", payments_file(f"P-{n}", account=f"ACC-{n % 2}"))
    project.ok("watch", "--once")
    return project


@pytest.fixture
def project(tmp_path: Path, landed: Pipeline) -> Pipeline:
    return landed.copy(tmp_path / "p")


def configure(project: Pipeline, seen: Receiver, config: str = ALONE) -> None:
    project.configure(config.replace("URL", seen.url))


def events(project: Pipeline) -> set[str]:
    return {row[0] for row in project.rows("SELECT id FROM events")}


def assert_called_once_each(project: Pipeline, seen: Receiver) -> None:
    """Every event was told under its key, and every call has its result."""
    seen.assert_once(events(project))
    for request in seen.requests:
        assert request.key == digest_of("effect", "notify", request.event["id"], "call:notify")
    assert project.rows("SELECT count(*) FROM calls WHERE made_at IS NULL") == [(0,)]
    assert project.rows("SELECT count(*) FROM calling") == [(0,)]
    assert project.rows("SELECT count(*) FROM deliveries") == [(0,)]
    assert project.rows("SELECT count(*) FROM dead") == [(0,)]
    project.assert_ordered()
    project.assert_sound()


@pytest.mark.parametrize("arrow", ARROWS)
def test_killed_worker_tells_each_fact_under_one_key(project: Pipeline, arrow: str) -> None:
    with receiving() as seen:
        configure(project, seen, ALONE_BY_TWO)
        project.run("work", "--once", "--wait-retries", kill=arrow)

        project.work_off()

    assert project.was_killed() or "commit" not in arrow, "the fault happened"
    assert_called_once_each(project, seen)


@pytest.mark.parametrize("victim", ["child", "supervisor"])
def test_a_process_killed_during_a_call_makes_the_same_call_again(project: Pipeline, victim: str) -> None:
    pids: list[int] = []

    def kill() -> Act:
        os.kill(children(pids[0])[0] if victim == "child" else pids[0], signal.SIGKILL)
        return "hang"

    with receiving(kill) as seen:
        configure(project, seen)
        worker = project.start("work", "--once", "--wait-retries")
        pids.append(worker.pid)
        worker.communicate(timeout=PATIENCE)
        project.ok("work", "--once", "--wait-retries")

    assert seen.requests.count(seen.requests[0]) >= 2, "asked the same again"
    assert project.rows("SELECT ended, error FROM attempts")[0][0] == "crashed"
    assert_called_once_each(project, seen)


@pytest.mark.parametrize(
    "acts",
    [
        ["drop", "half", "drop"],
        [500, "drop", "hang", "refuse", "half", 409],
    ],
    ids=str,
)
def test_a_receiver_that_fails_is_asked_the_same_again(project: Pipeline, acts: list[Act]) -> None:
    with receiving(*acts) as seen:
        configure(project, seen, ALONE_BY_TWO)

        project.ok("work", "--once", "--wait-retries")

    assert_called_once_each(project, seen)


def test_a_receiver_that_refuses_for_good_leaves_the_delivery_to_a_person(project: Pipeline) -> None:
    with receiving(*[422] * 4) as seen:
        configure(project, seen)
        ended = project.run("work", "--once", "--wait-retries")
        dead = [json.loads(line) for line in project.run("dead", "list", "--json").stdout.splitlines()]
        before = traced_call(project)
        project.ok("dead", "retry", "--processor", "notify", "--yes")
        project.ok("work", "--once", "--wait-retries")

    assert ended.returncode == 3
    assert [one["error"] for one in dead] == [dead[0]["error"]] * 4
    assert dead[0]["error"].startswith("call notify: http://127.0.0.1:")
    assert "/hook" not in dead[0]["error"], "what may be a secret is not shown"
    assert len(seen.requests) == 8
    after = traced_call(project)
    assert (before["state"], before["made_at"], before["result"]) == ("open", None, None)
    assert (after["state"], after["result"]) == ("made", '{"status":200}')
    assert after["key"] == before["key"]
    assert after["key"] in {request.key for request in seen.requests}
    assert_called_once_each(project, seen)


def test_a_suspended_worker_and_its_successor_use_one_key(project: Pipeline) -> None:
    started: list[int] = []

    def suspend() -> Act:
        for pid in [*children(started[0]), started[0]]:
            os.kill(pid, signal.SIGSTOP)
        return 200

    with receiving(suspend) as seen:
        short = ALONE.replace('lease = "30s"', 'lease = "1s"')
        configure(project, seen, short)
        zombie = project.start("work", "--once", "--wait-retries")
        started.append(zombie.pid)
        wait_until(lambda: is_stopped(zombie.pid), "the worker is suspended in its call")
        wait_until(lambda: is_done(project), "another has told all")
        for pid in [*children(zombie.pid), zombie.pid]:  # it may end them as soon as it goes on
            os.kill(pid, signal.SIGCONT)
        zombie.communicate(timeout=PATIENCE)

    assert zombie.returncode in {0, 75}, "it goes on, or ends as one whose work was given to others"
    assert seen.requests.count(seen.requests[0]) >= 2, "the one that was under way came again"
    assert_called_once_each(project, seen)


def test_a_call_that_overruns_the_processors_timeout_costs_a_crash_and_is_made_again(
    project: Pipeline,
) -> None:
    with receiving("hang") as seen:
        slow = ALONE.replace('timeout = "2s"', 'timeout = "40s"') + 'timeout = "3s"\n'
        configure(project, seen, slow)

        project.ok("work", "--once", "--wait-retries")

    assert project.rows("SELECT ended, error FROM attempts") == [("crashed", "timed out after 3 s")]
    assert len(seen.requests) == 5
    assert_called_once_each(project, seen)


def test_a_restored_backup_repeats_calls_under_the_keys_they_had(project: Pipeline) -> None:
    if project.is_on_server:
        pytest.skip("restoring a server is not ours to do")
    with receiving() as seen:
        configure(project, seen)
        backup = shutil.copytree(project.root / ".ingest", project.root / "backup")
        project.ok("work", "--once")
        shutil.rmtree(project.root / ".ingest")
        backup.rename(project.root / ".ingest")

        project.ok("work", "--once")

    assert len(seen.requests) == 8
    assert_called_once_each(project, seen)


def test_a_rerun_tells_nothing_twice_also_while_it_is_killed(project: Pipeline) -> None:
    with receiving() as seen:
        configure(project, seen)
        project.ok("work", "--once")
        project.ok("replay", "notify", "--yes")
        project.run("work", "--once", kill=f"c_call commit 2 {CHILD}")
        project.ok("work", "--once", "--wait-retries")
        report = json.loads(project.ok("replays", "list", "--json").splitlines()[0])

    assert len(seen.requests) == 4
    assert (report["state"], report["unchanged"]) == ("done", 4)
    assert_called_once_each(project, seen)


def test_payments_are_told_after_they_are_booked(project: Pipeline) -> None:
    with receiving("drop") as seen:
        configure(project, seen, CONFIG + NOTIFY)

        project.ok("work", "--once", "--wait-retries")

    types = {request.event["type"] for request in seen.requests}
    assert types == {"ingest.file.landed.v1", "ingest.payment.settled.v1"}
    assert_called_once_each(project, seen)
    project.assert_worked_off()


def test_a_receiver_that_remembers_keys_in_its_own_transaction_has_each_effect_once(
    project: Pipeline, tmp_path: Path
) -> None:
    books = sqlite3.connect(tmp_path / "books.db", check_same_thread=False, isolation_level=None)
    books.execute("CREATE TABLE taken (key TEXT PRIMARY KEY, event TEXT)")
    answers: list[Act] = ["drop", 200, "half", 500, 200]

    def take() -> Act:
        request = seen.requests[-1]
        books.execute("INSERT OR IGNORE INTO taken VALUES (?, ?)", (request.key, request.event["id"]))
        return answers.pop(0) if answers else 200

    with closing(books), receiving(*[take] * 12) as seen:
        configure(project, seen)
        project.ok("work", "--once", "--wait-retries")
        taken = [event for (event,) in books.execute("SELECT event FROM taken")]

    assert len(seen.requests) == 7, "three answers were lost"
    assert sorted(taken) == sorted(events(project)), "and each effect is there once"


def test_a_secret_in_an_address_is_nowhere_but_in_the_configuration(project: Pipeline) -> None:
    with receiving(path="/in?token=s3cret-1") as seen:
        seen.url = seen.url.replace("http://", "http://ann:s3cret-2@")
        configure(project, seen)
        project.ok("work", "--once")
    project.drop("more.csv", payments_file("P-9"))
    project.ok("watch", "--once")

    said = project.run("work", "--once", "-v")  # nobody is there any more
    asked = [project.run(*words.split()) for words in ("trace 0.csv --json", "config show", "status --json")]

    assert project.rows("SELECT count(*) FROM attempts") != [(0,)], "it failed, and said so"
    for done in (said, *asked):
        assert b"s3cret" not in done.stdout + done.stderr
    kept = [path for path in (project.root / ".ingest").rglob("*") if path.is_file()]
    assert [path for path in kept if b"s3cret" in path.read_bytes()] == []


def traced_call(project: Pipeline) -> dict[str, Any]:
    """The one call of the first file."""
    (event,) = json.loads(project.ok("trace", "0.csv", "--json"))["events"]
    (call,) = next(d for d in event["deliveries"] if d["processor"] == "notify")["calls"]
    return dict(call)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def is_done(project: Pipeline) -> bool:
    project.run("work", "--once", "--wait-retries")
    return project.rows("SELECT count(*) FROM outcomes") == [(4,)]
