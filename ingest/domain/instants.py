"""Moments as the store and the events write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Whole microseconds from 1970-01-01T00:00Z to `moment`, which must carry a zone."""
    if moment.tzinfo is None:
        msg = "a moment without a zone is ambiguous"
        raise ValueError(msg)
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The moment, in UTC, `micros` microseconds after 1970-01-01T00:00Z."""
    return _EPOCH + timedelta(microseconds=micros)


def rfc3339(moment: datetime) -> str:
    """`moment`, which must carry a zone, in UTC with microseconds, as in `2026-03-01T09:30:00.000000Z`."""
    if moment.tzinfo is None:
        msg = "a moment without a zone is ambiguous"
        raise ValueError(msg)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> datetime:
    """The moment that RFC 3339 `text` names; raises `ValueError` where it names none, or no zone."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        msg = f"{text!r} has no zone"
        raise ValueError(msg)
    try:
        return parsed.astimezone(UTC)
    except OverflowError as error:
        msg = f"{text!r} is before the first or after the last moment there is"
        raise ValueError(msg) from error
