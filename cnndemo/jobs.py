"""Long work that goes on while the visitor looks at another page, and ends when nobody asks for it any more."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from cnndemo.errors import VisitorError

Step = TypeVar("Step")
PATIENCE = 600.0  # seconds without a look after which the work is given up


class _Ended(Exception):
    """Raised within the work, to end it."""


class _Shared:
    """What the thread and the job both see; the thread must not hold the job itself, or it would never be dropped."""

    def __init__(self, patience: float):
        self.latest = None
        self.error: VisitorError | None = None
        self.stop = threading.Event()
        self.done = threading.Event()
        self.patience, self.looked = patience, time.monotonic()

    def wait(self) -> None:
        """Called by the work several times a second."""
        if self.stop.is_set() or time.monotonic() - self.looked > self.patience:
            raise _Ended


class Job(Generic[Step]):
    """A generator that runs in a thread of its own.

    It is stopped by `stop`, when the last reference to it goes (a session that has ended drops its own), and when
    nobody has looked at it for `patience` seconds.
    """

    def __init__(self, work: Callable[[Callable[[], None]], Iterable[Step]], patience: float = PATIENCE):
        """Starts at once.

        Args:
            work: takes a function that it calls several times a second, and yields where it has got to; what that
                function raises must end it. A VisitorError of its own becomes `error`.
            patience: seconds without a look.
        """
        self._shared = _Shared(patience)
        self._thread = threading.Thread(target=_run, args=(work, self._shared), name="job", daemon=True)
        weakref.finalize(self, self._shared.stop.set)
        self._thread.start()

    @property
    def latest(self) -> Step | None:
        """What the work yielded last."""
        self._shared.looked = time.monotonic()
        return self._shared.latest

    @property
    def running(self) -> bool:
        """Whether it still works."""
        self._shared.looked = time.monotonic()
        return not self._shared.done.is_set()

    @property
    def thread(self) -> int:
        """Identity of the thread that works."""
        return self._thread.ident

    @property
    def error(self) -> VisitorError | None:
        """Why it ended before its end, in a sentence for the visitor."""
        return self._shared.error

    def stop(self, timeout: float = 5.0) -> None:
        """End it and wait until it has ended, at most `timeout` seconds; what it yielded last stays."""
        self._shared.stop.set()
        self._thread.join(timeout)

    def wait(self, timeout: float) -> bool:
        """Wait for its end, at most `timeout` seconds; whether it has ended."""
        return self._shared.done.wait(timeout)


def _run(work: Callable[[Callable[[], None]], Iterable], shared: _Shared) -> None:
    steps = None
    try:
        steps = iter(work(shared.wait))
        for shared.latest in steps:
            shared.wait()
    except _Ended:
        pass
    except VisitorError as error:
        shared.error = error
    except Exception:
        shared.error = VisitorError("This ended too early, by a fault of the gallery. Please try again.")
        raise
    finally:
        if hasattr(steps, "close"):
            steps.close()
        shared.done.set()
