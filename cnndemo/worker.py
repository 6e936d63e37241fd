"""The one process in which Keras runs: started when something needs it, ended when nothing does.

It answers one request at a time, short ones before long ones. It can be stopped at any moment, and its crash costs one
sentence. Both sides are this package, so requests and answers are pickled.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import inspect
import itertools
import os
import pickle
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from cnndemo import gate
from cnndemo.errors import VisitorError

IDLE = 300.0  # seconds without a request after which it ends
MINUTES = float(os.environ.get("CNNDEMO_WORKER_MINUTES", 15))  # the longest request
NICE = 10  # less urgent than the server, with which it shares the cores: a class arrives while TensorFlow is imported
NEEDED = 450  # megabytes that must be free before it is started
MOST = 2300  # megabytes that it may take where the host has left more
_HERE = Path(__file__).resolve().parents[1]


class Crashed(VisitorError):
    """The process ended in the middle of a request."""


def available() -> int:
    """Megabytes that this host can still give, by the system and by the container's limit."""
    free = 1 << 40
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    with suppress(OSError, ValueError):
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        free = min(free, limit - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return free // 1_000_000


def most() -> int:
    """Megabytes that the process may take: `CNNDEMO_WORKER_MB`, or what the host has left, at most `MOST`."""
    return int(os.environ.get("CNNDEMO_WORKER_MB", 0)) or min(MOST, max(NEEDED, available()))


class Worker:
    """The parent's side. One for all visitors: `ask` and `steps` of this module."""

    def __init__(self, idle: float = IDLE, who: str = "Keras", needed: int = NEEDED, most: int = 0, minutes: float = 0):
        """A process that is not for Keras has another name, and megabytes and minutes of its own."""
        self.idle, self.who, self.needed, self.most, self.minutes = idle, who, needed, most, minutes
        self._process: subprocess.Popen | None = None
        self._said: queue.SimpleQueue = queue.SimpleQueue()
        self._folder = ""
        self._limit = 0
        self._line: list[tuple[bool, int]] = []  # (long, ticket) of those who wait and of the one who is served
        self._served: tuple[bool, int] | None = None
        self._turn = threading.Condition()
        self._tickets = itertools.count()
        self._timer: threading.Timer | None = None

    # --- the line -----------------------------------------------------------------------------------------------

    def waiting(self) -> int:
        """How many requests wait or are served now."""
        return len(self._line)

    @contextmanager
    def _place(self, long: bool, waiting: Callable[[], None]) -> Iterator[None]:
        """A place in the line; enters when it is its turn."""
        mine = (long, next(self._tickets))
        with self._turn:
            self._line.append(mine)
        _places[threading.get_ident()] = self, mine
        try:
            while True:
                with self._turn:
                    if self._served is None and min(self._line) == mine:
                        self._served = mine
                        break
                    self._turn.wait(0.2)
                waiting()
            yield
        finally:
            del _places[threading.get_ident()]
            with self._turn:
                self._line.remove(mine)
                if self._served == mine:
                    self._served = None
                self._turn.notify_all()

    def _before(self, mine: tuple[bool, int]) -> int:
        with self._turn:
            if self._served == mine:
                return 0
            return sum(other == self._served or other < mine for other in self._line)

    # --- requests -----------------------------------------------------------------------------------------------

    def ask(self, function: str, *arguments: Any, waiting: Callable[[], None] = lambda: None) -> Any:
        """Call a function of this package there, such as "cnndemo.siamese.pairs:sharing", and return its result.

        Args:
            waiting: called several times a second until the answer is there; what it raises ends the request.

        Raises:
            VisitorError: that of the function; or Keras is not installed, the host has too little memory left, the
                request takes too long or too much, or the process crashed.
        """
        with gate.idle(), self._place(False, waiting):
            for kind, value in self._talk(function, arguments, waiting):
                if kind == "done":
                    return value
        raise Crashed(f"The {self.who} process ended without an answer. Please try again.")

    def steps(self, function: str, *arguments: Any, waiting: Callable[[], None] = lambda: None) -> Iterator[Any]:
        """The same for long work, a function with a further argument `tell`: yields what it tells, and what it returns.

        Closing the iterator stops the process.
        """
        with self._place(True, waiting):
            for _, value in self._talk(function, arguments, waiting):
                if value is not None:
                    yield value

    def _talk(self, function: str, arguments: tuple, waiting: Callable[[], None]) -> Iterator[tuple[str, Any]]:
        self._start()
        deadline, ended = time.monotonic() + 60 * (self.minutes or MINUTES), False
        try:
            with suppress(BrokenPipeError):  # it has ended already, and will say nothing
                pickle.dump((function, arguments), self._process.stdin)
                self._process.stdin.flush()
            while not ended:
                try:
                    kind, value = self._said.get(timeout=0.1)
                except queue.Empty:
                    waiting()
                    self._watch(deadline)
                    continue
                ended = kind != "step"
                if kind == "error":
                    raise VisitorError(value)
                if kind in ("fault", "ended"):
                    ended = kind == "fault"
                    raise self._crashed(value)
                yield kind, value
        finally:
            if ended:
                self._rest()
            else:
                self.end()

    def _watch(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise VisitorError(f"This took longer than {self.minutes or MINUTES:g} minutes and was stopped.")
        process, pages = self._process, 0
        if process is None:
            raise self._crashed("it was ended")  # by another thread: the server itself ends
        with suppress(OSError, IndexError):  # it has just ended, or this system does not tell
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        if pages * os.sysconf("SC_PAGE_SIZE") > self._limit * 1_000_000:
            raise VisitorError(f"This needs more than the {self._limit:,} MB that {self.who} may take here.")

    def _crashed(self, why: str) -> Crashed:
        return Crashed(f"The {self.who} process could not do this ({why}). Please try again.")

    # --- the process --------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._process and self._process.poll() is None:
            return
        self.end()
        if self.who == "Keras" and not installed():
            raise VisitorError("This part needs Keras, which is not installed here.")
        if (free := available()) < self.needed:
            raise VisitorError(
                f"This part needs {self.who}, and the host has only {free} MB of memory left. Try again later."
            )
        self._said, self._limit = queue.SimpleQueue(), self.most or most()
        try:
            self._folder = tempfile.mkdtemp(prefix="cnndemo-")
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cnndemo.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=_HERE,
                # What it leaves in its temporary folder when it is killed goes with that folder.
                env={**os.environ, "TMPDIR": self._folder, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
        except OSError:  # no memory for it, no room for its temporary folder
            raise Crashed(f"The {self.who} process could not be started. Please try again later.") from None
        threading.Thread(target=_listen, args=(self._process.stdout, self._said), daemon=True).start()

    def _rest(self) -> None:
        """After an answer: it stays for a while."""
        self._timer = threading.Timer(self.idle, self._retire)
        self._timer.daemon = True
        self._timer.start()

    def _retire(self) -> None:
        with self._turn:
            if not self._line:
                self.end()

    def end(self) -> None:
        """End the process now, and clear away what it left; the next request starts another."""
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            with suppress(OSError):
                process.stdin.close()
        shutil.rmtree(self._folder or "/nonexistent", ignore_errors=True)

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return self._process.pid if self._process and self._process.poll() is None else None


def installed() -> bool:
    """Whether Keras and its backend are there; asks without importing them."""
    return all(importlib.util.find_spec(name) for name in ("keras", "tensorflow"))


def _listen(stream, said: queue.SimpleQueue) -> None:
    """Hands over what the process says, and its end."""
    with suppress(EOFError, pickle.UnpicklingError, OSError):
        while True:
            said.put(pickle.load(stream))
    said.put(("ended", "it ended"))


_places: dict[int, tuple[Worker, tuple[bool, int]]] = {}  # thread -> where it waits or is served


def before(thread: int) -> int:
    """How many requests are before the one that a thread has put; 0 if it is served, or has put none."""
    line, mine = _places.get(thread, (None, None))
    return line._before(mine) if line else 0


_worker = Worker()
ask, steps, end, pid = _worker.ask, _worker.steps, _worker.end, lambda: _worker.pid
waiting = _worker.waiting
atexit.register(end)


# --- in the process -------------------------------------------------------------------------------------------------


def _resolve(function: str) -> Callable:
    module, _, name = function.partition(":")
    if not module.startswith("cnndemo."):
        raise ValueError(f"{module} is not of this package")
    return getattr(importlib.import_module(module), name)


def _die_with(parent: int) -> None:
    """End when the server has ended, however, and in the middle of whatever."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    """Hear, do, tell, until the other side is gone."""
    if hasattr(os, "nice"):
        os.nice(NICE)
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not get between the answers
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()

    def tell(kind: str, value: Any) -> None:
        sink.write(pickle.dumps((kind, value)))
        sink.flush()

    while True:
        try:
            function, arguments = pickle.load(source)
        except EOFError:
            return
        try:
            call = _resolve(function)
            steps_too = {"tell": partial(tell, "step")} if "tell" in inspect.signature(call).parameters else {}
            tell("done", call(*arguments, **steps_too))
        except VisitorError as error:
            tell("error", str(error))
        except Exception as error:
            tell("fault", f"{type(error).__name__}: {str(error)[:200]}")


if __name__ == "__main__":
    main()
