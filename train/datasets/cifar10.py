"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test pictures of ten classes, 32×32 pixels.

`--data-dir` may hold the official `cifar-10-binary.tar.gz`, or `cifar10.zip` with `train/<class>/*.jpg` and
`test/<class>/*.jpg`; a zip may hold fewer test pictures, so every figure comes with their number.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np

from cnndemo.models.resnet20 import CLASSES
from train.datasets.fetch import find, picture, reading
from train.datasets.splits import Split, hold_out

FILE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{FILE}"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
SOURCE = {
    "name": "CIFAR-10",
    "source": "A. Krizhevsky, “Learning Multiple Layers of Features from Tiny Images”, 2009",
    "licence": "none stated; free for research",
}


def load(data_dir: Path, validation: int = 2000, seed: int = 0) -> tuple[Split, Split, Split]:
    """Training, validation and test split.

    Args:
        data_dir: where `cifar10.zip` lies, or the official archive lies or shall be downloaded to (162 MB).
        validation: how many pictures are cut from the training split, drawn with `seed`.

    Returns:
        Three pairs (x, y): x uint8 RGB (n, 32, 32, 3), y uint8 (n,), the index in `CLASSES`.
    """
    folder = Path(data_dir)
    archive = folder / "cifar10.zip"
    path = archive if archive.is_file() else find(folder, FILE, URL, SHA256)
    with reading(path):
        splits = _read_zip(path) if path == archive else _read_binary(path)
        for split, (_, labels) in splits.items():
            if missing := set(range(len(CLASSES))) - set(labels.tolist()):
                raise ValueError(f"the {split} split has no {CLASSES[min(missing)]}")
    return (*hold_out(splits["train"], validation, seed), splits["test"])


def _read_zip(path: Path) -> dict[str, Split]:
    """Decodes every JPEG once."""
    pictures: dict[str, list] = {"train": [], "test": []}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            parts = name.split("/")
            if len(parts) == 3 and parts[2].endswith(".jpg"):
                pixels = picture(archive.read(name), name)
                if pixels.shape != (32, 32, 3):
                    raise ValueError(f"{name} is not 32×32")
                pictures[parts[0]].append((pixels, CLASSES.index(parts[1])))
    return {
        split: (
            np.array([pixels for pixels, _ in rows], np.uint8).reshape(-1, 32, 32, 3),
            np.array([label for _, label in rows], np.uint8),
        )
        for split, rows in pictures.items()
    }


def _read_binary(path: Path) -> dict[str, Split]:
    """Reads the official binary files: 3073 bytes a picture, the label and then three planes of 32×32."""
    rows: dict[str, list] = {"train": [], "test": []}
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if member.name.endswith(".bin"):
                data = np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, 3073)
                rows["test" if "test_batch" in member.name else "train"].append(data)
    result = {}
    for split, blocks in rows.items():
        data = np.concatenate(blocks) if blocks else np.empty((0, 3073), np.uint8)
        result[split] = data[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1).copy(), data[:, 0].copy()
    return result
