"""What people who write processors are given to test them: a real store, and real crashes."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ingest import Context, FileLanded, PermanentError, Processor, Table, fact, processor, table
from ingest.errors import UsageError
from ingest.testing import Bench, Refusal

LINES = table("lines", text=str, amount=Decimal, unique="text")
NOTES = table("notes", note=str)
COUNTER = itertools.count()

MakeBench = Callable[..., Bench]


@fact("test.line.read", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class LineRead:
    """A line was read for the first time."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    text: str


@processor(accepts=FileLanded, version="1", tables=[LINES])
def lines(event: FileLanded, ctx: Context) -> None:
    if event.name.startswith("bad"):
        raise PermanentError("a bad file")
    with ctx.open() as file:
        for number, raw in enumerate(file, start=1):
            text = raw.decode().strip()
            if text == "?":
                ctx.reject(line=number, rule="unknown", raw=text)
                continue
            row = {"text": text, "amount": Decimal(number)}
            ctx.insert(LINES, row, fact=LineRead(text=text), key=text, name=text)


@processor(accepts=LineRead, version="1", tables=[NOTES])
def notes(event: LineRead, ctx: Context) -> None:
    ctx.insert(NOTES, {"note": event.text})


@processor(accepts=FileLanded, version="1", tables=[NOTES])
def counting(event: FileLanded, ctx: Context) -> None:
    """Wrong: a run that is repeated comes to something else."""
    ctx.insert(NOTES, {"note": str(next(COUNTER))})


@processor(accepts=FileLanded, version="1", tables=[NOTES])
def looking(event: FileLanded, ctx: Context) -> None:
    """Wrong: what it comes to depends on what came before."""
    ctx.insert(NOTES, {"note": f"{event.name} after {len(ctx.select(NOTES))}"})


@processor(accepts=FileLanded, version="1", tables=[NOTES])
def choosing(event: FileLanded, ctx: Context) -> None:
    """Notes which of two notes stand."""
    found = sorted(row["note"] for row in ctx.select(NOTES, note={"one.txt:", "two.txt:"}))
    ctx.insert(NOTES, {"note": f"{event.name}:{','.join(found)}"})


