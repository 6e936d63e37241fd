"""Garbage collection that visitors do not notice."""

from __future__ import annotations

import gc

YOUNG = 30_000
"""So many objects since the last full collection are searched within 15 ms."""


def collect_rarely() -> None:
    """A full garbage collection once there are `YOUNG` new objects; what survives is out of the collector's sight.

    Streamlit collects after every run of a script and of a fragment, before its last messages are sent. TensorFlow
    alone has 390,000 objects, and to search them all takes 150 ms, in which no visitor gets an answer. Frozen objects
    are not searched, until the next full collection unfreezes them all and frees what has died meanwhile.
    """
    if len(gc.get_objects()) > YOUNG:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
