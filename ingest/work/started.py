"""A process that is started to run others' code: what it was handed, what it says, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn


class Reporter:
    """What the process says to whoever started it: one JSON object a line."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def say(self, **message: Any) -> None:
        """Whoever started the process will read `message`; where nobody is left to read it, it ends us."""
        os.write(self._handle, json.dumps(message).encode() + b"\n")


def own_handle(name: str) -> int:
    """The handle that the environment names, kept from whatever others' code starts."""
    handle = int(os.environ.pop(name))
    os.set_inheritable(handle, False)  # noqa: FBT003  # the name says it
    return handle


def leave_no_core() -> None:
    """The process leaves no core file, whatever it dies of: a partner's data would lie in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with(main: Callable[[], int]) -> NoReturn:
    """The process ends at once with what `main` answers; what others' code left for its exit is not done."""
    code = 1
    try:
        code = main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001  # whoever started it shows, or counts, the end of what was printed
        traceback.print_exc()
    with contextlib.suppress(Exception):
        sys.__stdout__.flush()  # type: ignore[union-attr]  # it is there
    os._exit(code)
