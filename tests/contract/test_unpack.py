"""Members of containers are told as files of their own, and are there whenever somebody asks."""

from __future__ import annotations

import gzip
import hashlib
import io
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ingest import Context, FileExtracted, FileLanded, PermanentError, fact, processor, table
from ingest.testing import Bench, hand_over
from ingest.testing.crashing import Point
from processors.payments import PAYMENTS, payments
from processors.unpack import recognise, unpack, wishes
from tests.vetting.archives import Zipped, tar_of, zip_of

MakeBench = Callable[..., Bench]
CSV = b"a,b\n1,2\n"
PAID = b"""payment_id,account,amount,currency,value_date,counterparty,reference
P-1,M-17,12.50,EUR,2026-03-02,Nordwind,INV 1
"""
LENGTHS = table("lengths", name=str, length=int, sha256=str)
CHECKED = table("checked", length=int)


@fact("test.member.read", version=1)
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRead:
    """Somebody has read a file."""

    type: ClassVar[str]
    dataschema: ClassVar[str]
    path: str


@processor(accepts=(FileLanded, FileExtracted), version="1", tables=[])
def reader(event: FileLanded | FileExtracted, ctx: Context) -> None:
    """Tells of every file that is no container."""
    if not event.name.endswith(".zip"):
        ctx.emit(MemberRead(path=event.path), key=event.path, name="read")


@processor(accepts=MemberRead, version="1", tables=[CHECKED])
def checker(_event: MemberRead, ctx: Context) -> None:
    """What is in the file that was read."""
    with ctx.open() as file:
        ctx.insert(CHECKED, {"length": len(file.read())})


@processor(accepts=FileExtracted, version="1", tables=[LENGTHS])
def lengths(event: FileExtracted, ctx: Context) -> None:
    """What is in each member."""
    with ctx.open() as file:
        data = file.read()
    if data.startswith(b"bad"):
        message = "a bad member"
        raise PermanentError(message)
    digest = hashlib.sha256(data).hexdigest()
    ctx.insert(LENGTHS, {"name": event.path, "length": len(data), "sha256": digest})


def told(container: bytes, name: str = "x.zip", **options: Any) -> list[FileExtracted]:
    return [one.fact for one in hand_over(unpack, container, name=name, options=options).facts]


def test_a_member_is_told_with_all_that_was_known_of_its_container() -> None:
    [one] = hand_over(unpack, zip_of(Zipped(name=b"2026/a.csv", data=CSV)), name="x.zip").facts

    extracted = one.fact
    assert (one.key, one.name) == ("bench/x.zip", "2026/a.csv")
    assert (extracted.source, extracted.name, extracted.path) == ("bench", "a.csv", "x.zip/2026/a.csv")
    assert (extracted.size, extracted.sha256) == (len(CSV), hashlib.sha256(CSV).hexdigest())
    assert (extracted.media_type, extracted.encoding) == ("text/csv", "utf-8")
    assert extracted.member == ["2026/a.csv"]


def test_a_container_is_recognised_by_its_content() -> None:
    assert recognise(io.BytesIO(zip_of()), {}, "utf-8") == "zip"
    assert recognise(io.BytesIO(gzip.compress(CSV)), {}, "utf-8") == "gzip"
    assert recognise(io.BytesIO(CSV), {}, "utf-8") == ""


def test_members_are_chosen_by_globs() -> None:
    container = tar_of(("a.csv", CSV), ("in/b.csv", CSV), ("readme.txt", CSV))

    assert [one.path for one in told(container, "x", members=["**/*.csv"])] == ["x/a.csv", "x/in/b.csv"]


def test_what_is_no_container_is_left_to_others_or_passed_on() -> None:
    assert told(CSV, "a.csv") == []
    [passed] = told(CSV, "a.csv", others="pass")
    assert (passed.path, passed.member, passed.size) == ("a.csv", [], len(CSV))


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.gz", "x.ZST"])
def test_what_is_called_a_container_and_is_none_is_refused(name: str) -> None:
    with pytest.raises(PermanentError, match="not a"):
        told(CSV, name)


