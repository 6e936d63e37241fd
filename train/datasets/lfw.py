"""Labeled Faces in the Wild (Huang et al. 2007): pairs of photographs, of one person or of two. For measuring only.

The pictures show real people and are for research: none of them is shown or shipped.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from train.datasets.fetch import find, reading

PART = "lfw_dev.zip"
URL = "https://ndownloader.figshare.com/files/5976018"
SHA256 = "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0"
PAIRS_URL = "https://ndownloader.figshare.com/files/5976006"
PAIRS_SHA256 = "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592"
SOURCE = {
    "name": "Labeled Faces in the Wild",
    "source": "G. B. Huang, M. Ramesh, T. Berg, E. Learned-Miller, University of Massachusetts, TR 07-49, 2007",
    "licence": "for research; no picture of it is part of the weights or shown here",
}


@dataclass(frozen=True)
class Pair:
    """Two pictures by name (`Person_0001`), whether they show one person, and the fold, 0 to 9."""

    first: str
    second: str
    same: bool
    fold: int


def parse(text: str) -> list[Pair]:
    """Read the official list of pairs.

    The first line gives the number of folds and of pairs of each sort in a fold; then each fold has its pairs of one
    person (`name i j`) followed by as many of two people (`name i name j`), separated by tabs.
    """
    lines = text.strip().splitlines()
    folds, each = (int(word) for word in lines[0].split())
    if len(lines) != 1 + 2 * folds * each:
        raise ValueError(f"pairs.txt announces {folds} folds of 2 × {each} pairs but has {len(lines) - 1} lines")
    pairs = []
    for index, line in enumerate(lines[1:]):
        words = line.split("\t")
        same = index % (2 * each) < each
        first, i, second, j = (words[0], words[1], words[0], words[2]) if same else words
        pairs.append(Pair(f"{first}_{int(i):04d}", f"{second}_{int(j):04d}", same, index // (2 * each)))
    return pairs


def load(data_dir: Path) -> tuple[list[Pair], Callable[[str], np.ndarray]]:
    """The pairs, and a function from a picture's name to its pixels, uint8 (250, 250, 3).

    A part of the data set, `lfw_dev.zip` (`lfw/<person>/<person>_NNNN.jpg` and `pairs.txt`), is taken if it is there;
    otherwise the official archive, downloaded where needed.

    Args:
        data_dir: where the files lie or shall be downloaded to.
    """
    part = Path(data_dir) / PART
    if part.is_file():
        with reading(part):
            archive = zipfile.ZipFile(part)
            return parse(archive.read("pairs.txt").decode()), named(part, lambda name: archive.read(member(name)))
    advice = "It is the official archive of the original, not aligned, pictures, with the pairs of view 2."
    list_of_pairs = find(data_dir, "lfw_pairs.txt", PAIRS_URL, PAIRS_SHA256, advice)
    with reading(list_of_pairs):
        pairs = parse(list_of_pairs.read_text(encoding="utf-8"))
    file = find(data_dir, "lfw.tgz", URL, SHA256, advice)
    wanted = {member(name) for pair in pairs for name in (pair.first, pair.second)}
    with reading(file), tarfile.open(file) as whole:  # a compressed tar is read in its own order, so read it once
        found = {item.name: whole.extractfile(item).read() for item in whole if item.name in wanted}
    return pairs, named(file, lambda name: found[member(name)])


def named(file: Path, content: Callable[[str], bytes]) -> Callable[[str], np.ndarray]:
    """From a picture's name to its pixels; a picture that cannot be decoded is told with its file."""

    def pixels(name: str) -> np.ndarray:
        with reading(file):
            try:
                return decode(content(name))
            except OSError:
                raise ValueError(f"{name} cannot be decoded") from None

    return pixels


def member(name: str) -> str:
    """Where a picture lies in the archive: `Ann_Lee_0002` -> `lfw/Ann_Lee/Ann_Lee_0002.jpg`."""
    return f"lfw/{name[:-5]}/{name}.jpg"


def decode(data: bytes) -> np.ndarray:
    """JPEG -> uint8 (height, width, 3)."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))
