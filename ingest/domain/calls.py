"""Calls to the outside: declared beside a processor, registered while it runs, made once its result stands.

A processor calls nothing itself. It registers an intent: a name, a declared
function and a request. The intent is kept in this very form, so that whoever
makes the call, now or after a crash, makes the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ingest.domain.codec import canonical_json, loads
from ingest.errors import PermanentError

__all__ = ["MAX_CALLS", "MAX_REQUEST", "MAX_REQUESTS", "Call", "Intent", "Register", "call"]

MAX_CALLS = 1000  # registered for one event
MAX_NAME = 200  # characters
MAX_REQUEST = 256 * 1024  # bytes of one request as JSON
MAX_REQUESTS = 8 * 1024 * 1024  # bytes of all requests of one event


class _Function(Protocol):
    def __call__(self, request: Any, *, key: str, options: Mapping[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function that reaches outside, and whether it may be repeated with the same key."""

    function: _Function
    is_repeatable: bool

    def __call__(self, request: Any, *, key: str, options: Mapping[str, Any]) -> Any:
        """Make the call; what it returns is recorded as its result."""
        return self.function(request, key=key, options=options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that is to be made once for an event; plain and comparable."""

    name: str  # unique among the calls of one event and processor
    function: str  # its name in the processor's module
    is_repeatable: bool
    request: str  # canonical JSON

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the request."""
        return hashlib.sha256(self.request.encode()).hexdigest()

    def value(self) -> Any:
        """The request, as the function is given it."""
        return loads(self.request)


def call(*, repeatable: bool) -> Callable[[_Function], Call]:
    """Declare a function as a call that `ctx.once` may register.

    `repeatable`: the receiver recognises the key, so that a call whose result
    was lost may be made again under the same one. Where it is False, such a
    call waits for a person.
    """

    def declare(function: _Function) -> Call:
        return Call(function=function, is_repeatable=repeatable)

    return declare


class Register:
    """The intents of one run, in the order in which they were registered.

    `declared` tells the calls of the processor's module by their names there:
    a function is kept by its name, and must be found again after a restart.
    """

    def __init__(self, declared: Callable[[], Mapping[str, Call]]) -> None:
        self.intents: list[Intent] = []
        self._declared = declared
        self._names: set[str] = set()
        self._bytes = 0

    def add(self, name: str, wanted: Call, request: Any) -> Intent:
        """One more intent; raises `PermanentError` for one that could not be kept, or not be made later."""
        self._take_name(name)
        function = next((n for n, known in self._declared().items() if known is wanted), None)
        if function is None:
            raise PermanentError(
                f"call {name!r} is no function of the processor's module declared with @call",
                hint="put @call(repeatable=…) above it, or import it into the module by its name",
            )
        bound = self._bound(name, request)
        intent = Intent(name=name, function=function, is_repeatable=wanted.is_repeatable, request=bound)
        self.intents.append(intent)
        return intent

    def _take_name(self, name: str) -> None:
        if not 0 < len(name) <= MAX_NAME or not name.isprintable():
            raise PermanentError(f"the name of a call is 1 to {MAX_NAME} printable characters")
        if name in self._names:
            raise PermanentError(
                f"call {name!r} was registered before for this event",
                hint="the name makes the key: give each call its own",
            )
        if len(self._names) == MAX_CALLS:
            raise PermanentError(f"more than {MAX_CALLS} calls were registered for one event")
        self._names.add(name)

    def _bound(self, name: str, request: Any) -> str:
        try:
            bound = canonical_json(request)
            size = len(bound.encode())
        except (TypeError, ValueError, RecursionError) as error:
            raise PermanentError(
                f"the request of call {name!r} cannot be kept as JSON: {error}",
                hint="use text, whole numbers, lists and mappings; money as text",
            ) from error
        self._bytes += size
        if size > MAX_REQUEST or self._bytes > MAX_REQUESTS:
            raise PermanentError(
                f"the request of call {name!r} is too large: {size} bytes",
                hint=f"at most {MAX_REQUEST} bytes each and {MAX_REQUESTS} for one event: refer to the file",
            )
        return bound
