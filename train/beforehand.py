"""`weights/beforehand.npz`: what pages show of many shipped digits and faces; see `cnndemo.beforehand`.

    python -m train.beforehand

Needs no Keras: the networks answer as visitors are served.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from cnndemo import activation_maps, beforehand, chain, weights
from cnndemo.activation_maps.maps import COUNTS, TWINS
from cnndemo.face_detection import haar


def ask() -> None:
    """All that is kept, asked for as the pages do."""
    alike = activation_maps.alike(chain.shipped("digit_classifier"))
    spare = {layer: tuple(found.spare(TWINS)) for layer, found in alike.items()}
    channels = {layer: len(found.correlation) for layer, found in alike.items()}
    for off in ({}, spare, activation_maps.random_off(spare, channels)):
        activation_maps.accuracy(off, COUNTS[0])
    haar.strengths_of_samples()


def write(folder: Path | None = None) -> Path:
    """Compute everything anew and put it in place in one step."""
    with beforehand.recording() as found:
        ask()
    file = (folder or weights.WEIGHTS_DIR) / beforehand.NAME
    with tempfile.TemporaryDirectory(prefix=".part-", dir=file.parent) as scratch:
        part = Path(scratch) / file.name
        arrays = {f"{entry}/{key}": array for entry, made in found.items() for key, array in made.items()}
        np.savez_compressed(part, **arrays)
        part.replace(file)
    return file


if __name__ == "__main__":
    made = write()
    print(f"{made}: {made.stat().st_size / 1000:.0f} kB")
