"""Pictures of nothing that a network knows. The softmax has no answer for them, so it gives one of its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo import digit_classifier, images
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.fool_it import digit_gradient
from cnndemo.fool_it.readers import DIGIT, DIGITS

LETTERS = "AKMRW"
THINGS = ("coffee", "astronaut", "rocket")


@dataclass(frozen=True)
class Nonsense:
    """A picture, and the network's scores of it.

    Attributes:
        name: what it is.
        picture: uint8 (side, side) or (side, side, 3), as the network sees it.
        scores: logits (classes,).
    """

    name: str
    picture: np.ndarray
    scores: np.ndarray


def letter(which: str) -> np.ndarray:
    """A capital letter as bright ink on black, about as MNIST's digits lie; uint8 (28, 28)."""
    large = np.zeros((280, 280), np.uint8)
    (width, height), _ = cv2.getTextSize(which, cv2.FONT_HERSHEY_SIMPLEX, 6.5, 24)
    at = (140 - width // 2, 140 + height // 2)
    cv2.putText(large, which, at, cv2.FONT_HERSHEY_SIMPLEX, 6.5, 255, 24, cv2.LINE_AA)
    return cv2.resize(large, (28, 28), interpolation=cv2.INTER_AREA)


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Every value thrown by dice, uint8."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def for_digits(seed: int = 0) -> list[Nonsense]:
    """A letter, noise, an empty sheet, a digit upside down and a photograph, for the book's digit network."""
    down = 4 if seed % 2 else 7
    cat = cv2.resize(images.to_gray(images.sample("cat")), (28, 28), interpolation=cv2.INTER_AREA)
    pictures = {
        f"the letter {LETTERS[seed % len(LETTERS)]}": letter(LETTERS[seed % len(LETTERS)]),
        "noise": noise((28, 28), seed),
        "an empty sheet": np.zeros((28, 28), np.uint8),
        f"a {down} upside down": np.ascontiguousarray(images.digit(down, seed)[::-1, ::-1]),
        "a cat": cat,
    }
    return asked_digits(pictures)


def asked_digits(pictures: dict[str, np.ndarray]) -> list[Nonsense]:
    """Pictures uint8 (28, 28) by name, with the scores of the book's digit network."""
    scores = digit_gradient.scores(DIGIT, np.stack(list(pictures.values())))
    return [Nonsense(name, picture, row) for (name, picture), row in zip(pictures.items(), scores, strict=True)]


def for_things(seed: int = 0) -> list[Nonsense]:
    """Things that are none of CIFAR-10's ten, noise and an empty sheet, for ResNet-20."""
    network = transfer.network("resnet20")
    side = network.backbone.input_size
    pictures = {images.SAMPLES[name].caption.lower(): network.backbone.prepare(images.sample(name)) for name in THINGS}
    pictures |= {"noise": noise((side, side, 3), seed), "an empty sheet": np.full((side, side, 3), 255, np.uint8)}
    scores = network.scores(np.stack(list(pictures.values())))
    return [Nonsense(name, picture, row) for (name, picture), row in zip(pictures.items(), scores, strict=True)]


def refused(picture: np.ndarray) -> bool:
    """Whether the digit page finds no digit in a picture, uint8 (28, 28): no ink, or none that looks like a digit."""
    try:
        digit_classifier.read_number(images.enlarge(picture, 10))
    except VisitorError:
        return True
    return False


def labels(name: str) -> tuple[str, ...]:
    """The classes of digit_classifier or resnet20."""
    return DIGITS if name == DIGIT else transfer.BACKBONES[name].labels()
