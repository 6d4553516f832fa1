"""The sample files, worked through by the rules alone: no store, only their bytes and the processors.

What is held here to `expected.toml` is what the demonstration must reach by the long way.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ingest import PermanentError
from ingest.testing import Row, hand_over
from processors.ledger import ledger
from processors.payments import payments

SAMPLES = Path(__file__).parents[2] / "sample_data"


def document(name: str) -> dict[str, Any]:
    return tomllib.loads((SAMPLES / name).read_text("utf-8"))


@dataclass(slots=True)
class World:
    """What has landed and what is booked, after as many passes as have been made."""

    current: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    first: dict[tuple[str, bytes], str] = field(default_factory=dict)
    booked: dict[str, Row] = field(default_factory=dict)
    landed: list[dict[str, Any]] = field(default_factory=list)
    redelivered: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def drop(self, when: str, drop: Mapping[str, str]) -> None:
        """Land one drop as the rules of versions and duplicates have it, and process it."""
        seen = {"pass": when, "source": drop["source"], "path": drop["as"]}
        if "kind" in drop:
            self.refused.append({**seen, "reason": drop["kind"]})
            return
        data = (SAMPLES / drop["file"]).read_bytes()
        version, standing = self.current.get((drop["source"], drop["as"]), (0, None))
        if standing == data:
            self.redelivered.append(seen)
            return
        self._supersede(seen)
        self.current[drop["source"], drop["as"]] = (version + 1, data)
        first = self.first.setdefault((drop["source"], data), drop["as"])
        known = {"duplicateof": first} if first != drop["as"] else {}
        self.landed.append({**seen, "version": version + 1, **known, **self._process(data)})

    def _supersede(self, seen: Mapping[str, str]) -> None:
        for event in self.landed:
            if (event["source"], event["path"], event["outcome"]) == (seen["source"], seen["path"], "dead"):
                event["outcome"] = "superseded"

    def _process(self, data: bytes) -> dict[str, Any]:
        nothing = {"booked": 0, "duplicate": 0}
        try:
            handed = hand_over(payments, data)
        except PermanentError as error:
            return {"outcome": "dead", "error": error.message.split(": ")[1], **nothing, "rejected": 0}
        sent = {row.values["payment_id"]: row for row in handed.rows}
        new = {id_: row for id_, row in sent.items() if id_ not in self.booked}
        known = [(row, self.booked[id_]) for id_, row in sent.items() if id_ in self.booked]
        conflicts = [row for row, standing in known if row.values != standing.values]
        rejected = len(handed.refusals) + len(conflicts)
        if rejected:
            return {"outcome": "dead", "error": "rejected", **nothing, "rejected": rejected}
        self.booked |= new
        return {"outcome": "done", "booked": len(new), "duplicate": len(known), "rejected": 0}


@cache
def world() -> World:
    made = World()
    for each in document("drops.toml")["pass"]:
        for drop in each["drop"]:
            made.drop(each["name"], drop)
    return made


def postings() -> Iterator[Mapping[str, Any]]:
    for payment in world().booked.values():
        assert payment.emitted is not None
        for posting in hand_over(ledger, payment.emitted.fact).rows:
            yield posting.values


@pytest.mark.parametrize("kind", ["landed", "redelivered", "refused"])
def test_every_drop_becomes_what_is_expected_of_it(kind: str) -> None:
    assert getattr(world(), kind) == document("expected.toml")[kind]


def test_the_totals_are_those_of_the_drops() -> None:
    made, expected = world(), document("expected.toml")
    posted = list(postings())

    assert expected["totals"] == {
        "landed": len(made.landed),
        "redelivered": len(made.redelivered),
        "refused": len(made.refused),
        "duplicateof": sum("duplicateof" in event for event in made.landed),
        "settled": len(made.booked),
        "payments": len(made.booked),
        "ledger_postings": len(posted),
        "rejects": sum(event["rejected"] for event in made.landed),
    }
    assert expected["outcomes"]["payments"] == Counter(event["outcome"] for event in made.landed)
    assert expected["outcomes"]["ledger"] == {"done": len(made.booked), "dead": 0, "superseded": 0}


def test_the_money_adds_up_to_what_is_expected() -> None:
    expected = document("expected.toml")
    balances: dict[str, Counter[str]] = {}
    for posting in postings():
        balances.setdefault(posting["currency"], Counter())[posting["account"]] += posting["amount_minor"]

    for currency, figures in expected["payments"].items():
        amounts = [
            Decimal(row.values["amount"])
            for row in world().booked.values()
            if row.values["currency"] == currency
        ]
        assert figures == {"count": len(amounts), "sum": str(sum(amounts))}
    assert balances == expected["balances"]
    assert all(sum(accounts.values()) == 0 for accounts in balances.values())


def test_every_sample_file_is_dropped_and_none_has_a_name_that_a_checkout_could_not_hold() -> None:
    stored = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*") if path.is_file()}
    dropped = {
        drop["file"] for each in document("drops.toml")["pass"] for drop in each["drop"] if "file" in drop
    }

    assert stored == dropped
    assert all(name.isascii() and name.isprintable() for name in stored)


def test_the_readme_speaks_of_every_file() -> None:
    readme = (SAMPLES / "README.md").read_text("utf-8")

    for each in document("drops.toml")["pass"]:
        for drop in each["drop"]:
            assert drop.get("file", drop["as"]) in readme
