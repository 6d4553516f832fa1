"""A real HTTP server that misbehaves as it is told to, and remembers every request that reached it whole."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

# refuse: close before reading; drop: close after reading, before an answer; half: close within the answer;
# hang: no answer while the server is up; a number: answer this status; a function: do what it returns.
Act = Literal["refuse", "drop", "half", "hang"] | int | tuple[int, dict[str, str]] | Callable[[], "Act"]
LONGEST = 30.0  # seconds that a hanging request is kept at most
# Whoever tells it, once the address of the receiver stands for URL.
NOTIFY = """
[[processor]]
name = "notify"
use = "notify:notify"
backoff = { base = "20ms", cap = "50ms" }
max_crashes = 20
max_attempts = 20
options = { url = "URL", timeout = "2s" }
"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """The receiver at `url`: the next connections are treated as `acts` say, the others answered with 200."""

    acts: list[Act] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_act(self) -> Act:
        with self._lock:
            return self.acts.pop(0) if self.acts else 200

    def remember(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def keys_of(self) -> dict[str, set[str]]:
        """Which keys were seen for each event id."""
        found: dict[str, set[str]] = {}
        for request in self.requests:
            found.setdefault(request.event["id"], set()).add(request.key)
        return found

    def assert_once(self, event_ids: set[str]) -> None:
        """Each of these events came at least once, under one key of its own, with the same bytes always."""
        keys = self.keys_of()
        assert keys.keys() == event_ids, "each came, and no other"
        assert all(len(each) == 1 for each in keys.values()), "never two keys for one effect"
        assert len({next(iter(each)) for each in keys.values()}) == len(event_ids), "never one key for two"
        for key in {request.key for request in self.requests}:
            bodies = {request.body for request in self.requests if request.key == key}
            assert len(bodies) == 1, "a key is never used with another request"


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]  # put there below
        act = receiver.next_act()
        if act == "refuse":
            return
        request = self._read()
        if request is None:
            return
        receiver.remember(request)
        if callable(act):
            act = act()
        if act == "drop":
            return
        if act == "hang":
            receiver.is_over.wait(LONGEST)
            return
        self._answer(act)

    def _read(self) -> Request | None:
        path = self.rfile.readline().decode("ascii")
        headers = {}
        while (line := self.rfile.readline().decode("latin-1")).strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        is_whole = bool(path) and len(body) == int(headers.get("content-length", -1))
        return Request(path.split()[1], headers, body) if is_whole else None

    def _answer(self, act: Any) -> None:
        if act == "half":
            self.wfile.write(b"HTTP/1.1 20")
            return
        status, more = act if isinstance(act, tuple) else (act, {})
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Length: 0"]
        lines += [f"{name}: {value}" for name, value in more.items()]
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode())


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that was killed is what these tests are about."""


@contextmanager
def receiving(*acts: Act, path: str = "/hook") -> Iterator[Receiver]:
    """The receiver is up."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        receiver = Receiver(acts=list(acts))
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}{path}"
        server.receiver = receiver  # type: ignore[attr-defined]  # for its handlers
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.is_over.set()
            server.shutdown()
            thread.join()
