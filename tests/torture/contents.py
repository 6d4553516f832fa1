"""What is dropped, and what must come of it: each content knows its payments, or that it is poison."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count

MARK = "PAYLOADMARK"  # stands in every payload: it must never be seen in a log
HEADER = "payment_id,account,amount,currency,value_date,counterparty,reference\n"
ACCOUNTS = 6
HARMLESS = ("fine", "fine", "fine", "fine", "print", "flaky", "leak", "daemon")
HARMFUL = ("segfault", "exit", "raise", "bad", "memory", "hang")


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One row of a payments file."""

    id: str
    account: str
    cents: int

    @property
    def row(self) -> str:
        """As it stands in the file."""
        return (
            f"{self.id},{self.account},{self.cents // 100}.{self.cents % 100:02},EUR,2026-03-02,{MARK},ref\n"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Bytes that are dropped."""

    kind: str
    data: bytes
    payments: tuple[Payment, ...] = ()
    is_poison: bool = False  # for the processor that reads its source
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", sha256(self.data).hexdigest())


class Maker:
    """Makes contents by chance; no two are equal unless that is the point of them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ids = count(1)
        self._booked: list[Payment] = []

    def payments(self) -> Content:
        """An honest payments file; now and then it repeats a row of an earlier one, or is large."""
        rows = self._chance.choice((1, 1, 1, 1, 2, 2, 3, 5, 60))
        payments = [self._payment() for _ in range(rows)]
        if self._booked and self._chance.random() < 0.15:
            payments.append(self._chance.choice(self._booked))
        self._booked.extend(payments[:2])
        return Content(kind="payments", data=_file(payments), payments=tuple(payments))

    def poison(self) -> Content:
        """A payments file that must be refused as a whole, for good."""
        good, row = _file([self._payment()]), self._payment().row
        kind, data = self._chance.choice(
            (
                ("truncated", good + row[: self._chance.randrange(3, 12)].encode()),
                ("amount", good + row.replace(",EUR", "e9,EUR").encode()),
                ("digits", good + row.replace(".", ",").encode()),
                ("encoding", good + row.replace("ref", "caf\xe9").encode("latin-1")),
                ("header", good.replace(b"account", b"account,account", 1)),
                ("nul", good + row.replace("ref", "r\0f").encode()),
                ("quote", good + row.replace("ref", '"ref').encode()),
                ("no header", row.encode()),
            )
        )
        return Content(kind=f"poison: {kind}", data=data, is_poison=True)

    def odd(self) -> Content:
        """A file whose first word tells the processor what to do to itself."""
        is_poison = self._chance.random() < 0.12
        kind = self._chance.choice(HARMFUL if is_poison else HARMLESS)
        size = self._chance.choice((0, 10, 1000, 5000, 300_000))
        data = f"{kind} {next(self._ids)} {MARK}\n".encode() + self._chance.randbytes(size)
        return Content(kind=f"odd: {kind}", data=data, is_poison=is_poison)

    def empty(self) -> Content:
        """Nothing at all, which no processor of payments can read."""
        return Content(kind="empty", data=b"", is_poison=True)

    def _payment(self) -> Payment:
        account = f"ACC-{self._chance.randrange(ACCOUNTS)}"
        return Payment(id=f"P-{next(self._ids)}", account=account, cents=self._chance.randrange(1, 10**7))


def _file(payments: list[Payment]) -> bytes:
    return (HEADER + "".join(payment.row for payment in payments)).encode()
