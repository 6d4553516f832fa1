"""One bank statement of 80 MB, read and booked: how fast, and in how much memory.

The reference is lxml's `iterparse` over the same file, every element looked at
and each entry let go of, which is what one writes first; it reads no value,
checks nothing and keeps nothing. Beside it stands `iterparse` that is told to
report entries only. Ours is once the reader alone, which gives every entry
with all its fields; and once `ingest work --once`, less what it takes where
nothing is due: read, added up, booked, and told in facts. All take turns.
"""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.looking import looking_at_memory
from benchmarks.measure import HERE, Cost, Measure, Report, median, reference, stopwatch
from benchmarks.project import Project, must_be, new_project

_ENTRIES = 74_000
_ROUNDS = 3
_BOUND = 200.0  # MB
_MB = 1_000_000
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-03-02T06:00:00+01:00</CreDtTm></GrpHdr>
<Stmt><Id>S-1</Id><ElctrncSeqNb>41</ElctrncSeqNb><CreDtTm>2026-03-02T06:00:00+01:00</CreDtTm>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>
{opening}{closing}"""
_BALANCE = """<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt>
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-03-01</Dt></Dt></Bal>
"""
_ENTRY = """<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
  <BookgDt><Dt>2026-03-01</Dt></BookgDt><ValDt><Dt>2026-03-01</Dt></ValDt>
  <AcctSvcrRef>REF{n:010}</AcctSvcrRef>
  <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn>
    <Prtry><Cd>NTRF+166</Cd><Issr>BANK</Issr></Prtry></BkTxCd>
  <NtryDtls><TxDtls>
    <Refs><EndToEndId>E2E-{n:010}</EndToEndId><TxId>TX{n:010}</TxId></Refs>
    <Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>
    <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>
    <RltdPties>
      <Dbtr><Pty><Nm>Customer number {n:07}</Nm></Pty></Dbtr>
      <DbtrAcct><Id><IBAN>DE{n:020}</IBAN></Id></DbtrAcct>
      <Cdtr><Pty><Nm>Nordwind Trading</Nm></Pty></Cdtr>
    </RltdPties>
    <RltdAgts><DbtrAgt><FinInstnId><BICFI>BYLADEM1001</BICFI></FinInstnId></DbtrAgt></RltdAgts>
    <RmtInf><Ustrd>Invoice {n:010} of this month</Ustrd></RmtInf>
  </TxDtls></NtryDtls>
  <AddtlNtryInf>Credit transfer</AddtlNtryInf></Ntry>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What booking took, and the largest resident sizes in bytes."""

    cost: Cost
    supervisor: int
    child: int


def run(scale: float, directory: Path) -> Report:
    """Measure the references and ours over the same file, three times, in turn."""
    reference("lxml")
    count = round(_ENTRIES * scale)
    file = directory / "statement.xml"
    _write_statement(file, count)
    bare, entries, read, booked = [], [], [], []
    for number in range(_ROUNDS):
        bare.append(_timed(_every_element, file, count))
        entries.append(_timed(_entries_only, file, count))
        read.append(_timed(_our_reader, file, count))
        booked.append(_booked(directory / f"project-{number}", file, count))
    return _report(file.stat().st_size / _MB, count, bare, entries, read, booked)


def _write_statement(path: Path, count: int) -> None:
    with path.open("w", encoding="ascii") as file:
        cents = sum(n % 100_000 for n in range(count))
        opening = _BALANCE.format(code="OPBD", amount="0.00")
        closing = _BALANCE.format(code="CLBD", amount=f"{cents // 100}.{cents % 100:02}")
        file.write(_HEAD.format(opening=opening, closing=closing))
        for n in range(count):
            amount = f"{n % 100_000 // 100}.{n % 100:02}"
            file.write(_ENTRY.format(n=n, amount=amount))
        file.write("</Stmt></BkToCstmrStmt></Document>")


def _timed(work: Callable[[Path], int], file: Path, count: int) -> Cost:
    with stopwatch(HERE) as taken:
        found = work(file)
        cost = taken()
    must_be(found, count, "entries")
    return cost


def _every_element(path: Path) -> int:
    return sum(1 for tag in _bare(path) if tag.endswith("}Ntry"))


def _entries_only(path: Path) -> int:
    return sum(1 for _ in _bare(path, tag="{*}Ntry"))


def _bare(path: Path, tag: str | None = None) -> Iterator[str]:
    etree = reference("lxml.etree")
    for _, element in etree.iterparse(path, tag=tag):
        yield element.tag
        if element.tag.endswith("}Ntry"):
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _our_reader(path: Path) -> int:
    camt = reference("processors.formats.camt")
    with path.open("rb") as file:
        return sum(1 for part in camt.read(file) if type(part).__name__ == "Transaction")


def _booked(root: Path, file: Path, count: int) -> Booked:
    project = _project(root)
    idle = project.run("work", "--once").cost
    shutil.copy(file, project.inbox / file.name)
    project.run("watch", "--once")
    with looking_at_memory() as peaks:
        busy = project.run("work", "--once")
    must_be(busy.document["done"], 1, "deliveries")
    with closing(sqlite3.connect(f"file:{project.store}?mode=ro", uri=True)) as store:
        must_be(store.execute("select count(*) from transactions").fetchone()[0], count, "rows")
    return Booked(cost=busy.cost - idle, **peaks)


def _project(root: Path) -> Project:
    project = new_project(root, function="statements")
    config = root / "ingest.toml"
    config.write_text(config.read_text().replace("processors.trivial:", "processors.statements:"))
    project.run("watch", "--once")  # makes the store
    return project


def _report(
    size: float,
    count: int,
    bare: Sequence[Cost],
    entries: Sequence[Cost],
    read: Sequence[Cost],
    booked: Sequence[Booked],
) -> Report:
    reference_speed = size / median(bare).wall
    book = median([each.cost for each in booked])
    supervisor, child = max(b.supervisor for b in booked), max(b.child for b in booked)
    name = "lxml iterparse, every element looked at"
    return Report(
        measures=[
            Measure(
                name="read, every entry with all its fields",
                unit="MB/s",
                figure=size / median(read).wall,
                reference=name,
                reference_figure=reference_speed,
                target="ratio >= 0.6",
            ),
            Measure(
                name="read, checked, booked and told in facts",
                unit="MB/s",
                figure=size / book.wall,
                reference=name,
                reference_figure=reference_speed,
                target="ratio >= 0.3",
            ),
            Measure(
                name="memory of supervisor and child",
                unit="MB",
                figure=(supervisor + child) / _MB,
                reference="the bound",
                reference_figure=_BOUND,
                target="ratio <= 1",
            ),
        ],
        detail={
            "entries": count,
            "file_mb": size,
            "rounds": _ROUNDS,
            "bare_s": [round(cost.wall, 2) for cost in bare],
            "bare_entries_only_s": [round(cost.wall, 2) for cost in entries],
            "read_s": [round(cost.wall, 2) for cost in read],
            "booked_s": [round(each.cost.wall, 2) for each in booked],
            "bare_cpu_s": [round(cost.cpu, 2) for cost in bare],
            "bare_entries_only_cpu_s": [round(cost.cpu, 2) for cost in entries],
            "read_cpu_s": [round(cost.cpu, 2) for cost in read],
            "booked_cpu_s": [round(each.cost.cpu, 2) for each in booked],
            "child_mb": child / _MB,
            "supervisor_mb": supervisor / _MB,
        },
    )