def test_bounds_are_those_of_the_options() -> None:
    container = gzip.compress(bytes(3_000_000))

    with pytest.raises(PermanentError, match="more than 200 bytes out for each byte in"):
        told(container)
    assert [one.size for one in told(container, "x.gz", max_ratio=2000)] == [3_000_000]
    with pytest.raises(PermanentError, match="more than 1,048,576 bytes of one member"):
        told(container, "x.gz", max_ratio=2000, max_member_size="1MiB")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"member": []}, "'member' is not known"),
        ({"members": "*.csv"}, "members is a list of globs"),
        ({"members": []}, "members is a list of globs"),
        ({"others": "drop"}, "others is skip or pass"),
        ({"depth": 0}, "depth is a whole number from 1 to 8"),
        ({"depth": 9}, "depth is a whole number from 1 to 8"),
        ({"max_ratio": True}, "max_ratio is a whole number"),
        ({"max_entries": "7"}, "max_entries is a whole number"),
        ({"max_member_size": "2 GB"}, "max_member_size is a size"),
    ],
)
def test_an_option_that_cannot_be_understood_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wishes(options)


def test_sizes_are_written_as_elsewhere() -> None:
    assert wishes({"max_member_size": "3KiB", "max_total_size": 7}).caps.member_size == 3072


