"""The statuses of a report: of a whole message, of groups in it, of orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.vetting import local_name
from processors.formats.iso20022 import Notes, day_from, parts_of, reference, text_of_part
from processors.formats.payment_message import MessageEnd, MessagePart, Status
from processors.formats.payment_status import Report, originals, status_of

if TYPE_CHECKING:
    from lxml import etree

_HEADER = ("MsgId", "CreDtTm")


class ReportMessage:
    """A pain.002 or pacs.002 that is being read."""

    def __init__(self, number: str, where: str, notes: Notes) -> None:
        self._where, self._notes = where, notes
        self._has_header = self._has_original = False
        self._report = Report(message=number, message_id="", on=None)  # for all that follows
        self._in_group: Report | None = None  # for what follows in the open group, once it was told
        self._waiting: Status | None = None  # of a message, until something more exact is said, or nothing
        self._statuses = 0

    def header(self, element: etree._Element) -> None:
        """The `GrpHdr`, which stands before everything else."""
        self._has_header = True
        parts = parts_of(element)
        for name in _HEADER:
            if name not in parts:
                self._notes.missing(f"GrpHdr/{name}", self._where)
        self._report = Report(
            message=self._report.message,
            message_id=reference(text_of_part(parts, "MsgId"), self._where),
            on=day_from(text_of_part(parts, "CreDtTm"), "CreDtTm", self._where, self._notes),
        )

    def open_group(self) -> None:
        """An `OrgnlPmtInfAndSts` begins."""
        self._in_group = None

    def take(self, element: etree._Element, group: etree._Element | None) -> Iterator[MessagePart]:
        """What is said of the message, or of an order in the open `group` or right in the message."""
        parts = parts_of(element)
        if local_name(element) == "OrgnlGrpInfAndSts":
            yield from self._told(is_whole=True)
            self._report = originals(parts, self._report, self._where)
            self._has_original = self._has_original or bool(self._report.original_message)
            self._waiting = self._status(element, self._report, level="message", is_whole=True)
            return
        yield from self._told(is_whole=False)
        report = self._report
        if group is not None:
            if self._in_group is None:
                yield self._of_group(group, is_whole=False)
            report = self._in_group or report
        report = originals(parts, report, self._where)
        self._has_original = self._has_original or bool(report.original_message)
        yield self._status(element, report, level="order", is_whole=True)

    def close_group(self, element: etree._Element) -> Iterator[MessagePart]:
        """The `OrgnlPmtInfAndSts` is complete."""
        yield from self._told(is_whole=False)
        if self._in_group is None:
            yield self._of_group(element, is_whole=True)

    def end(self) -> Iterator[MessagePart]:
        """The message is complete."""
        yield from self._told(is_whole=True)
        if not self._has_header:
            self._notes.missing("GrpHdr", self._where)
        if not self._has_original:
            self._notes.missing("OrgnlMsgId", self._where)
        yield from self._notes.take()
        yield MessageEnd(where=self._where)

    def _of_group(self, element: etree._Element, *, is_whole: bool) -> Status:
        self._in_group = originals(parts_of(element), self._report, self._where)
        return self._status(element, self._in_group, level="group", is_whole=is_whole)

    def _status(self, element: etree._Element, report: Report, *, level: str, is_whole: bool) -> Status:
        self._statuses += 1
        where = f"status {self._statuses}"
        return status_of(
            parts_of(element), report, level=level, is_whole=is_whole, where=where, notes=self._notes
        )

    def _told(self, *, is_whole: bool) -> Iterator[Status]:
        if self._waiting is not None:
            yield replace(self._waiting, is_whole=is_whole)
            self._waiting = None
