"""`try`: what a processor makes of a file, beside what stands; nothing is applied."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.project import GOOD, Ingest, error_of
from tests.store.backends import only_on


def test_try_shows_rows_and_facts_and_applies_nothing(day: Path, ingest: Ingest) -> None:
    before = ingest("status", "--json").json()["head_position"]
    file = "inbox/good.csv"

    found = ingest("try", "payments", file, "--json").json()

    assert found["verdict"] == "done"
    assert [row["values"]["payment_id"] for row in found["rows"]] == ["P-1", "P-2", "P-3"]
    assert [fact["data"]["payment_id"] for fact in found["facts"]] == ["P-1", "P-2", "P-3"]
    assert found["event"]["data"]["source"] == "inbox"
    assert (found["rows_in"], found["rejects"], found["calls"]) == (3, [], [])
    assert ingest("status", "--json").json()["head_position"] == before
    assert "nothing was applied" in ingest("try", "payments", file).out


def test_try_shows_what_is_refused_and_exits_3(day: Path, ingest: Ingest) -> None:
    said = ingest("try", "payments", "inbox/bad.csv", "--json")

    assert said.code == 3
    assert said.json()["verdict"] == "dead"
    assert said.json()["rejects"][0]["line"] == 3
    assert ingest("try", "payments", "inbox/bad.csv").code == 3


def test_try_takes_an_event_for_a_processor_of_other_facts(day: Path, tmp_path: Path, ingest: Ingest) -> None:
    event = ingest("events", "list", "--type", "ingest.payment.settled.v1", "--limit", "1", "--json").lines()[
        0
    ]["event"]
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "none.json").write_text("[]")

    found = ingest("try", "ledger", str(tmp_path / "event.json"), "--json").json()

    assert len(found["rows"]) == 2
    assert ingest("try", "ledger", str(tmp_path / "none.json")).code == 2


def test_try_says_what_would_be_booked_beside_what_stands(worked: Path, ingest: Ingest) -> None:
    stood = ingest("try", "payments", "inbox/good.csv", "--json").json()
    again = GOOD.replace("P-3,ACC-2,30.00", "P-3,ACC-2,31.00").replace("P-2", "P-7")
    (worked / "again.csv").write_text(again)

    refused, allowed = (
        ingest("try", "payments", "again.csv", "--json"),
        _try_with_rejects(worked, ingest, "again.csv"),
    )

    assert (stood["stands"], stood["rows_booked"], stood["rows_duplicate"]) == ("done", 3, 0)
    assert stood["differences"]["rows"]["payments"]["unchanged"] == 3
    assert (refused.code, refused.json()["error"]) == (3, "1 of 3 rows rejected, more than max_rejects = 0%")
    assert (refused.json()["rows_booked"], refused.json()["facts_emitted"]) == (0, 0)
    assert allowed["rejects"] == [{"line": None, "column": "payment_id", "rule": "conflict", "raw": "P-3"}]
    assert (allowed["rows_in"], allowed["rows_booked"], allowed["rows_duplicate"]) == (3, 1, 1)
    assert (allowed["rows_rejected"], allowed["facts_emitted"], allowed["stands"]) == (1, 1, "waiting")
    assert (
        "3 rows: 3 booked, 0 duplicate, 0 rejected, 3 facts"
        in ingest("try", "payments", "inbox/good.csv").out
    )


def _try_with_rejects(home: Path, ingest: Ingest, file: str) -> dict[str, Any]:
    """What `try` says of the file when half of its rows may be rejected."""
    settings = (home / "ingest.toml").read_text()
    lenient = settings.replace('payments"\n\n', 'payments"\nmax_rejects = "50%"\n\n')
    assert lenient != settings
    (home / "lenient.toml").write_text(lenient)
    return ingest("try", "payments", file, "--json", "-C", "lenient.toml").json()


def test_try_gives_the_fact_that_the_source_would_state(worked: Path, ingest: Ingest) -> None:
    pattern = "name_pattern = '(?P<account>[a-z]+)[0-9]*[.]csv'\npartition = \"{account}\"\n"
    settings = (worked / "ingest.toml").read_text().replace('quiet = "50ms"\n', f'quiet = "50ms"\n{pattern}')
    (worked / "named.toml").write_text(settings)
    for name, text in (("good.csv", GOOD.replace("P-1", "P-4")), ("copy1.csv", GOOD)):
        (worked / "inbox" / name).write_text(text)
    good = ingest("why", "inbox/good.csv", "--json").json()["event_id"]

    newer, copy = (
        ingest("try", "payments", f"inbox/{name}", "--json", "-C", "named.toml").json()["event"]
        for name in ("good.csv", "copy1.csv")
    )

    assert (newer["data"]["version"], newer["data"]["supersedes"]) == (2, good)
    assert (copy["data"]["duplicateof"], copy["data"]["fields"]) == (good, {"account": "copy"})
    assert copy["partitionkey"] == "inbox/copy"


def test_what_a_processor_prints_stays_out_of_the_document(empty: Path) -> None:
    module = """
import os
from ingest import Context, FileLanded, processor

print("at the import")

@processor(accepts=FileLanded, version="1")
def loud(event: FileLanded, ctx: Context) -> None:
    print("at the run")
    os.write(1, b"past Python")
"""
    (empty / "processors").mkdir(exist_ok=True)
    (empty / "processors" / "loud.py").write_text(module)
    (empty / "a.csv").write_text("x")
    command = [sys.executable, "-m", "ingest", "try", "processors.loud:loud", "a.csv", "--json"]

    done = subprocess.run(command, cwd=empty, capture_output=True, check=False)

    assert json.loads(done.stdout)["verdict"] == "done"
    assert [said in done.stderr for said in (b"at the import", b"at the run", b"past Python")] == [True] * 3


@only_on("sqlite", "the database is a file")
def test_a_processor_is_not_tried_on_the_database(worked: Path, ingest: Ingest) -> None:
    (worked / "inbox" / "x.csv").hardlink_to(worked / ".ingest" / "ingest.db")

    said = ingest("try", "payments", "inbox/x.csv")

    assert said.code == 2
    assert "part of the database" in said.err


def test_try_takes_no_pipe_which_could_be_read_only_once(worked: Path, ingest: Ingest) -> None:
    os.mkfifo(worked / "pipe")

    assert "is not a file" in error_of(ingest("try", "payments", "pipe", "--json"))["message"]


def test_try_needs_no_store_and_finds_a_processor_by_its_use(empty: Path, ingest: Ingest) -> None:
    (empty / "good.csv").write_text(GOOD)

    assert ingest("try", "processors.payments:payments", "good.csv").code == 0
    assert ingest("try", "nobody", "good.csv").code == 4
    assert ingest("try", "payments", "missing.csv").code == 4
    assert not (empty / ".ingest").exists()