def test_a_member_is_opened_out_of_its_container(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(unpack, lengths)
    bench.land("x.zip", zip_of(Zipped(name=b"a.csv", data=CSV), Zipped(name=b"b.csv", data=CSV * 9)))
    bench.work()

    assert [(row["name"], row["length"]) for row in bench.rows(LENGTHS)] == [
        ("x.zip/a.csv", len(CSV)),
        ("x.zip/b.csv", len(CSV) * 9),
    ]


def test_a_file_that_is_passed_on_is_opened_as_it_landed(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(unpack, lengths, options={"others": "pass"})
    bench.land("a.csv", CSV)
    bench.work()

    assert [(row["name"], row["length"]) for row in bench.rows(LENGTHS)] == [("a.csv", len(CSV))]


def test_containers_in_containers_are_taken_apart_as_deep_as_was_asked_for(ingest_bench: MakeBench) -> None:
    inner = zip_of(Zipped(name=b"a.csv", data=CSV))
    outer = gzip.compress(tar_of(("inner.zip", inner)))
    shallow, deep = ingest_bench(unpack, lengths), ingest_bench(unpack, lengths, options={"depth": 2})
    for bench in (shallow, deep):
        bench.land("x.tgz", outer)
        bench.work()

    assert [one.path for one in shallow.facts(FileExtracted)] == ["x.tgz/inner.zip"]
    assert [one.member for one in deep.facts(FileExtracted)] == [["inner.zip"], ["inner.zip", "a.csv"]]
    assert [row["length"] for row in deep.rows(LENGTHS)] == [len(inner), len(CSV)]


def test_nothing_is_told_of_a_container_with_one_bad_member(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(unpack, lengths)
    bench.land("x.zip", zip_of(Zipped(name=b"a.csv"), Zipped(name=b"b.csv", crc=7)))
    bench.work()

    assert bench.facts() == []
    verdict = bench.verdict()
    assert verdict.state == "dead"
    assert "entry 2: its bytes are not those the directory tells of" in str(verdict.error)


def test_one_bad_member_is_dead_by_itself_until_a_later_container_has_a_good_one(
    ingest_bench: MakeBench,
) -> None:
    bench = ingest_bench(unpack, lengths, on_dead="skip")
    bench.land("x.tar", tar_of(("a", CSV), ("b", b"bad"), ("c", CSV)))
    bench.work()

    assert [v.state for v in bench.verdicts() if v.processor == "lengths"] == ["done", "dead", "done"]
    bench.land("x.tar", tar_of(("a", CSV), ("b", b"good"), ("c", CSV)))
    bench.work()

    states = [v.state for v in bench.verdicts() if v.processor == "lengths"]
    assert states == ["done", "superseded", "done", "done", "done", "done"]


@pytest.mark.parametrize("point", ["ran", "committing", "committed"])
def test_members_are_booked_once_whatever_happens(ingest_bench: MakeBench, point: Point) -> None:
    bench = ingest_bench(unpack, lengths)
    bench.land("x.zip", zip_of(Zipped(name=b"a.csv", data=CSV), Zipped(name=b"b.csv", data=CSV * 9)))
    bench.land("%41 ü.gz", gzip.compress(CSV, mtime=0))

    bench.crash(at=point)
    bench.work()

    assert sorted(row["length"] for row in bench.rows(LENGTHS)) == [len(CSV), len(CSV), len(CSV) * 9]
    assert len(bench.facts(FileExtracted)) == 3
    bench.assert_replay_changes_nothing()


def test_members_are_of_the_key_of_their_container_whatever_it_is_called() -> None:
    found = hand_over(unpack, tar_of(("a", CSV), ("b", CSV)), name="%41 ü.tar").facts

    assert [one.key for one in found] == ["bench/%2541 ü.tar"] * 2


def test_facts_that_follow_from_a_member_open_that_member(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(unpack, reader, checker)
    bench.land("x.zip", zip_of(Zipped(name=b"a.csv", data=CSV), Zipped(name=b"b.csv", data=CSV * 9)))
    bench.land("y.csv", CSV * 2)
    bench.work()

    assert sorted(row["length"] for row in bench.rows(CHECKED)) == [len(CSV), len(CSV) * 2, len(CSV) * 9]
    bench.assert_replay_changes_nothing()


def test_payments_take_members_as_they_take_files(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(payments, unpack)
    bench.land("paid.csv", PAID)
    bench.work()
    assert [row["payment_id"] for row in bench.rows(PAYMENTS)] == ["P-1"]

    bench.land("paid.zip", zip_of(Zipped(name=b"paid.csv", data=PAID.replace(b"P-1", b"P-2"))))
    bench.work()

    of_the_container = [v for v in bench.verdicts() if v.processor == "payments"][-2]
    assert "the content is zip, not text" in str(of_the_container.error)


PROGRAM = Path(sys.executable).resolve().read_bytes()  # a real one


@pytest.mark.parametrize(
    "content", [PROGRAM, b"MZ\x90\0\3" + bytes(90), b"%PDF-1.7\n"], ids=["elf", "exe", "pdf"]
)
def test_an_executable_called_csv_is_no_matter_of_rows(content: bytes) -> None:
    with pytest.raises(PermanentError, match=r"the content is (an executable|pdf), not text"):
        hand_over(payments, content, name="paid.csv")


class Trap:
    """Whoever loads it as a pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_called_csv_is_no_text_and_nobody_loads_it(tmp_path: Path) -> None:
    with pytest.raises(PermanentError):
        hand_over(payments, pickle.dumps(Trap(tmp_path / "loaded")), name="paid.csv")

    assert list(tmp_path.iterdir()) == []


SAMPLES = Path(__file__).parents[2] / "sample_data" / "formats" / "containers"


def test_the_honest_sample_is_taken_apart_and_its_payments_are_booked(ingest_bench: MakeBench) -> None:
    bench = ingest_bench(payments, unpack, on_dead="skip")
    bench.land("day.zip", (SAMPLES / "day.zip").read_bytes())
    bench.work()

    assert [row["payment_id"] for row in bench.rows(PAYMENTS)] == ["Z-1", "Z-2", "Z-3"]


def test_the_broken_sample_is_refused_as_truncated() -> None:
    with pytest.raises(PermanentError, match="truncated: it ends before its end is told"):
        told((SAMPLES / "day-cut.tar.gz").read_bytes(), "day-cut.tar.gz")
