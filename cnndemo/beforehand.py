"""Small results that are the same for every visitor, computed before anyone comes: `weights/beforehand.npz`.

What shipped networks make of many shipped pictures takes seconds of a slow processor, and would be waited for by
whoever opens the page first. Each entry names the networks that it comes from by their checksums: after a training
anew it counts no more, and is computed as it was here. `make beforehand` writes the file anew; a test computes each
entry again.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from cnndemo import weights

Arrays = dict[str, np.ndarray]
NAME = "beforehand.npz"
_recorded: dict[str, Arrays] | None = None


def known(name: str, networks: Sequence[str], compute: Callable[[], Arrays], *of: np.ndarray) -> Arrays:
    """A result that depends on shipped networks and pictures only, looked up or else computed.

    Args:
        name: of the result, with all that it depends on besides; without a slash.
        networks: whose cards' checksums it is kept with.
        compute: gives it, small arrays by name.
        of: arrays that it depends on, too, such as a picture; of a visitor's nothing is known.

    Raises:
        WeightsError: a network is not there.
    """
    made_of = [weights.card(network)["sha256"][:16] for network in networks]
    made_of += [hashlib.sha256(np.ascontiguousarray(array)).hexdigest()[:16] for array in of]
    stamp = "-".join(made_of)
    entry = f"{name} {stamp}".strip()
    found = None if _recorded is not None else _read(entry)
    if found is None:
        found = compute()
        if _recorded is not None:
            _recorded[entry] = found
    return found


@contextmanager
def recording() -> Iterator[dict[str, Arrays]]:
    """Meanwhile everything is computed, and gathered here: entry -> arrays. For one thread."""
    global _recorded
    _recorded = {}
    try:
        yield _recorded
    finally:
        _recorded = None


def _read(entry: str) -> Arrays | None:
    """An entry of the file; None where it is not, or the file is missing or damaged."""
    try:
        with np.load(weights.WEIGHTS_DIR / NAME) as file:
            found = {key.rpartition("/")[2]: file[key] for key in file.files if key.rpartition("/")[0] == entry}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return found or None
