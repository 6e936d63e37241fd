"""Oxford-IIIT Pet for breeds: every listed picture of the two official splits, with or without a trimap."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from train.datasets import oxford_pets
from train.datasets.fetch import picture, reading

SOURCE = oxford_pets.SOURCE
TRAINVAL = ("trainval", "trainval_without_trimap")
TEST = ("test", "test_without_trimap")

Split = tuple[list[np.ndarray], np.ndarray]


def load(data_dir: Path, held_out: int = 10) -> tuple[Split, Split, Split, list[str]]:
    """Reads and decodes every picture once.

    Args:
        data_dir: as for `oxford_pets.load`.
        held_out: every so-manieth picture of a breed becomes validation data.

    Returns:
        Training, validation and test split, each a list of uint8 RGB pictures of any size and int32 (n,) breed numbers,
        and the breeds' names in the order of these numbers.
    """
    path, files = oxford_pets.contents(data_dir)
    trainval, test = _names(files, TRAINVAL), _names(files, TEST)
    breeds = sorted({_breed(name) for name in trainval + test}, key=str.lower)
    seen: dict[str, int] = {}
    train, validation = [], []
    for name in sorted(trainval):
        seen[_breed(name)] = seen.get(_breed(name), -1) + 1
        (train if seen[_breed(name)] % held_out else validation).append(name)

    def split(names: list[str]) -> Split:
        pictures = [picture(files[f"images/{name}.jpg"], f"{name}.jpg") for name in names]
        return pictures, np.array([breeds.index(_breed(name)) for name in names], np.int32)

    with reading(path):
        if not train or not test:
            raise ValueError("its lists name no picture")
        return split(train), split(validation), split(test), breeds


def _breed(name: str) -> str:
    return name.rsplit("_", 1)[0]


def _names(files: dict[str, bytes], lists: tuple[str, ...]) -> list[str]:
    text = "\n".join(files.get(f"annotations/{name}.txt", b"").decode() for name in lists)
    return [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#")]
