"""ACH files written for tests: records laid out here by hand, control records counted independently."""

from __future__ import annotations

from dataclasses import dataclass, replace

ODFI = "12104288"
HEADER = "101 231380104 1210428822603021200A094101First Bank             Second Bank                    "


def checked(routing: str) -> str:
    """Eight digits with their check digit."""
    total = sum(int(d) * w for d, w in zip(routing, (3, 7, 1) * 3, strict=False))
    return f"{routing}{-total % 10}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """An entry of a batch, and the addenda that follow it, without their sequence numbers."""

    code: str = "22"
    routing: str = "23138010"
    account: str = "123456789"
    cents: int = 100
    identification: str = "EMP-1"
    name: str = "Ada Example"
    addenda: tuple[str, ...] = ()  # columns 1 to 79, or to 83 for type 05

    def written(self, sequence: int) -> list[str]:
        """Its records."""
        trace = f"{ODFI}{sequence:07}"
        flag = "1" if self.addenda else "0"
        entry = (
            f"6{self.code}{checked(self.routing)}{self.account:17}{self.cents:010}"
            f"{self.identification:15}{self.name:22}  {flag}{trace}"
        )
        return [entry, *(self._addendum(text, n, trace) for n, text in enumerate(self.addenda, start=1))]

    def _addendum(self, text: str, number: int, trace: str) -> str:
        if text[1:3] in {"98", "99", "02"}:
            return f"{text:79}{trace}"
        return f"{text:83}{number:04}{trace[8:]}"


def batch(
    *lines: Line,
    number: int = 1,
    entry_class: str = "PPD",
    service: str = "200",
    first: int = 1,
    **fields: str,
) -> list[str]:
    """The records of a batch, its control record right."""
    description = fields.get("description", "PAYROLL")
    header = (
        f"5{service}{'Example Company':16}{'':20}{'1234567890':10}{entry_class}{description:10}"
        f"{'MAR 02':6}{fields.get('effective', '260303'):6}   {fields.get('status', '1')}{ODFI}{number:07}"
    )
    records = [text for n, line in enumerate(lines, start=first) for text in line.written(n)]
    credit = sum(line.cents for line in lines if line.code[1] in "1234")
    debit = sum(line.cents for line in lines if line.code[1] not in "1234")
    entry_hash = sum(int(line.routing) for line in lines) % 10**10
    control = (
        f"8{service}{len(records):06}{entry_hash:010}{debit:012}{credit:012}"
        f"{'1234567890':10}{'':25}{ODFI}{number:07}"
    )
    return [header, *records, control]


def file_of(*batches: list[str], header: str = HEADER) -> str:
    """A whole file, padded to blocks of ten."""
    controls = [records[-1] for records in batches]
    body = [header, *(record for records in batches for record in records)]
    blocks = -(-(len(body) + 1) // 10)
    count = sum(int(control[4:10]) for control in controls)
    entry_hash = sum(int(control[10:20]) for control in controls) % 10**10
    debit = sum(int(control[20:32]) for control in controls)
    credit = sum(int(control[32:44]) for control in controls)
    control = f"9{len(batches):06}{blocks:06}{count:08}{entry_hash:010}{debit:012}{credit:012}{'':39}"
    padding = ["9" * 94] * (blocks * 10 - len(body) - 1)
    return "".join(f"{record}\n" for record in [*body, control, *padding])


def paid(**fields: object) -> Line:
    """One credit, with what is said of it."""
    return replace(Line(), **fields)  # type: ignore[arg-type]  # names of the fields, checked by the dataclass