def test_a_processor_may_ask_for_any_of_a_set_of_values(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(choosing)
    for name in ("one.txt", "other.txt", "two.txt"):
        bench.land(name, name)
        bench.work()

    notes = [row["note"] for row in bench.rows(NOTES)]
    assert notes == ["one.txt:", "other.txt:one.txt:", "two.txt:one.txt:"]


def test_rows_facts_refusals_and_verdicts_are_plain_values(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(lines, max_rejects="50%")
    bench.land("a.txt", "one\n?\ntwo\n")

    bench.work()

    assert bench.rows(LINES) == [
        {"text": "one", "amount": Decimal(1)},
        {"text": "two", "amount": Decimal(3)},
    ]
    assert bench.facts(LineRead) == [LineRead(text="one"), LineRead(text="two")]
    assert bench.refusals() == [Refusal(processor="lines", line=2, column=None, rule="unknown", raw="?")]
    verdict = bench.verdict()
    assert (verdict.subject, verdict.state, verdict.booked, verdict.rejected) == ("a.txt", "done", 2, 1)
    assert bench.calls() == []


def test_processors_follow_each_other_s_facts(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(lines, notes)
    bench.land("a.txt", b"one\ntwo\n")

    bench.work()

    assert bench.rows(NOTES) == [{"note": "one"}, {"note": "two"}]


def test_a_fact_can_be_given_without_the_processor_that_emits_it(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(notes)
    bench.emit(LineRead(text="told"), key="k", name="told")

    bench.work()

    assert bench.rows(NOTES) == [{"note": "told"}]
    bench.assert_idempotent()


def test_a_bad_file_is_dead_with_its_reason(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(lines)
    bench.land("bad.txt", "one\n")

    bench.work()

    assert (bench.verdict().state, bench.verdict().error) == ("dead", "a bad file")
    assert bench.rows(LINES) == []


@pytest.mark.parametrize("point", ["ran", "committing", "committed"])
def test_a_worker_that_is_killed_loses_and_doubles_nothing(ingest_bench: MakeBench, point: str) -> None:
    bench = ingest_bench(lines)
    bench.land("a.txt", "one\n")

    bench.crash(at=point)  # type: ignore[arg-type]  # one of them
    stood = len(bench.rows(LINES))
    bench.work()

    assert stood == (1 if point == "committed" else 0), "it was killed where it was to be"
    assert bench.rows(LINES) == [{"text": "one", "amount": Decimal(1)}]
    assert bench.facts() == [LineRead(text="one")]


def test_a_crash_that_could_not_happen_is_said(ingest_bench: MakeBench) -> None:
    with pytest.raises(AssertionError, match="nothing was due"):
        ingest_bench(lines).crash()


def test_a_good_processor_is_idempotent_in_any_order(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(lines, notes)
    for name in ("a.txt", "b.txt"):
        bench.land(name, f"one of {name}\ntwo of {name}\n")
    bench.land("a.txt", "a newer one\n")

    bench.assert_idempotent()

    independent = ingest_bench(lines)
    independent.land("a.txt", "one\n")
    independent.land("b.txt", "two\n")
    independent.assert_order_does_not_matter()


def doubled() -> Processor:
    """Another version of `lines`, which refuses `two`."""

    @processor(accepts=FileLanded, version="2", tables=[LINES])
    def lines(event: FileLanded, ctx: Context) -> None:
        with ctx.open() as file:
            for number, raw in enumerate(file, start=1):
                text = raw.decode().strip()
                if text == "two":
                    raise PermanentError("two is no good")
                ctx.insert(
                    LINES,
                    {"text": text, "amount": Decimal(2 * number)},
                    fact=LineRead(text=text),
                    key=text,
                    name=text,
                )

    return lines


def test_a_shadow_says_what_another_version_would_change_and_applies_nothing(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(lines)
    bench.land("a.txt", "one\n")
    bench.land("b.txt", "two\n")
    bench.work()
    before = bench.standing()

    same, other = bench.shadow(), bench.shadow(doubled())

    unchanged = {"added": 0, "removed": 0, "changed": 0, "unchanged": 2}
    assert (same["rows"], same["outcomes"]) == ({"lines": unchanged}, [])
    assert other["outcomes"] == [{"stands": "done", "would": "dead", "events": 1}]
    assert other["rows"] == {"lines": {"added": 0, "removed": 0, "changed": 1, "unchanged": 0}}
    assert [(total["before"], total["after"]) for total in other["money"]] == [("1", "2")]
    assert bench.standing() == before


def test_a_processor_that_counts_its_runs_is_found_out(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(counting)
    bench.land("a.txt", "")

    with pytest.raises(AssertionError, match="a replay of counting finds 1 repaired"):
        bench.assert_idempotent()


def test_a_processor_that_depends_on_the_order_is_found_out(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(looking)
    bench.land("a.txt", "a")
    bench.land("b.txt", "b")

    with pytest.raises(AssertionError, match="opposite order"):
        bench.assert_order_does_not_matter()


def test_the_plugin_is_there_for_a_test_that_imports_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(ingest_bench):\n    assert callable(ingest_bench)\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "ingest.testing.plugin", "-p", "no:cacheprovider"]

    ended = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stdout


def test_the_kit_needs_no_pytest() -> None:
    code = "import sys; sys.modules['pytest'] = None; import ingest.testing"

    subprocess.run([sys.executable, "-c", code], check=True)


def notes_of(name: str, options: Mapping[str, Any]) -> list[Table]:
    if "into" not in options:
        msg = "into is missing"
        raise ValueError(msg)
    return [table(options["into"], unique=(), **{f"{name}_says": str})]


@processor(accepts=FileLanded, version="1", tables=notes_of)
def telling(event: FileLanded, ctx: Context) -> None:
    [into] = notes_of("telling", ctx.options)
    ctx.insert(into, {"telling_says": event.name})


def test_tables_may_be_made_of_the_name_and_the_options_of_a_processor(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(telling, options={"into": "told"})
    bench.land("a.txt", "a")

    bench.work()

    assert bench.rows(table("told", telling_says=str)) == [{"telling_says": "a.txt"}]
    bench.assert_idempotent()


def test_options_of_which_no_table_can_be_made_are_refused(ingest_bench: MakeBench) -> None:
    with pytest.raises(UsageError, match=r"processor\.telling\.options are refused: into is missing"):
        ingest_bench(telling)
