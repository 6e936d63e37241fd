"""A few places for visitors whose camera runs: each keeps a core busy for as long as it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

PLACES = 2  # visitors at a time on one server
PATIENCE = 8.0  # seconds without a frame after which a seat is another's


class Seats:
    """Seats that are taken frame by frame: whoever goes without a word loses his after a while."""

    def __init__(self, places: int, patience: float, clock: Callable[[], float] = time.monotonic):
        """
        Args:
            places: how many visitors at a time.
            patience: seconds after which a seat that was not taken again is free.
            clock: seconds that only grow.
        """
        self.places, self.patience, self._clock = places, patience, clock
        self._seen: dict[Hashable, float] = {}
        self._lock = threading.Lock()

    def take(self, who: Hashable) -> bool:
        """Sit down, or stay; whether there was a seat."""
        with self._lock:
            self._clear()
            if who not in self._seen and len(self._seen) >= self.places:
                return False
            self._seen[who] = self._clock()
            return True

    def leave(self, who: Hashable) -> None:
        """Get up; nothing happens to one who did not sit."""
        with self._lock:
            self._seen.pop(who, None)

    def holds(self, who: Hashable) -> bool:
        """Whether somebody sits here."""
        with self._lock:
            self._clear()
            return who in self._seen

    def taken(self) -> int:
        """How many sit."""
        with self._lock:
            self._clear()
            return len(self._seen)

    def _clear(self) -> None:
        """Free the seats of those who have gone; the lock is held."""
        oldest = self._clock() - self.patience
        self._seen = {who: seen for who, seen in self._seen.items() if seen > oldest}


seats = Seats(PLACES, PATIENCE)
