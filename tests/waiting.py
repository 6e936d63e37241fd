"""Waiting, in tests: until something is there, however busy the machine is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

BUSY = 90.0  # seconds that anything may take: a busy machine is slow, not wrong


def until(there: Callable[[], object], every: float = 0.01, seconds: float = BUSY) -> None:
    """Look again and again until something is there.

    Raises:
        AssertionError: it did not come in time.
    """
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(every)


def joined(threads: Iterable[threading.Thread]) -> None:
    """Wait until threads have ended; none may go on."""
    for thread in threads:
        thread.join(BUSY)
        assert not thread.is_alive()
