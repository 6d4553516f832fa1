"""A real S3 endpoint on loopback for tests, and a real proxy before it that can fail.

The endpoint is a process of its own, started when first asked for and gone
with the process that asked. Each test takes a bucket of its own.
"""

from __future__ import annotations

import functools
import http.client
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from ingest.config import Bucket

KEY_ID, SECRET = "AKIATESTSKEYID", "a-secret-that-is-never-shown"
_ANYBODY = f"AWS4-HMAC-SHA256 Credential={KEY_ID}/20260101/us-east-1/s3/aws4_request, Signature=0"
_SERVE = """
import os
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

def end_with_the_tests():
    os.read(3, 1)
    os._exit(0)

threading.Thread(target=end_with_the_tests, daemon=True).start()
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""
_numbers = count(1)
_leashes: list[int] = []  # open for as long as this process is there


# It is no child of ours, for the product may end every child of its process; it ends when we are gone.
_ON_A_LEASH = 'exec 3<&0; "$0" "$@" </dev/null 2>/dev/null & exec >&-'


@functools.cache
def endpoint() -> str:
    """The address of the endpoint that all tests of this process share."""
    near, far = os.pipe()
    with subprocess.Popen(
        ["sh", "-c", _ON_A_LEASH, sys.executable, "-c", _SERVE],
        stdin=near,
        stdout=subprocess.PIPE,
        text=True,
    ) as starting:
        assert starting.stdout is not None
        port = int(starting.stdout.readline())
    os.close(near)
    _leashes.append(far)
    return f"http://127.0.0.1:{port}"


def new_bucket() -> str:
    """The name of a new, empty bucket."""
    name = f"bucket-{os.getpid()}-{next(_numbers)}"
    ask("PUT", name)
    return name


def new_location() -> Bucket:
    """A place for an archive in a new bucket."""
    return Bucket(new_bucket(), "our/archive")


def bucket_of(location: Path | Bucket) -> str:
    """The name of the bucket that an archive is in."""
    assert isinstance(location, Bucket)
    return location.name


def ask(method: str, path: str, data: bytes | None = None) -> bytes:
    """What the endpoint answers to a request made behind everybody's back."""
    request = urllib.request.Request(
        f"{endpoint()}/{path}", method=method, data=data, headers={"Authorization": _ANYBODY}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def environment(url: str) -> dict[str, str]:
    """What the environment says of an endpoint, and who we are to it."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }


@dataclass(frozen=True)
class Answer:
    """The proxy answers so by itself."""

    status: int
    code: str


@dataclass(frozen=True)
class Cut:
    """Of the body of the answer so many bytes come, then the connection ends."""

    after: int


@dataclass(frozen=True)
class Spoil:
    """The first byte of the answer is another."""


@dataclass(frozen=True)
class Silence:
    """Nothing comes, until the proxy ends."""


Fault = Answer | Cut | Spoil | Silence
Rule = Callable[[str, str], Fault | None]


def well(_method: str, _path: str) -> Fault | None:
    """Nothing goes wrong."""
    return None


@dataclass
class Proxy:
    """A proxy before the endpoint; `rule` says for method and path of each request what goes wrong."""

    url: str = ""
    rule: Rule = well
    seen: list[tuple[str, str]] = field(default_factory=list)
    answered: list[tuple[str, str, int]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def answers(self, method: str, within: str = "") -> list[int]:
        return [status for asked, path, status in self.answered if asked == method and within in path]

    def count(self, method: str, within: str = "") -> int:
        return sum(1 for asked, path in self.seen if asked == method and within in path)


@contextmanager
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    handler = type("Handler", (_Handler,), {"proxy": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def parse_request(self) -> bool:
        """A request in hand is answered by one method, whatever it is."""
        is_whole = super().parse_request()
        if is_whole:
            setattr(self, f"do_{self.command}", self.answer)
        return is_whole

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        made = self.proxy
        made.seen.append((self.command, self.path))
        fault = made.rule(self.command, self.path)
        if isinstance(fault, Silence):
            made.ended.wait()
            self.close_connection = True
            return
        if isinstance(fault, Answer):
            said = f"<Error><Code>{fault.code}</Code><AWSAccessKeyId>{KEY_ID}</AWSAccessKeyId></Error>"
            self._reply(fault.status, {}, b"" if self.command == "HEAD" else said.encode(), None)
            return
        found = _forwarded(self.command, self.path, dict(self.headers), body)
        made.answered.append((self.command, self.path, found[0]))
        self._reply(*found, fault)

    def log_message(self, *_args: object) -> None:
        pass

    def _reply(self, status: int, headers: dict[str, str], body: bytes, fault: Fault | None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if isinstance(fault, Spoil):
            body = bytes([body[0] ^ 1]) + body[1:]
        if isinstance(fault, Cut):
            body, self.close_connection = body[: fault.after], True
        self.wfile.write(body)


def _forwarded(
    method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(endpoint()).netloc)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    kept = {
        name: value
        for name, value in answer.getheaders()
        if name.lower() not in ("transfer-encoding", "connection", "date", "server")
    }
    found = answer.status, kept, answer.read()
    connection.close()
    return found
