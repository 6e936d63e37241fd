"""MNIST (LeCun, Cortes, Burges): 60,000 training and 10,000 test digits, 28×28, white on black. CC BY-SA 3.0."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.datasets.fetch import find, reading
from train.datasets.splits import Split, hold_out

URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
COUNTS = {"train": 60_000, "test": 10_000}
SOURCE = {
    "name": "MNIST",
    "source": "Y. LeCun, C. Cortes, C. J. C. Burges, “The MNIST database of handwritten digits”",
    "licence": "CC BY-SA 3.0",
}


def load(data_dir: Path, validation: int = 5000, seed: int = 0) -> tuple[Split, Split, Split]:
    """Training, validation and test split.

    Args:
        data_dir: where `mnist.npz` lies or shall be downloaded to.
        validation: how many digits are cut from the training split, drawn with `seed`.

    Returns:
        Three pairs (x, y): x uint8 (n, 28, 28), y uint8 (n,).
    """
    path = find(data_dir, "mnist.npz", URL, SHA256, verify=False)
    with reading(path), np.load(path) as archive:
        training, test = ((archive[f"x_{split}"], archive[f"y_{split}"]) for split in ("train", "test"))
        for (x, y), (split, count) in zip((training, test), COUNTS.items(), strict=True):
            if x.shape != (count, 28, 28) or x.dtype != np.uint8 or y.shape != (count,):
                raise ValueError(f"of the {split} split it has {x.shape} digits and {y.shape} labels, not {count}")
            if y.dtype.kind not in "iu" or not np.isin(y, np.arange(10)).all():
                raise ValueError(f"a label of the {split} split is no digit")
    return (*hold_out(training, validation, seed), test)
