"""A fact of a version that a processor does not read is dead with a message, and never passed over."""

from __future__ import annotations

import json
from pathlib import Path

from tests.crash.pipeline import Pipeline, pipeline

CONFIG = """\
version = 1

[work]
concurrency = 1

[[source]]
name = "acme"
path = "inbox"
complete = "renamed"

[[processor]]
name = "producer"
use = "producer:producer"

[[processor]]
name = "consumer"
use = "consumer:consumer"
"""
PRODUCER = """\
from dataclasses import dataclass
from typing import ClassVar

from ingest import Context, FileLanded, fact, processor


@fact("tests.order.placed", version={version})
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    type: ClassVar[str]
    dataschema: ClassVar[str]
    order: str


@processor(accepts=FileLanded, version="{version}")
def producer(event: FileLanded, ctx: Context) -> None:
    ctx.emit(OrderPlaced(order=event.name), key="orders", name=event.name)
"""
CONSUMER = """\
from ingest import Context, processor


@processor(accepts={accepts}, version="1")
def consumer(event: object, ctx: Context) -> None:
    pass
"""


def _release(project: Pipeline, *, producer: int, consumer: list[int]) -> None:
    folder = project.root / "processors"
    folder.mkdir(exist_ok=True)
    (folder / "producer.py").write_text(PRODUCER.format(version=producer))
    accepts = [f"tests.order.placed.v{version}" for version in consumer]
    (folder / "consumer.py").write_text(CONSUMER.format(accepts=accepts))


def _dead(project: Pipeline) -> list[str]:
    return [json.loads(line)["error"] for line in project.ok("dead", "list", "--json").splitlines()]


def test_a_fact_of_a_later_version_is_dead_until_its_consumer_reads_it(tmp_path: Path) -> None:
    project = pipeline(tmp_path / "p", CONFIG)
    _release(project, producer=1, consumer=[1])
    project.drop("1.csv", b"one")
    project.heal()
    assert _dead(project) == []

    _release(project, producer=99, consumer=[1])
    project.drop("2.csv", b"two")
    project.ok("watch", "--once")
    done = project.run("work", "--once")

    assert done.returncode == 3
    (said,) = _dead(project)
    assert "tests.order.placed.v99, a version that this processor does not read" in said
    assert b"KeyError" not in done.stderr

    _release(project, producer=99, consumer=[1, 99])
    project.heal()
    project.ok("dead", "retry", "--yes")
    project.heal()
    assert _dead(project) == []
    assert project.rows("SELECT count(*) FROM deliveries") == [(0,)]
