"""Work spread over processes; what comes out of it does not depend on how many there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

FEW = 8  # jobs are not worth a process, which imports the scripts first
_shared: tuple = ()


def spread(function: Callable, jobs: Sequence, shared: tuple = (), processes: int = 0) -> Iterator[Any]:
    """`function(job, *shared)` of each job, in the order of the jobs.

    Args:
        function: of a module's top level.
        shared: sent to each process once.
        processes: how many; 0 for as many as there are cores, 1 for this one. A few jobs are done in this one.
    """
    processes = processes or os.cpu_count() or 1
    if min(processes, len(jobs) // FEW) <= 1:
        yield from (function(job, *shared) for job in jobs)
        return
    start = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, start, _begin, (shared,)) as pool:
        with _deaf():  # here all of them are started
            found = pool.map(partial(_call, function), jobs)
        yield from found


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that are started within the block never hear Ctrl-C, which a terminal sends to all: this one ends them.

    One that comes meanwhile reaches this process at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows has none
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(shared: tuple) -> None:
    global _shared
    _shared = shared
    import cv2

    cv2.setNumThreads(1)


def _call(function: Callable, job: Any) -> Any:
    return function(job, *_shared)
