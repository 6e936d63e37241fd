"""The U-Net itself, on small pictures: the very stage of its script, two batches on one device and then on all.

python -m tests.unet_at_16 FOLDER    # leaves a run folder and the weights of each
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from cnndemo.models import unet
from tests.tiny import drawn
from train import common, pet_segmentation
from train.schedules import Clock

SIDE = 16


def train(folder: Path, *words: str) -> None:
    """One epoch of four pictures, two at a time."""
    options = pet_segmentation.options()
    arguments = options.parse_args(["--batch-size", "2", "--run-dir", str(folder), *words])
    common.prepare(arguments)
    network, examples = unet.build(SIDE), [drawn(seed) for seed in range(6)]
    both = examples[:4], examples[4:]
    pet_segmentation.train_stage(network, both, SIDE, 1 / 255, arguments, f"at_{SIDE}", 1, 1e-3, Clock(0))
    np.savez(folder / "weights.npz", *network.get_weights())


if __name__ == "__main__":
    place = Path(sys.argv[1])
    train(place / "one")
    train(place / "all", "--distribute", "data-parallel")
