"""The tables of `reconcile`, and what one reference comes to, given those before it.

Every table grows row by row, each under the `keyseq` of the reference among all,
and a run reads rows below its own only: so it comes to the same whenever it is
repeated. Time is told by the references themselves: the day on which the newest
of them was given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import Any

from ingest import Context, Table, table
from processors.digests import digest
from processors.facts import (
    InvoicePaid,
    InvoicePartlyPaid,
    InvoiceReopened,
    PaymentUnmatched,
    ReferenceGiven,
)
from processors.matching import Rules, is_paid
from processors.sequence import keyseq_of

INVOICE_PAYMENTS = table(
    "invoice_payments",
    unique=("invoice", "payment_id", "keyseq"),
    invoice=str,  # 32 hexadecimal digits: its number, reference, amount and currency
    payment_id=str,
    keyseq=int,
    change=str,  # "matched" | "unmatched": the payment was reversed
    invoice_id=str,
    reference=str,
    currency=str,
    total=Decimal,  # of the invoice
    amount=Decimal,  # of the payment; negative of it where it is unmatched
)
INVOICES = table(
    "reconcile_invoices",
    unique=("name", "keyseq"),
    name=str,
    keyseq=int,
    invoice=str,
    invoice_id=str,
    reference=str,
    currency=str,
    total=Decimal,
    approved_on=date,
    due_on=date | None,
)
PAYMENTS = table(
    "reconcile_payments",
    unique=("name", "keyseq"),
    name=str,
    keyseq=int,
    payment_id=str,
    currency=str,
    amount=Decimal,
    dated=date,
)
REVERSALS = table("reconcile_reversals", unique=("payment_id", "keyseq"), payment_id=str, keyseq=int)
WAITING = table(
    "reconcile_waiting",
    unique=("since", "keyseq"),
    since=date,
    keyseq=int,
    payment_id=str,
    account=str,
    currency=str,
    amount=Decimal,
    dated=date,
    reference=str,
    names=list,
)
UNMATCHED = table(
    "unmatched_payments",
    unique=("payment_id", "keyseq"),
    payment_id=str,
    keyseq=int,
    account=str,
    currency=str,
    amount=Decimal,
    dated=date,
    reference=str,
    reason=str,  # "no reference" | "no invoice" | "currency" | "direction" | "date"
)
DAYS = table("reconcile_days", unique=("day", "keyseq"), day=date, keyseq=int)
TABLES = (INVOICE_PAYMENTS, UNMATCHED, INVOICES, PAYMENTS, REVERSALS, WAITING, DAYS)
_CHUNK = 500  # payments looked at in one go
_Row = Mapping[str, Any]


class Matching:
    """One reference that was given, and what stood before it."""

    def __init__(self, given: ReferenceGiven, ctx: Context) -> None:
        self._given, self._ctx = given, ctx
        self._rules = Rules(ctx.options)
        self._at = keyseq_of(ctx)
        told = ctx.event.time.astimezone(UTC).date()
        self._known = max((row["day"] for row in self._before(DAYS)), default=None)
        self._today = told if self._known is None else max(told, self._known)
        self._matched: set[str] = set()  # in this run

    def run(self) -> None:
        """Matches and their facts are handed over; then what has waited too long."""
        match self._given.by:
            case "settled":
                self._settled()
            case "reversed":
                self._reversed()
            case _:
                self._approved()
        self._time_has_passed()

    def _settled(self) -> None:
        given = self._given
        if self._are_reversed({given.id}):
            return
        payment = {
            "payment_id": given.id,
            "currency": given.currency,
            "amount": given.amount,
            "dated": given.dated,
        }
        for each in given.names:
            self._ctx.insert(PAYMENTS, {"name": each, "keyseq": self._at, **payment})
        if not given.names:
            self._unmatched(self._waiting_row(), "no reference")
            return
        self._ctx.insert(WAITING, self._waiting_row())
        for approvals in self._invoices(given.names).values():
            if any(self._rules.pays(payment, one) for one in approvals):
                self._match(approvals[0], [payment])

    def _approved(self) -> None:
        given = self._given
        invoice = {
            "invoice": digest(given.id, given.reference, format(given.amount, "f"), given.currency),
            "invoice_id": given.id,
            "reference": given.reference,
            "currency": given.currency,
            "total": given.amount,
            "approved_on": given.dated,
            "due_on": given.due_on,
        }
        for each in given.names:
            self._ctx.insert(INVOICES, {"name": each, "keyseq": self._at, **invoice})
        named = {row["payment_id"]: row for row in self._before(PAYMENTS, name=set(given.names))}
        gone = self._are_reversed(named)
        paying = [row for id_, row in named.items() if id_ not in gone and self._rules.pays(row, invoice)]
        self._match(invoice, paying)

    def _reversed(self) -> None:
        given = self._given
        self._ctx.insert(REVERSALS, {"payment_id": given.id, "keyseq": self._at})
        if given.id in self._are_reversed({given.id}):
            return
        for approvals in self._invoices(given.names).values():
            invoice = approvals[0]
            paid = self._payments_of(invoice["invoice"])
            if given.id in paid:
                self._note(invoice, given.id, "unmatched", -paid[given.id])
                left = {id_: amount for id_, amount in paid.items() if id_ != given.id}
                if is_paid(invoice["total"], paid.values()) and not is_paid(invoice["total"], left.values()):
                    self._reopened(invoice)

    def _match(self, invoice: _Row, payments: Sequence[_Row]) -> None:
        """These payments, if they are not yet, are matched with the invoice."""
        if not payments:
            return
        paid = self._payments_of(invoice["invoice"])
        now = dict(paid)
        for payment in payments:
            id_, amount = payment["payment_id"], payment["amount"]
            if id_ not in now:
                now[id_] = amount
                self._matched.add(id_)
                self._note(invoice, id_, "matched", amount)
                if abs(amount) < invoice["total"]:
                    self._partly_paid(invoice, id_, amount)
        if is_paid(invoice["total"], now.values()) and not is_paid(invoice["total"], paid.values()):
            self._paid(invoice)

    def _note(self, invoice: _Row, payment_id: str, change: str, amount: Decimal) -> None:
        row = {"payment_id": payment_id, "keyseq": self._at, "change": change, "amount": amount}
        for column in ("invoice", "invoice_id", "reference", "currency", "total"):
            row[column] = invoice[column]
        self._ctx.insert(INVOICE_PAYMENTS, row)

    def _paid(self, invoice: _Row) -> None:
        fact = InvoicePaid(
            invoice_id=invoice["invoice_id"],
            amount=invoice["total"],
            currency=invoice["currency"],
            reference=invoice["reference"],
        )
        self._ctx.emit(fact, key=invoice["invoice_id"], name=invoice["invoice"])

    def _partly_paid(self, invoice: _Row, payment_id: str, amount: Decimal) -> None:
        fact = InvoicePartlyPaid(
            invoice_id=invoice["invoice_id"],
            payment_id=payment_id,
            amount=amount,
            total=invoice["total"],
            currency=invoice["currency"],
            reference=invoice["reference"],
        )
        self._ctx.emit(fact, key=invoice["invoice_id"], name=f"{invoice['invoice']}/{payment_id}")

    def _reopened(self, invoice: _Row) -> None:
        fact = InvoiceReopened(
            invoice_id=invoice["invoice_id"],
            payment_id=self._given.id,
            amount=invoice["total"],
            currency=invoice["currency"],
            reference=invoice["reference"],
        )
        self._ctx.emit(fact, key=invoice["invoice_id"], name=invoice["invoice"])

    def _time_has_passed(self) -> None:
        """Payments that have waited too long by the day of this fact are unmatched."""
        if self._today == self._known:
            return
        self._ctx.insert(DAYS, {"day": self._today, "keyseq": self._at})
        if self._known is None:
            return
        first, last = self._known, min(self._today - timedelta(days=1), self._known + self._rules.patience)
        days = [first + timedelta(days=n) - self._rules.patience for n in range((last - first).days + 1)]
        rows = sorted(self._before(WAITING, since=set(days)), key=lambda row: int(row["keyseq"]))
        for start in range(0, len(rows), _CHUNK):
            self._give_up(rows[start : start + _CHUNK])

    def _give_up(self, waiting: Sequence[_Row]) -> None:
        gone = self._are_reversed(row["payment_id"] for row in waiting)
        named = defaultdict[str, list[_Row]](list)
        for one in self._before(INVOICES, name={each for row in waiting for each in row["names"]}):
            named[one["name"]].append(one)
        for row in waiting:
            misses = {self._rules.misses(row, one) for each in row["names"] for one in named[each]}
            if row["payment_id"] not in gone | self._matched and "" not in misses:
                reasons = (why for why in ("date", "direction", "currency") if why in misses)
                self._unmatched(row, next(reasons, "no invoice"))

    def _waiting_row(self) -> _Row:
        given = self._given
        return {
            "since": self._today,
            "keyseq": self._at,
            "payment_id": given.id,
            "account": given.account,
            "currency": given.currency,
            "amount": given.amount,
            "dated": given.dated,
            "reference": given.reference,
            "names": given.names,
        }

    def _unmatched(self, payment: _Row, reason: str) -> None:
        columns = ("payment_id", "account", "currency", "amount", "dated", "reference")
        told = {column: payment[column] for column in columns} | {"keyseq": self._at, "reason": reason}
        fact = PaymentUnmatched(
            payment_id=payment["payment_id"],
            account=payment["account"],
            amount=payment["amount"],
            currency=payment["currency"],
            reference=payment["reference"],
            reason=reason,
        )
        key = payment["account"] or payment["payment_id"]
        self._ctx.insert(UNMATCHED, told, fact=fact, key=key, name=payment["payment_id"])

    def _invoices(self, named: Iterable[str]) -> dict[str, list[_Row]]:
        """What was approved under any of these names: the approvals of each invoice."""
        found = defaultdict[str, list[_Row]](list)
        for row in self._before(INVOICES, name=set(named)):
            found[row["invoice"]].append(row)
        return found

    def _payments_of(self, invoice: str) -> dict[str, Decimal]:
        """The amounts of payments that are matched with an invoice."""
        rows = self._before(INVOICE_PAYMENTS, invoice=invoice)
        gone = {row["payment_id"] for row in rows if row["change"] == "unmatched"}
        return {row["payment_id"]: row["amount"] for row in rows if row["payment_id"] not in gone}

    def _are_reversed(self, ids: Iterable[str]) -> set[str]:
        return {row["payment_id"] for row in self._before(REVERSALS, payment_id=set(ids))}

    def _before(self, of: Table, **equal: Any) -> list[_Row]:
        if set() in equal.values():
            return []  # to ask costs a transaction
        return [row for row in self._ctx.select(of, **equal) if row["keyseq"] < self._at]
