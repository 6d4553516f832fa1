"""A real SMTP server on loopback that misbehaves as it is told to, and keeps every message it took."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Literal

# take: accept it; later, never: refuse the sender for now, or for good; hang up: in the middle of the data;
# lose: accept it, and hang up before saying so.
Act = Literal["take", "later", "never", "hang up", "lose"]
_ANSWERS: dict[Act, bytes] = {"later": b"451 try again later", "never": b"554 we do not want this"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that was taken: to whom, and what."""

    to: tuple[str, ...]
    message: EmailMessage


@dataclass
class Mailbox:
    """The server at `port`: the next sessions are treated as `acts` say, those after them with `rest`."""

    acts: list[Act]
    rest: Act
    port: int = 0
    taken: list[Mail] = field(default_factory=list)
    begun: list[Act] = field(default_factory=list)  # how each session was treated
    logins: list[str] = field(default_factory=list)

    def next_act(self) -> Act:
        act = self.acts.pop(0) if self.acts else self.rest
        self.begun.append(act)
        return act


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Mailbox = self.server.box  # type: ignore[attr-defined]  # put there below
        self._act = box.next_act()
        self._to: list[str] = []
        self._say(b"220 mailbox")
        while line := self.rfile.readline().rstrip(b"\r\n"):
            verb, _, rest = line.partition(b" ")
            if not self._heard(box, verb.upper(), rest):
                return

    def _heard(self, box: Mailbox, verb: bytes, rest: bytes) -> bool:
        """The command is answered; False once the session is over."""
        match verb:
            case b"EHLO":
                self._say(b"250-mailbox", b"250 AUTH PLAIN")
            case b"AUTH":
                box.logins.append(base64.b64decode(rest.rpartition(b" ")[2]).decode())
                self._say(b"235 welcome")
            case b"MAIL":
                self._say(_ANSWERS.get(self._act, b"250 ok"))
            case b"RCPT":
                self._to.append(rest.partition(b":")[2].strip(b"<> ").decode())
                self._say(b"250 ok")
            case b"DATA":
                return self._is_taken(box)
            case _:
                self._say(b"250 ok")
        return verb != b"QUIT"

    def _is_taken(self, box: Mailbox) -> bool:
        self._say(b"354 go on")
        if self._act == "hang up":
            self.rfile.readline()
            return False
        box.taken.append(Mail(tuple(self._to), message_from_bytes(self._data(), policy=policy.default)))
        if self._act == "lose":
            return False
        self._say(b"250 taken")
        return True

    def _say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Who sends may hang up, too."""


@contextmanager
def mailbox(*acts: Act, rest: Act = "take") -> Iterator[Mailbox]:
    """The server is up."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        box = Mailbox(list(acts), rest, port=server.server_address[1])
        server.box = box  # type: ignore[attr-defined]  # for its sessions
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
