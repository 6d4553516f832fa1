"""What is typed as `ingest` on a page that is tried: has the command forked, and is in its place meanwhile.

Started by the script that `tests/docs/exchange.py` puts into PATH. It hands over its arguments, directory,
environment and standard handles, passes on the signals it gets, and ends as the command does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

_PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


def main() -> None:
    """The command has ended, and this process ends likewise."""
    exchange = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    exchange.connect(sys.argv[1])
    here = os.getcwd()  # noqa: PTH109  # `pathlib` takes longer to import than all else here
    asked = {"args": sys.argv[2:], "cwd": here, "env": dict(os.environ), "umask": os.umask(0)}
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    socket.send_fds(exchange, [json.dumps(asked).encode()], [0, 1, 2])
    pid = int(exchange.recv(64))
    for number in _PASSED_ON:
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    code = int(exchange.recv(64))
    if code < 0:
        if -code in _PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
