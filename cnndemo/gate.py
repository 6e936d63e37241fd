"""Work that keeps a core busy takes turns: at most as many at once as there are cores, and fair between visitors.

Without, twenty visitors who run a network at once all wait for the last of them, and twenty large photographs that are
decoded at once need the memory of twenty. What is light passes by: moving a slider waits for nobody.
"""

from __future__ import annotations

import functools
import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P, R = ParamSpec("P"), TypeVar("R")
PATIENCE = 0.5  # seconds in line after which a visitor is told how many are before him
AGAIN = 4.0  # seconds between two such words
LOOK = 0.1  # seconds between two looks whether somebody who waits has gone
REMEMBERED = 1000  # visitors of whom is known when they were served last


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Gate:
    """Places for work; whoever has had fewer of them, or longer ago, goes first."""

    def __init__(self, places: int, who: Callable[[], Hashable] = threading.get_ident):
        """
        Args:
            places: how many work at once.
            who: for whom the calling thread works; the gate is fair between these.
        """
        self.places, self.who = places, who
        self.told: Callable[[int], None] = lambda before: None  # called by one who waits: how many are before him
        self.left: Callable[[], None] = lambda: None  # called by one who waits; what it raises ends the waiting
        self._lock = threading.Lock()
        self._inside: Counter[Hashable] = Counter()
        self._served: dict[Hashable, int] = {}
        self._line: list[tuple[int, Hashable, threading.Event]] = []
        self._tickets = itertools.count(1)
        self._own = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and keep it until the block ends; within a turn there is no second one."""
        if getattr(self._own, "inside", False):
            yield
            return
        self._enter()
        try:
            yield
        finally:
            if self._own.inside:
                self._leave()

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Within a turn: give the place up until the block ends, and wait for one again; for waiting that is no work.

        After an exception there is no place any more, and the turn ends without one.
        """
        if not getattr(self._own, "inside", False):
            yield
            return
        self._leave()
        yield
        self._enter()

    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    def _leave(self) -> None:
        self._own.inside = False
        with self._lock:
            self._inside[self._own.who] -= 1
            self._inside += Counter()  # forgets those who have no place
            self._admit()

    def _enter(self) -> None:
        who = self.who()
        mine = (next(self._tickets), who, threading.Event())
        with self._lock:
            self._line.append(mine)
            self._admit()
        started, said = time.monotonic(), PATIENCE - AGAIN
        try:
            while not mine[2].wait(LOOK):
                self.left()
                if (waited := time.monotonic() - started) >= said + AGAIN:
                    said = waited
                    with self._lock:
                        before = sum(self._rank(other) < self._rank(mine) for other in self._line)
                    self.told(before)
        except BaseException:
            with self._lock:
                if mine in self._line:
                    self._line.remove(mine)
                else:  # let in at this very moment
                    self._inside[who] -= 1
                self._admit()
            raise
        self._own.who, self._own.inside = who, True

    def _rank(self, waiting: tuple[int, Hashable, threading.Event]) -> tuple[int, int, int]:
        ticket, who, _ = waiting
        return self._inside[who], self._served.get(who, 0), ticket

    def _admit(self) -> None:
        """Let in as many as there are places for; the lock is held."""
        while self._line and self._inside.total() < self.places:
            first = min(self._line, key=self._rank)
            self._line.remove(first)
            ticket, who, admitted = first
            self._inside[who] += 1
            self._served.pop(who, None)
            self._served[who] = next(self._tickets)
            if len(self._served) > REMEMBERED:
                del self._served[next(iter(self._served))]
            admitted.set()


gate = Gate(cores())
turn = gate.turn
# Whole pages, some of which wait meanwhile. Fifty that are built at once are all ready when the last one is; and a
# slider, which moves without its page, would be as slow as they are.
pages = Gate(2 * cores())


@contextmanager
def idle() -> Iterator[None]:
    """The calling thread waits for another process: others have its places until the block ends."""
    with gate.outside(), pages.outside():  # comes back to `pages` first, as whoever waits there has no other place
        yield


def heavy(function: Callable[P, R]) -> Callable[P, R]:
    """A function that keeps a core busy for long: each call takes its turn."""

    @functools.wraps(function)
    def in_turn(*arguments: P.args, **options: P.kwargs) -> R:
        with turn():
            return function(*arguments, **options)

    return in_turn
