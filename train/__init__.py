"""One command a weights file: `python -m train.<model> --help`."""

from __future__ import annotations

import os
import signal
import sys


def _leave(number: int, frame: object) -> None:
    """End at once: while Keras is imported, which takes seconds, an exception might end up anywhere."""
    os.write(2, b"\nInterrupted. Nothing was begun.\n")
    os._exit(128 + number)


if sys.argv[:1] == ["-m"]:  # `python -m train.<model>`; its `main` takes signals itself
    signal.signal(signal.SIGINT, _leave)
