"""What is learned from: the shipped digits as the script splits them, and what a visitor draws or brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from cnndemo import images
from cnndemo.errors import VisitorError
from cnndemo.training.settings import mnist_file

HELD = 50  # of each class of the shipped digits: to validate with, and as many to test on
SIDE = 28
MOST_DRAWN = 200
Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Own:
    """Three splits for the script, each x uint8 (n, 28, 28) or (n, 28, 28, 3) and y (n,), and the classes' names."""

    training: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of one example: (height, width, channels)."""
        return (*self.training[0].shape[1:], 1)[:3]

    def arrays(self) -> dict[str, np.ndarray]:
        """As the script's `--data FILE.npz` has it."""
        found = {"classes": np.array(self.classes)}
        for name in ("training", "validation", "test"):
            found |= dict(zip((f"x_{name}", f"y_{name}"), getattr(self, name), strict=True))
        return found


def held_out(own: Own | None = None, data: str = "shipped") -> tuple[Split, Split]:
    """What a run validates with, and what it is tested on.

    Args:
        own: what the visitor brings, which has splits of its own.
        data: of the settings. Of the shipped digits 500 are for each, 50 of each class. A run on all of MNIST has none
            of them to learn from and validates with all, so it is tested on as many of MNIST's own test split.

    Raises:
        VisitorError: MNIST is no longer there.
    """
    if own is not None:
        return own.validation, own.test
    if data == "mnist":
        return images.digits(), _of_mnist(mnist_file())
    x, y = images.digits()
    return _of_each(x, y, slice(-2 * HELD, -HELD)), _of_each(x, y, slice(-HELD, None))


def _of_each(x: np.ndarray, y: np.ndarray, part: slice) -> Split:
    """A part of each class."""
    rows = np.concatenate([np.flatnonzero(y == digit)[part] for digit in range(10)])
    return x[rows], y[rows]


@lru_cache(maxsize=1)
def _of_mnist(file: Path) -> Split:
    """The first of MNIST's test split, 50 of each class."""
    try:
        with np.load(file) as archive:
            return _of_each(archive["x_test"], archive["y_test"], slice(HELD))
    except OSError:
        raise VisitorError("MNIST is no longer on this server, so the network cannot be tested on it.") from None


def of_drawings(fields: Sequence[np.ndarray], labels: Sequence[int]) -> Own:
    """Digits drawn by the visitor to learn from; the shipped ones of the same classes to validate with and test on.

    Args:
        fields: uint8 (28, 28), bright ink on black.
        labels: which digit each of them is.

    Raises:
        VisitorError: fewer than two digits are there.
    """
    known = sorted(set(labels))
    if len(known) < 2:
        have = f"Only the digit {known[0]} is there" if known else "Nothing is drawn yet"
        raise VisitorError(f"{have}. Draw at least two different digits, each a few times.")
    held = [(x[np.isin(y, known)], y[np.isin(y, known)]) for x, y in held_out()]
    return Own((np.stack(fields), np.array(labels)), *held, tuple("0123456789"))


def of_classes(pictures: Sequence[np.ndarray], labels: Sequence[str]) -> Own:
    """The visitor's own classes, in colour and as small as a digit; every fourth picture of a class is held out.

    Args:
        pictures: uint8 (height, width, 3).
        labels: the class of each.

    Raises:
        VisitorError: fewer than two classes, or one with fewer than four pictures.
    """
    classes = tuple(dict.fromkeys(labels))
    few = [name for name in classes if list(labels).count(name) < 4]
    if len(classes) < 2 or few:
        raise VisitorError(
            f"“{few[0]}” has fewer than four pictures: three are learned from for each that is held out."
            if few
            else "At least two classes are needed, each with four pictures or more."
        )
    small = np.stack([cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in pictures])
    y = np.array([classes.index(label) for label in labels])
    place = np.array([np.count_nonzero(y[:row] == label) for row, label in enumerate(y)])
    held = place % 4 == 3
    few_left = small[held], y[held]  # they validate and test, which `evaluation.Report` says
    return Own((small[~held], y[~held]), few_left, few_left, classes)


def shown(own: Own | None = None, data: str = "shipped") -> Split:
    """The held-out examples whose answers are told after each epoch: of each class that occurs, the first."""
    x, y = held_out(own, data)[0]
    rows = np.unique(y, return_index=True)[1]
    return x[rows], y[rows]


def answer_sheet(answers: np.ndarray, own: Own | None = None, data: str = "shipped") -> np.ndarray:
    """The shown examples, each with the network's answer below: green if right, orange if wrong.

    Args:
        answers: (n, classes), probabilities.
        own, data: as for `held_out`.

    Returns:
        uint8 RGB (100, 72 × n, 3).
    """
    pictures, truth = shown(own, data)
    classes = own.classes if own else tuple("0123456789")
    tiles = []
    for picture, label, row in zip(pictures, truth, answers, strict=True):
        tile = np.full((100, 72, 3), 255, np.uint8)
        large = cv2.resize(picture, (60, 60), interpolation=cv2.INTER_NEAREST)
        tile[4:64, 6:66] = large if large.ndim == 3 else large[..., None]
        said = int(row.argmax())
        color = (0, 158, 115) if said == label else (213, 94, 0)
        cv2.rectangle(tile, (4, 2), (67, 65), color, 3)
        name = "".join(letter if letter.isascii() else "?" for letter in classes[said][:4])
        cv2.putText(tile, f"{name} {row[said]:.0%}", (4, 88), cv2.FONT_HERSHEY_SIMPLEX, 0.5, color, 1, cv2.LINE_AA)
        tiles.append(tile)
    return np.hstack(tiles)
