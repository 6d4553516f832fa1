"""From one major version of a fact to another, on reading: what is stored stays as it was written.

A step is a pure function from the data of one version, as JSON holds it, to
that of the next (an upcaster) or of the one before (a downgrade). Steps are
declared beside the classes of the facts and followed one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from ingest.domain.codec import canonical_json, data_of, loads
from ingest.domain.events import Event
from ingest.domain.facts import EventUnreadable, class_of
from ingest.domain.versions import major_of, majors_of
from ingest.errors import PermanentError, UsageError

_Step = TypeVar("_Step", bound=Callable[[dict[str, Any]], dict[str, Any]])
_STEPS: dict[tuple[str, int, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}


def upcast(name: str, *, to: int) -> Callable[[_Step], _Step]:
    """Declare a function that makes data of version `to` of a fact from those of the version before.

    It is given the data as JSON holds them, in a dict of its own, and must be
    pure: an old event reads the same for ever. Raises `UsageError` for a step
    that another function takes already.
    """
    return _declare(name, to - 1, to)


def downgrade(name: str, *, to: int) -> Callable[[_Step], _Step]:
    """Declare a function that makes data of version `to` of a fact from those of the version after.

    Whoever reads `to` then goes on when later versions are emitted. As `upcast` otherwise.
    """
    return _declare(name, to + 1, to)


def _declare(name: str, before: int, after: int) -> Callable[[_Step], _Step]:
    def declare(step: _Step) -> _Step:
        other = _STEPS.get((name, before, after))
        if other is not None and _place(other) != _place(step):
            raise UsageError(
                f"two functions lead from {name}.v{before} to v{after}", hint="take one of them away"
            )
        _STEPS[name, before, after] = step
        return step

    return declare


def _place(step: Callable[..., object]) -> tuple[str, str]:
    return step.__module__, step.__qualname__


def as_accepted(event: Event, accepts: frozenset[str]) -> Event:
    """The event in a version that is among `accepts`: the next one after it, else the last before it.

    Raises `PermanentError` where no steps lead to any, naming the first that
    is missing, and for a type of which no version is accepted.
    """
    type_ = accepted_version(event.type, accepts)
    return event if type_ == event.type else _brought_to(event, type_)


def accepted_version(type_: str, accepts: frozenset[str]) -> str:
    """The version among `accepts` in which events of this type are read; raises as `as_accepted` does."""
    if type_ in accepts:
        return type_
    name, major = major_of(type_) or (type_, 0)
    accepted = majors_of(accepts, name)
    later = [each for each in accepted if each > major]
    earlier = [each for each in reversed(accepted) if each < major]
    for wanted in (*later, *earlier):
        if missing_step(name, major, wanted) is None:
            return f"{name}.v{wanted}"
    raise _not_read(type_, name, major, [*later, *earlier])


def what_counts(type_: str, key: str, body: str) -> tuple[str, str, str]:
    """What of a fact counts: its type, its partition key and its data, canonical JSON.

    In the last version that upcasters lead to, or as they are where one
    fails: a fact that has another version now is still the same. When it was
    emitted, and by what, does not count. Two facts are told alike just when
    this is equal.
    """
    last, data = newest_version(type_), data_of(body)
    if last != type_:
        with suppress(EventUnreadable):
            return last, key, canonical_json(_taken(type_, last, loads(data)))
    return type_, key, data


def newest_version(type_: str) -> str:
    """The last version that upcasters lead to from this one."""
    found = major_of(type_)
    if found is None:
        return type_
    name, major = found
    while (name, major, major + 1) in _STEPS:
        major += 1
    return f"{name}.v{major}"


def missing_step(name: str, before: int, after: int) -> tuple[int, int] | None:
    """The first step on the way from one version to another that is not declared, or None."""
    return next((step for step in _steps(before, after) if (name, *step) not in _STEPS), None)


def _steps(before: int, after: int) -> list[tuple[int, int]]:
    by = 1 if after > before else -1
    return [(each, each + by) for each in range(before, after, by)]


def _brought_to(event: Event, type_: str) -> Event:
    cls = class_of(type_)
    name, _, major = type_.rpartition(".v")
    dataschema = f"urn:ingest:schema:{name}:{major}.0" if cls is None else str(getattr(cls, "dataschema", ""))
    return replace(event, type=type_, dataschema=dataschema, data=_taken(event.type, type_, event.data))


def _taken(before_type: str, after_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What all the steps make of `data`; raises `EventUnreadable` naming the one that fails."""
    (name, before), (_, after) = major_of(before_type) or ("", 0), major_of(after_type) or ("", 0)
    found = dict(data)
    for step in _steps(before, after):
        found = _step(name, step, found)
    return found


def _step(name: str, step: tuple[int, int], data: dict[str, Any]) -> dict[str, Any]:
    said = f"the step of {name} from v{step[0]} to v{step[1]}"
    try:
        found = _STEPS[name, *step](data)
    except MemoryError:
        raise
    except Exception as error:
        # Its message may quote the data.
        raise EventUnreadable(
            f"{said} failed: {type(error).__name__}", hint="correct it, then `ingest dead retry`"
        ) from error
    if not isinstance(found, dict):
        raise EventUnreadable(f"{said} returned no dict", hint="correct it, then `ingest dead retry`")
    return found


def _not_read(type_: str, name: str, major: int, accepted: list[int]) -> PermanentError:
    if not accepted:
        return PermanentError(
            f"the event is of type {type_}, which this processor does not accept",
            hint="accept it and `ingest dead retry`, or `ingest dead discard`",
        )
    before, after = missing_step(name, major, accepted[0]) or (major, accepted[0])
    is_up = after > before
    kind = "upcast" if is_up else "downgrade"
    declare = f'declare `@{kind}("{name}", to={after})` where the fact is declared, or in processors/facts.py'
    others = "" if is_up else "install a version of the processor that accepts it, or "
    return PermanentError(
        f"the event is of type {type_}, a version that this processor does not read:"
        f" no {'upcaster' if is_up else 'downgrade'} leads from v{before} to v{after}",
        hint=f"{others}{declare}, then `ingest dead retry`",
    )
