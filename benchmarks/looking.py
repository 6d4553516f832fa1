"""What is looked at from another thread while a command of the product runs."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.project import children_of, peak_bytes

LOOK_EVERY = 0.005  # seconds


@contextmanager
def looking_at_memory() -> Iterator[dict[str, int]]:
    """Keep the largest resident size that the command ever had, and its largest child."""
    peaks, is_over = {"supervisor": 0, "child": 0}, threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_EVERY):
            for supervisor in children_of(os.getpid()):
                peaks["supervisor"] = max(peaks["supervisor"], peak_bytes(supervisor))
                peaks["child"] = max([peaks["child"], *map(peak_bytes, children_of(supervisor))])

    with looking(look, is_over):
        yield peaks


@contextmanager
def looking(look: Callable[[], None], is_over: threading.Event) -> Iterator[None]:
    """Run `look` in a thread meanwhile; it ends once `is_over` is set."""
    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
