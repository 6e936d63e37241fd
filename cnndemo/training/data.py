"""What is learned from: the shipped digits as the script splits them, and what a visitor draws or brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo import images
from cnndemo.errors import VisitorError

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


def held_out() -> tuple[Split, Split]:
    """The shipped digits that a run validates with, and those that it is tested on: 500 each, 50 of each class."""
    x, y = images.digits()
    places = [np.flatnonzero(y == digit) for digit in range(10)]
    parts = (slice(-2 * HELD, -HELD), slice(-HELD, None))
    rows = [np.concatenate([own[part] for own in places]) for part in parts]
    return (x[rows[0]], y[rows[0]]), (x[rows[1]], y[rows[1]])


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


def shown(own: Own | None = None) -> Split:
    """The held-out examples whose answers are told after each epoch: of each class that occurs, the first."""
    x, y = own.validation if own else held_out()[0]
    rows = np.unique(y, return_index=True)[1]
    return x[rows], y[rows]


def answer_sheet(answers: np.ndarray, own: Own | None = None) -> np.ndarray:
    """The shown examples, each with the network's answer below: green if right, orange if wrong.

    Args:
        answers: (n, classes), probabilities.

    Returns:
        uint8 RGB (100, 72 × n, 3).
    """
    pictures, truth = shown(own)
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
