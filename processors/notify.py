"""Tells another system what happened: each fact is posted to it as a CloudEvent, under a key of its own.

Structured mode of CloudEvents over HTTP: the event is the body. The receiver
may see a request twice, with the same `Idempotency-Key` and the same bytes; it
never sees two keys for one fact.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ingest import Context, FileLanded, PermanentError, TryLater, call, envelope, processor
from processors.facts import PaymentSettled

TIMEOUT = 10.0  # seconds
LONGEST_TIMEOUT = 300.0
# Taken later, perhaps: 409 is what a receiver answers that is still busy with the same key.
_AGAIN = frozenset({408, 409, 425, 429})
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


class NotTaken(Exception):
    """The receiver did not take the fact; it may do so later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Where facts are posted to, and how long one request may take."""

    is_secure: bool
    host: str
    port: int | None
    target: str
    login: str  # "user:password", or empty
    timeout: float  # seconds

    def __str__(self) -> str:
        """What may be shown of it: a path or a query may hold a secret."""
        port = "" if self.port is None else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}{port}"

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is opened by the first request."""
        kind = http.client.HTTPSConnection if self.is_secure else http.client.HTTPConnection
        return kind(self.host, self.port, timeout=self.timeout)


def receiver(options: Mapping[str, Any]) -> Receiver:
    """The receiver that the options `url` and `timeout` name; raises `ValueError` where they name none."""
    if unknown := sorted(options.keys() - {"url", "timeout"}):
        msg = f"{unknown[0]!r} is not known: it takes url and timeout"
        raise ValueError(msg)
    url = options.get("url")
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        msg = 'url is missing or no address: write url = "https://…" in ASCII, percent-encoded'
        raise ValueError(msg)
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        msg = "the port in url is no port"
        raise ValueError(msg) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        msg = "url begins with neither https://HOST nor http://HOST"
        raise ValueError(msg)
    login = parts.netloc.rpartition("@")[0]
    return Receiver(
        is_secure=parts.scheme == "https",
        host=parts.hostname,
        port=port,
        target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        login=unquote(login),
        timeout=_seconds(options.get("timeout", TIMEOUT)),
    )


@call(repeatable=True)
def post(request: Any, *, key: str, options: Mapping[str, Any]) -> dict[str, int]:
    """The receiver has taken the event; its answer's status.

    A redirect is not followed: what is behind it never agreed to get the
    event. Only the status of an answer is read.
    """
    to = receiver(options)
    connection = to.connect()
    try:
        connection.request("POST", to.target, body=_body(request), headers=_headers(to, key))
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        msg = f"{to} did not answer: {type(error).__name__}"
        raise NotTaken(msg) from error
    finally:
        connection.close()
    refusal = _refusal(to, answer.status, answer.headers.get("Retry-After", ""))
    if refusal is not None:
        raise refusal
    return {"status": answer.status}


@processor(accepts=(FileLanded, PaymentSettled), version="1", tables=[], check=receiver)
def notify(_event: FileLanded | PaymentSettled, ctx: Context) -> None:
    """The fact will be posted, once in effect."""
    ctx.once("notify", post, envelope(ctx.event))


def _refusal(to: Receiver, status: int, retry_after: str) -> Exception | None:
    """What the status means, None where the event was taken."""
    match status // 100:
        case 2:
            return None
        case 5:
            return _later(to, status, retry_after)
        case 4 if status in _AGAIN:
            return _later(to, status, retry_after)
        case 3:
            hint = "redirects are not followed: give the address it leads to as url"
        case _:
            hint = "correct url or the receiver, then `ingest dead retry`"
    return PermanentError(f"{to} answered {status}", hint=hint)


def _later(to: Receiver, status: int, retry_after: str) -> Exception:
    asked = float(retry_after) if re.fullmatch(r"\d{1,6}", retry_after) else 0.0
    said = f"{to} answered {status}"
    return TryLater(said, after=asked) if asked else NotTaken(said)


def _body(request: Any) -> bytes:
    """The same bytes for the same request, always."""
    return json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _headers(to: Receiver, key: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/cloudevents+json",
        "Idempotency-Key": key,
        "User-Agent": "ingest",
        "Connection": "close",
    }
    if to.login:
        headers["Authorization"] = f"Basic {base64.b64encode(to.login.encode()).decode('ascii')}"
    return headers


def _seconds(given: Any) -> float:
    match = _DURATION.fullmatch(given) if isinstance(given, str) else None
    seconds = float(match[1]) * _UNITS[match[2]] if match else given
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 < seconds <= LONGEST_TIMEOUT
    ):
        msg = f'timeout is no duration of at most {LONGEST_TIMEOUT:g} s: write timeout = "10s"'
        raise ValueError(msg)
    return float(seconds)
