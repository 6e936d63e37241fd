"""A picture before and after: what was changed, how far, and what a network makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.fool_it import attacks, digit_gradient
from cnndemo.fool_it.readers import DIGIT, Reader
from cnndemo.palette import signed_picture

LARGEST = {"digit": 80, "photo": 16}  # ε in grey levels that the page offers


@dataclass(frozen=True)
class Fooled:
    """A picture, the same after an attack, and after a random change of the same size; each with its answer.

    Attributes:
        reader: the network that was attacked.
        pictures: uint8 (3, …): before, attacked, changed at random.
        answers: probabilities (3, classes).
        epsilon: grey levels.
        wanted: the class that was aimed at, or None.
    """

    reader: Reader
    pictures: np.ndarray
    answers: np.ndarray
    epsilon: int
    wanted: int | None = None

    @property
    def classes(self) -> tuple[int, int, int]:
        """What is answered before, after the attack and after the random change."""
        before, after, random = self.answers.argmax(axis=1).tolist()
        return before, after, random

    @property
    def worked(self) -> bool:
        """Whether the answer is another one, and the wanted one if there is one."""
        before, after, _ = self.classes
        return after != before if self.wanted is None else after == self.wanted

    @property
    def moved(self) -> tuple[float, float]:
        """How much of the probability the attack moved to other classes, and how much the random change, 0 to 1."""
        before, *others = self.answers.astype(np.float64)
        attack, random = (float(np.abs(other - before).sum() / 2) for other in others)
        return attack, random

    @property
    def largest(self) -> int:
        """The largest change of any value, in grey levels."""
        return int(np.abs(self.pictures[1].astype(int) - self.pictures[0]).max())


def fooled(reader: Reader, before: np.ndarray, after: np.ndarray, epsilon: int, wanted: int | None = None) -> Fooled:
    """What a network says to a picture, to what an attack made of it, and to a random change as large.

    Args:
        reader: the network.
        before, after: uint8, alike.
        epsilon: grey levels.
        wanted: class that was aimed at.
    """
    by_chance = np.rint(attacks.random_change(before[None], epsilon))[0].astype(np.uint8)
    pictures = np.stack([before, after, by_chance])
    return Fooled(reader, pictures, reader.ask(pictures), epsilon, wanted)


def fool_digit(
    picture: np.ndarray, epsilon: int = 26, steps: int = 10, target: int | None = None, name: str = DIGIT
) -> np.ndarray:
    """A digit, changed so that a network reads another.

    Args:
        picture: uint8 (28, 28), bright ink on black.
        epsilon: the largest change of a pixel, in grey levels.
        steps: 1 for the fast gradient sign method, more for its iterated form.
        target: the digit that it shall be taken for; None for any other than now.
        name: digit_classifier or robust_digits.

    Returns:
        uint8 (28, 28).

    Raises:
        VisitorError: ε is negative, there is no step, or the target is what is read already.
        WeightsError: the network is not there.
    """
    check(epsilon, steps)
    present = int(digit_gradient.scores(name, picture[None])[0].argmax())
    if target == present:
        raise VisitorError(f"It is read as {present} already. Choose another digit to aim at.")
    classes = np.array([present if target is None else target])
    gradient = digit_gradient.gradient(name)
    changed = attacks.iterated(gradient, picture[None], classes, epsilon, steps, wanted=target is not None)
    return changed[0].astype(np.uint8)


def check(epsilon: int, steps: int) -> None:
    """Refuse an attack that makes no sense.

    Raises:
        VisitorError: ε is not from 0 to 255, or there is no step.
    """
    if not 0 <= epsilon <= 255:
        raise VisitorError(f"ε is a number of grey levels from 0 to 255, not {epsilon}.")
    if steps < 1:
        raise VisitorError("An attack needs at least one step.")


def with_sign(picture: np.ndarray, sign: np.ndarray, epsilon: int, wanted: bool) -> np.ndarray:
    """One step of the fast gradient sign method, where the sign is known: uint8 and int8 of one shape -> uint8."""
    direction = -epsilon if wanted else epsilon
    return np.clip(picture.astype(np.int16) + direction * sign.astype(np.int16), 0, 255).astype(np.uint8)


def enlarged(before: np.ndarray, after: np.ndarray, epsilon: int) -> np.ndarray:
    """The change between two pictures, made visible; uint8 RGB (height, width, 3).

    Of a grey picture blue is darker, red brighter, white unchanged; of a colour picture each colour is enlarged around
    a middle grey, until ε fills the range.
    """
    share = (after.astype(np.float32) - before) / max(epsilon, 1)
    if before.ndim == 3:
        return np.rint(127.5 + 127.5 * share.clip(-1, 1)).astype(np.uint8)
    return signed_picture(share, 1)


def thumbnail() -> np.ndarray:
    """The topic's picture on the home page, uint8 (180, 320, 3): a five, the change, and what looks like a five still.

    The home page loads no network: the change drawn here is a picture of one, not the result of an attack.
    """
    from cnndemo import images

    five = images.digit(5, 0)
    change = np.where(np.random.default_rng(5).random((28, 28)) < 0.5, -26, 26)
    after = np.clip(five.astype(int) + change, 0, 255).astype(np.uint8)
    result = np.full((180, 320, 3), 250, np.uint8)
    for left, part in ((12, five), (112, enlarged(five, five + change, 26)), (212, after)):
        part = part if part.ndim == 3 else part[..., None].repeat(3, axis=2)
        result[42:138, left : left + 96] = cv2.resize(part, (96, 96), interpolation=cv2.INTER_NEAREST)
    return result
