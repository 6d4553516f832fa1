"""A receiver of notifications that misbehaves, and remembers every key it was ever shown."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Answers, refuses, delays, or hangs up before or after it has read; until it `behaves`."""

    def __init__(self, seed: int) -> None:
        self.behaves = False
        self.keys: dict[str, set[str]] = defaultdict(set)  # by event id
        self.answered: dict[str, set[str]] = defaultdict(set)  # keys that were answered well, by event id
        self.requests = 0
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    def close(self) -> None:
        """It listens no more."""
        self._server.shutdown()
        self._server.server_close()

    def mood(self) -> str:
        """How the next request is met."""
        with self._lock:
            self.requests += 1
            moods = ("well", "500", "503", "hang up", "hang up after", "late")
            return "well" if self.behaves else self._chance.choices(moods, (12, 1, 1, 1, 1, 1))[0]

    def take(self, event_id: str, key: str) -> None:
        """The request has been read as a whole."""
        with self._lock:
            self.keys[event_id].add(key)

    def answer(self, event_id: str, key: str) -> None:
        """The request is about to be answered well."""
        with self._lock:
            self.answered[event_id].add(key)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked was killed meanwhile."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        mood = receiver.mood()
        if mood == "hang up":
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        receiver.take(body["id"], key)
        if mood == "hang up after":
            return
        if mood == "late":
            time.sleep(1.0)
        if mood.isdigit():
            self.send_response(int(mood))
        else:
            receiver.answer(body["id"], key)
            self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """It keeps quiet."""
