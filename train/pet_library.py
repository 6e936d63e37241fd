"""Photographs of pets to measure with, as many of each breed; none of them ships, only what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.datasets import oxford_breeds

SOURCE = oxford_breeds.SOURCE | {
    "licence": f"{oxford_breeds.SOURCE['licence']}; none of its pictures ships, only numbers measured on them"
}


@dataclass(frozen=True)
class Pets:
    """Pictures of the official training and validation list, as many of each breed.

    Attributes:
        pictures: uint8 (height, width, 3), of any size.
        breeds: the number of each picture's breed, int (n,).
        names: of the breeds; those of cats begin with a capital letter, as in the data set.
    """

    pictures: list[np.ndarray]
    breeds: np.ndarray
    names: list[str]

    @property
    def cats(self) -> np.ndarray:
        """Whether each picture shows a cat, bool (n,)."""
        return np.array([name[0].isupper() for name in self.names])[self.breeds]

    def __len__(self) -> int:
        return len(self.pictures)


def load(data_dir: Path) -> Pets:
    """The first pictures of each breed, as many as the rarest breed has.

    Args:
        data_dir: as for `train.datasets.oxford_pets.load`.
    """
    train, validation, _, names = oxford_breeds.load(data_dir)
    pictures, breeds = train[0] + validation[0], np.concatenate([train[1], validation[1]])
    each = np.bincount(breeds, minlength=len(names)).min()
    rows = np.concatenate([np.flatnonzero(breeds == breed)[:each] for breed in range(len(names))])
    return Pets([pictures[row] for row in rows], breeds[rows], names)
