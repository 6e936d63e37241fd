"""Oxford-IIIT Pet (Parkhi, Vedaldi, Zisserman, Jawahar 2012): 37 breeds of cats and dogs with trimaps. CC BY-SA 4.0.

A trimap codes each pixel: 1 pet, 2 surroundings, 3 border (the book's list swaps the last two). The official splits are
used: 3,680 training-and-validation and 3,669 test pictures. `--data-dir` may hold the two official archives, or
`oxford_pets.zip` with the same folders, in which pictures may lack their trimap (lists `*_without_trimap.txt`).
"""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from train.datasets.fetch import find, picture, reading

URL = "https://thor.robots.ox.ac.uk/datasets/pets/"
SHA256 = {
    "images.tar.gz": "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
    "annotations.tar.gz": "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
}
SOURCE = {
    "name": "Oxford-IIIT Pet",
    "source": "O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar, “Cats and Dogs”, CVPR 2012",
    "licence": "CC BY-SA 4.0",
}


@dataclass(frozen=True)
class Example:
    """One picture of the data set.

    Args:
        name: file name without its ending, for example `Abyssinian_1`.
        image: uint8 RGB (height, width, 3).
        trimap: uint8 (height, width) with 1 pet, 2 surroundings, 3 border; None where there is none.
        species: "cat" or "dog".
    """

    name: str
    image: np.ndarray
    trimap: np.ndarray | None
    species: str

    @property
    def breed(self) -> str:
        return self.name.rsplit("_", 1)[0]


@dataclass(frozen=True)
class Pets:
    """The data set in memory: pairs for training, validation and test, and training pictures without a trimap."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]
    unlabelled: list[Example]

    def splits(self) -> dict[str, int]:
        """Sizes for the model card."""
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test", "unlabelled")}


def load(data_dir: Path, short_side: int = 256, held_out: int = 10) -> Pets:
    """Reads and decodes every picture once.

    Args:
        data_dir: where `oxford_pets.zip` lies, or the official archives lie or shall be downloaded to (811 MB).
        short_side: larger pictures are shrunk to this; smaller ones keep their size.
        held_out: every so-manieth picture of the official trainval list becomes validation data; the list is sorted
            by breed, so every breed is in both parts.
    """
    path, files = contents(data_dir)

    def examples(split: str) -> list[Example]:
        text = files.get(f"annotations/{split}.txt", b"").decode()
        return [
            _decode(files, *line.split()[::2], short_side) for line in text.splitlines() if line[:1] not in ("", "#")
        ]

    with reading(path):
        trainval = examples("trainval")
        pets = Pets(
            train=[example for index, example in enumerate(trainval) if index % held_out],
            validation=trainval[::held_out],
            test=examples("test"),
            unlabelled=examples("trainval_without_trimap"),
        )
        if not pets.train or not pets.test:
            raise ValueError("its lists trainval.txt and test.txt name no picture")
        if bare := [example.name for example in pets.test if example.trimap is None]:
            raise ValueError(f"{bare[0]} of the test split has no trimap")
    return pets


def contents(data_dir: Path) -> tuple[Path, dict[str, bytes]]:
    """The archive, or the folder of the official archives, and what is in it by name.

    Raises:
        SystemExit: it is not there, or damaged.
    """
    path = Path(data_dir) / "oxford_pets.zip"
    if not path.is_file():
        return Path(data_dir), dict(_tars(Path(data_dir)))
    with reading(path):
        return path, dict(_zip(path))


def _zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def _tars(data_dir: Path) -> Iterator[tuple[str, bytes]]:
    advice = "It is one of the two archives of the Oxford-IIIT Pet data set."
    for file, sha256 in SHA256.items():
        path = find(data_dir, file, URL + file, sha256, advice)
        with reading(path), tarfile.open(path) as archive:
            for member in archive:
                if member.isfile():
                    yield member.name, archive.extractfile(member).read()


def _decode(files: dict[str, bytes], name: str, species: str, short_side: int) -> Example:
    image = picture(files[f"images/{name}.jpg"], f"{name}.jpg")
    data = files.get(f"annotations/trimaps/{name}.png")
    trimap = None if data is None else picture(data, f"{name}.png", grey=True)
    if trimap is not None and (trimap.shape != image.shape[:2] or not set(np.unique(trimap)) <= {1, 2, 3}):
        raise ValueError(f"{name}.png is no trimap of {name}.jpg")
    scale = short_side / min(image.shape[:2])
    if scale < 1:
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        trimap = None if trimap is None else cv2.resize(trimap, size, interpolation=cv2.INTER_NEAREST)
    return Example(name, image, trimap, "cat" if species == "1" else "dog")
