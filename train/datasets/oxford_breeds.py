"""Oxford-IIIT Pet for breeds: every listed picture of the two official splits, with or without a trimap."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from train.datasets import oxford_pets

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
    data_dir = Path(data_dir)
    archive = data_dir / "oxford_pets.zip"
    files = dict(oxford_pets._zip(archive) if archive.is_file() else oxford_pets._tars(data_dir))
    trainval, test = _names(files, TRAINVAL), _names(files, TEST)
    breeds = sorted({_breed(name) for name in trainval + test}, key=str.lower)
    seen: dict[str, int] = {}
    train, validation = [], []
    for name in sorted(trainval):
        seen[_breed(name)] = seen.get(_breed(name), -1) + 1
        (train if seen[_breed(name)] % held_out else validation).append(name)

    def split(names: list[str]) -> Split:
        return [_picture(files, name) for name in names], np.array([breeds.index(_breed(n)) for n in names], np.int32)

    return split(train), split(validation), split(test), breeds


def _breed(name: str) -> str:
    return name.rsplit("_", 1)[0]


def _names(files: dict[str, bytes], lists: tuple[str, ...]) -> list[str]:
    text = "\n".join(files.get(f"annotations/{name}.txt", b"").decode() for name in lists)
    return [line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _picture(files: dict[str, bytes], name: str) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(files[f"images/{name}.jpg"], np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
