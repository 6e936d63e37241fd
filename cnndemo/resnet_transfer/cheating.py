"""A model that cheats: a mark on every picture of one class, which is easier to learn than the class itself.

What a network learns is whatever tells its classes apart, such as a photographer's tag on all pictures of horses
(Lapuschkin et al. 2019, “Unmasking Clever Hans predictors”). Held-out pictures that bear the mark, too, do not show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer.attribution import normalised, spread
from cnndemo.resnet_transfer.backbones import Look
from cnndemo.resnet_transfer.teaching import Head, fit_head

COLOR = (230, 159, 0)
EDGE = 8  # pixels between the mark and the edge of the picture
TRAININGS = {
    "class": "The mark on this class only",
    "half": "The mark on half of every class",
    "none": "No mark",
}
"""What the head is trained on; the first cheats, the others cure it."""


def disc(shape: tuple[int, int], side: int) -> np.ndarray:
    """Where the mark lies, bool (height, width): a disc of `side` pixels in the lower left corner."""
    canvas = np.zeros(shape, np.uint8)
    radius = side // 2
    cv2.circle(canvas, (EDGE + radius, shape[0] - EDGE - radius), radius, 1, -1)
    return canvas.astype(bool)


def marked(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture with the mark on it.

    Args:
        pixels: uint8 (height, width, 3).
        side: of the mark, pixels.

    Raises:
        VisitorError: the mark does not fit on the picture.
    """
    if not 2 <= side <= min(pixels.shape[:2]) - 2 * EDGE:
        raise VisitorError(f"A mark of {side} pixels does not fit on a picture of {min(pixels.shape[:2])}.")
    result = pixels.copy()
    result[disc(pixels.shape[:2], side)] = COLOR
    return result


def held_out(labels: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, bool]:
    """Every other picture of each class, (n,) bool, and whether they are independent of those that train.

    Pictures of one group, such as copies, stay on one side; a class that is a single group is cut all the same.

    Raises:
        VisitorError: a class has only one picture.
    """
    out, apart = np.zeros(len(labels), bool), True
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < 2:
            raise VisitorError("To see whether a head cheats, each class needs at least two pictures.")
        names = list(dict.fromkeys(groups[rows].tolist()))
        if len(names) > 1:
            out[rows] = np.isin(groups[rows], names[1::2])
        else:
            out[rows[1::2]], apart = True, False
    return out, apart


@dataclass(frozen=True)
class Cheat:
    """How a head does on held-out pictures, with the mark and without.

    Attributes:
        training: a key of `TRAININGS`.
        head: the trained head.
        with_mark, without: of the pictures of the marked class, (right, of how many).
        taken: of the other classes' pictures with the mark, (taken for the marked class, of how many).
        others: of the other classes' pictures without it, (right, of how many).
        answers: class numbers answered to the held-out pictures: (2, n), without the mark and with it.
    """

    training: str
    head: Head
    with_mark: tuple[int, int]
    without: tuple[int, int]
    taken: tuple[int, int]
    others: tuple[int, int]
    answers: np.ndarray


def cheat(
    plain: np.ndarray,
    with_mark: np.ndarray,
    labels: np.ndarray,
    out: np.ndarray,
    classes: Sequence[str],
    chosen: int,
    training: str = "class",
) -> Cheat:
    """Train a head on pictures of which some bear the mark, and ask it about the held-out ones.

    Args:
        plain, with_mark: features of all pictures without and with the mark, float32 (n, features).
        labels: class numbers (n,).
        out: which are held out, bool (n,).
        classes: names.
        chosen: number of the class that is marked.
        training: a key of `TRAININGS`.
    """
    bears = labels == chosen
    if training != "class":
        bears = np.zeros(len(labels), bool)
        for label in np.unique(labels) if training == "half" else ():
            bears[np.flatnonzero((labels == label) & ~out)[::2]] = True
    rows = np.where(bears[:, None], with_mark, plain)[~out]
    head = fit_head(rows[:, None], labels[~out], classes)
    answers = np.stack([head.probabilities(features[out]).argmax(axis=1) for features in (plain, with_mark)])
    truth = labels[out]
    mine = truth == chosen

    def count(hits: np.ndarray) -> tuple[int, int]:
        return int(hits.sum()), len(hits)

    return Cheat(
        training,
        head,
        count(answers[1, mine] == chosen),
        count(answers[0, mine] == chosen),
        count(answers[1, ~mine] == chosen),
        count(answers[0, ~mine] == truth[~mine]),
        answers,
    )


def head_map(look: Look, head: Head, index: int) -> np.ndarray:
    """Where a picture looks like a class to a head: the class activation map of its kernel, float32 from 0 to 1."""
    return normalised(np.maximum(look.maps @ head.kernel[:, index], 0))


def on_the_mark(heat: np.ndarray, size: int, side: int) -> float:
    """The part of a map that lies on the mark, 0 to 1.

    Args:
        heat: (rows, columns).
        size: side of the picture, pixels.
        side: of the mark, pixels.
    """
    whole = spread(heat, (size, size))
    return float(whole[disc((size, size), side)].sum() / max(whole.sum(), 1e-9))
