"""Two workers at once: payments of accounts and approvals of invoices meet, and each invoice is paid once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.crash.pipeline import CONFIG, Pipeline, pipeline, wait_until

pytestmark = pytest.mark.timeout(150)  # several processes; how fast depends on who shares the machine
INVOICES = 30
GIVING = """\
import json
import os
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

from ingest import Context, FileLanded, processor
from processors.facts import InvoiceApproved, PaymentSettled

WORKERS = Path(__file__).parent.parent / "workers"
DAY = date(2026, 3, 2)


@processor(accepts=FileLanded, version="1", tables=[])
def giving(event: FileLanded, ctx: Context) -> None:
    WORKERS.mkdir(exist_ok=True)
    (WORKERS / str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(list(WORKERS.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    with ctx.open() as file:
        given = json.load(file)
    for account, id_, amount, number in given["payments"]:
        fact = PaymentSettled(
            payment_id=id_, account=account, amount=Decimal(amount), currency="EUR",
            value_date=DAY, counterparty="", reference=f"for INV {number}",
        )
        ctx.emit(fact, key=account, name=id_)
    for number in given["approved"]:
        fact = InvoiceApproved(
            invoice_id=f"INV-{number}", amount=Decimal("10.00"), currency="EUR",
            reference=f"INV-{number}", approved_on=DAY, due_on=None,
        )
        ctx.emit(fact, key=fact.invoice_id, name=fact.invoice_id)
"""
SETTINGS = (
    CONFIG[: CONFIG.index("[[processor]]")]
    + """\
[[processor]]
name = "giving"
use = "giving:giving"

[[processor]]
name = "reconcile"
use = "processors.reconcile:reconcile"
"""
)


@pytest.fixture
def project(tmp_path: Path) -> Pipeline:
    made = pipeline(tmp_path / "p", SETTINGS)
    (made.root / "processors").mkdir()
    (made.root / "processors" / "giving.py").write_text(GIVING)
    return made


def numbers() -> list[str]:
    return [f"{1000 + n}" for n in range(INVOICES)]


def land(project: Pipeline, name: str, **given: object) -> None:
    project.drop(name, json.dumps({"payments": [], "approved": [], **given}).encode())
    project.ok("watch", "--once")


def test_what_two_workers_learn_at_once_is_matched_once(project: Pipeline) -> None:
    land(project, "0.json", payments=[["A", f"A-{n}", "4.00", n] for n in numbers()])
    first = project.start("work", "--once")
    wait_until(lambda: len(list((project.root / "workers").glob("*"))) == 1, "one has begun")
    for place, number in enumerate(numbers()):
        name = f"{place + 1}.json"
        project.drop(
            name,
            json.dumps({"payments": [["B", f"B-{number}", "6.00", number]], "approved": [number]}).encode(),
        )
    project.ok("watch", "--once")

    second = project.start("work", "--once")
    ended = [process.communicate(timeout=120) for process in (first, second)]
    project.ok("work", "--once")

    assert [err for _, err in ended if b"Traceback" in err] == []
    assert len(list((project.root / "workers").iterdir())) >= 2
    paid = project.rows("SELECT key, count(*) FROM events WHERE type = 'ingest.invoice.paid.v1' GROUP BY key")
    assert sorted(paid) == [(f"INV-{number}", 1) for number in numbers()]
    matched = project.rows("SELECT invoice_id, payment_id FROM invoice_payments WHERE change = 'matched'")
    assert sorted(matched) == sorted((f"INV-{n}", f"{of}-{n}") for n in numbers() for of in "AB")
    assert project.rows("SELECT count(*) FROM dead") == [(0,)]
