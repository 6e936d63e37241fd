"""Pictures of nothing that a network knows. The softmax has no answer for them, so it gives one of its own."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo import digit_classifier, images, inference, weights
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.fool_it import digit_gradient, readers
from cnndemo.fool_it.readers import DIGIT, DIGITS, PHOTO, ROBUST
from cnndemo.resnet_transfer import small_pictures

JUDGE = digit_classifier.JUDGE
DIGITAL = (DIGIT, ROBUST, JUDGE)
HEADS = {"cifar10_transfer": readers.shrunk, "pet_breeds": readers.square}
"""Softmax layers on the features of EfficientNet-Lite0, and the part of a photograph that is laid before each."""
LETTERS = "AKMRW"
THINGS = ("coffee", "astronaut", "rocket")
NOTHING = readers.judge().labels[-2:]
"""The answers by which a network says itself that none of its classes is there."""


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


def shown(name: str, seed: int = 0) -> list[Nonsense]:
    """Five pictures that are none of what a network knows, with its scores of them.

    Args:
        name: of a network's card: one of `DIGITAL` or `HEADS`, resnet20 or efficientnet_lite0.
        seed: other letters, other noise.
    """
    return asked(name, _digital(seed) if name in DIGITAL else _colored(name, seed))


def asked(name: str, pictures: dict[str, np.ndarray]) -> list[Nonsense]:
    """Pictures by their names, uint8 as the network sees them, with its scores of them."""
    found = scores(name, np.stack(list(pictures.values())))
    return [Nonsense(words, picture, row) for (words, picture), row in zip(pictures.items(), found, strict=True)]


def scores(name: str, pictures: np.ndarray) -> np.ndarray:
    """Logits (n, classes) of pictures, uint8 (n, …) as the network sees them.

    Raises:
        WeightsError: the network is not there.
    """
    if name == JUDGE:
        kernel, bias = weights.arrays(JUDGE, "answer")
        inputs = pictures.astype(np.float32)[..., None] / 255
        return inference.predictor(JUDGE, ["dense"])(inputs)["dense"] @ kernel + bias
    if name in DIGITAL:
        return digit_gradient.scores(name, pictures)
    if name not in HEADS:
        return transfer.network(name).scores(pictures)
    enlarge = small_pictures.INPUTS.get(weights.card(name).get("input"), lambda pictures: pictures)
    kernel, bias = weights.arrays(name, "scores")
    return transfer.network(PHOTO).features(enlarge(pictures)) @ kernel + bias


def _digital(seed: int) -> dict[str, np.ndarray]:
    """A letter, noise, an empty sheet, a digit upside down and a photograph, uint8 (28, 28)."""
    which, down = LETTERS[seed % len(LETTERS)], 4 if seed % 2 else 7
    cat = cv2.resize(images.to_gray(images.sample("cat")), (28, 28), interpolation=cv2.INTER_AREA)
    return {
        f"the letter {which}": letter(which),
        "noise": noise((28, 28), seed),
        "an empty sheet": np.zeros((28, 28), np.uint8),
        f"a {down} upside down": np.ascontiguousarray(images.digit(down, seed)[::-1, ::-1]),
        "a cat": cat,
    }


def _colored(name: str, seed: int) -> dict[str, np.ndarray]:
    """Things that a network does not know, noise and an empty sheet, uint8 (side, side, 3)."""
    prepare = HEADS[name] if name in HEADS else transfer.BACKBONES[name].prepare
    if name == PHOTO:  # of the things in our photographs ImageNet knows nearly all
        which, digit = LETTERS[seed % len(LETTERS)], seed % 10
        drawn = {f"the letter {which}": letter(which), f"the digit {digit}": images.digit(digit, seed)}
        found = {words: prepare(images.enlarge(ink[..., None].repeat(3, axis=2), 10)) for words, ink in drawn.items()}
        found["a black sheet"] = np.zeros_like(found[f"the letter {which}"])
    else:
        found = {images.SAMPLES[thing].caption.lower(): prepare(images.sample(thing)) for thing in THINGS}
    shape = next(iter(found.values())).shape
    return found | {"noise": noise(shape, seed), "an empty sheet": np.full(shape, 255, np.uint8)}


def refused(picture: np.ndarray) -> bool:
    """Whether the digit page finds no digit in a picture, uint8 (28, 28): no ink, or none that looks like a digit."""
    try:
        digit_classifier.read_number(images.enlarge(picture, 10))
    except VisitorError:
        return True
    return False


def labels(name: str) -> tuple[str, ...]:
    """The classes of a network, by the name of its card."""
    if name in HEADS:
        return tuple(label.replace("_", " ") for label in weights.card(name)["classes"])
    if name == JUDGE:
        return readers.judge().labels
    return DIGITS if name in DIGITAL else transfer.BACKBONES[name].labels()
