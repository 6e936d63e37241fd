"""What nobody uses any more is collected, and goes back to the system: glibc keeps it, in a heap for each of many
threads.

After a visit to every page that is more than what the server holds itself. Pages of its own for each large array would
do too, but make networks 1.3 to 3 times as slow.
"""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

HEAPS = 2  # one a core; by default there may be eight a core
EVERY = 5.0  # seconds between two looks
AT_LEAST = 12  # looks after which is collected in any case: a training ends when its session is gone
GROWN = 20_000_000  # bytes more than after the last time; giving back holds a heap's lock for some milliseconds
SMALL, LARGE = 1 << 17, 1 << 25  # bytes from which on an array has pages of its own: for what stays, and else
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # of malloc.h

# Arrow's own allocator, by which tables travel to the browser, keeps a heap a thread, too; it is asked at its import.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def resident_bytes() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        import resource

        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, ImportError, IndexError, ValueError):
        return 0


def give_back() -> None:
    """What was freed goes back now; nothing happens where the C library is not glibc."""
    if library := _glibc():
        library.malloc_trim(0)


@contextmanager
def own_pages() -> Iterator[None]:
    """What is made within has pages of its own, so that what stays does not lie between what goes: for weights."""
    library = _glibc()
    if library:
        library.mallopt(_M_MMAP_THRESHOLD, SMALL)
    try:
        yield
    finally:
        if library:
            library.mallopt(_M_MMAP_THRESHOLD, LARGE)


@cache
def keep_small() -> None:
    """From now on what was freed goes back by itself. Called by app.py in every run; the first call counts."""
    if library := _glibc():
        library.mallopt(_M_ARENA_MAX, HEAPS)
        threading.Thread(target=_watch, name="memory", daemon=True).start()


def _watch() -> None:
    kept = looks = 0
    while True:
        looks += 1
        if resident_bytes() > kept + GROWN or looks >= AT_LEAST:
            gc.collect()
            give_back()
            kept, looks = resident_bytes(), 0
        time.sleep(EVERY)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libc.so.6")
        return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
    except OSError:
        return None
