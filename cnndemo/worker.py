"""A part of the package as a process of its own: it can be stopped at any moment, and a crash harms nobody."""

from __future__ import annotations

import base64
import io
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np


def talk(module: str, work: dict[str, Any], waiting: Callable[[], None] = lambda: None) -> Iterator[dict[str, Any]]:
    """Runs `python -m module`, gives it `work` as JSON on standard input, and yields what it tells, line by line.

    Closing the iterator ends the process.

    Args:
        waiting: called several times a second until the process says something; what it raises ends the process.

    Raises:
        OSError: the process cannot be started.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[1],
    )
    said: queue.SimpleQueue = queue.SimpleQueue()
    listener = threading.Thread(target=_listen, args=(child.stdout, said), daemon=True)
    try:
        listener.start()
        with suppress(BrokenPipeError):  # it has ended already, and will say nothing
            child.stdin.write(json.dumps(work).encode())
            child.stdin.close()
        while (told := _next(said, waiting)) is not None:
            yield told
    finally:
        child.kill()
        child.wait()
        listener.join()
        child.stdout.close()


def _listen(stream, said: queue.SimpleQueue) -> None:
    """Hands over each line as a dict, and None at the end."""
    try:
        for line in stream:
            said.put(json.loads(line))
    except ValueError:  # it was killed in the middle of a word
        pass
    finally:
        said.put(None)


def _next(said: queue.SimpleQueue, waiting: Callable[[], None]) -> dict[str, Any] | None:
    while True:
        try:
            return said.get(timeout=0.2)
        except queue.Empty:
            waiting()


def pack(arrays: dict[str, np.ndarray]) -> str:
    """Arrays as text that a line can carry."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return base64.b64encode(buffer.getvalue()).decode()


def unpack(text: str) -> dict[str, np.ndarray]:
    """The arrays of `pack`."""
    with np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def hear() -> dict[str, Any]:
    """In the process: the work it was given."""
    return json.load(sys.stdin)


def tell(**values: Any) -> None:
    """In the process: a line for the one who started it."""
    print(json.dumps(values), flush=True)
