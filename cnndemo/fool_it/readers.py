"""The networks that are fooled, each with the same face: pictures in, probabilities and a map out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cnndemo import digit_classifier, inference
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.fool_it import digit_gradient
from cnndemo.resnet_transfer.attribution import class_map
from cnndemo.resnet_transfer.backbones import softmax

DIGITS = tuple(map(str, range(10)))
DIGIT, ROBUST, PHOTO = digit_classifier.MODEL, "robust_digits", "efficientnet_lite0"
DOUBTFUL = (1, 317)  # a shipped digit that is read rightly, until one pixel of it changes: its label and its number


@dataclass(frozen=True)
class Reader:
    """A network as the attacks see it.

    Attributes:
        name: of its card.
        title: for people, after "the", as in "the book's network".
        labels: names of its classes.
        ask: uint8 pictures (n, …) -> probabilities (n, classes).
        look: one picture and a class -> where the class is seen, float32 (rows, columns) from 0 to 1; None where the
            network has no such map.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    ask: Callable[[np.ndarray], np.ndarray]
    look: Callable[[np.ndarray, int], np.ndarray] | None = None

    def best(self, probabilities: np.ndarray) -> str:
        """The most probable class and how probable it is, such as "5 (99.8 %)"."""
        index = int(probabilities.argmax())
        return f"{self.labels[index]} ({probabilities[index]:.1%})"

    def pairs(self, probabilities: np.ndarray, first: int, top: int = 5) -> list[tuple[str, float]]:
        """The likeliest classes and, whatever it got, the class `first`: (label, probability), falling."""
        chosen = np.argsort(-probabilities)[:top]
        if first not in chosen:
            chosen = [*chosen[: top - 1], first]
        return [(self.labels[index], float(probabilities[index])) for index in chosen]


def digit_reader(name: str = DIGIT) -> Reader:
    """The book's digit network, or the one that was trained with attacks; pictures uint8 (n, 28, 28)."""
    title = "the book's network" if name == DIGIT else "the network that was trained with attacks"
    return Reader(
        name,
        title,
        DIGITS,
        lambda pictures: softmax(digit_gradient.scores(name, pictures)),
        lambda picture, index: digit_gradient.class_map(name, picture, index),
    )


def judge() -> Reader:
    """The second network of the digit page; it has learned from other pictures and knows two answers more."""
    return Reader(
        digit_classifier.JUDGE,
        "the second network",
        (*DIGITS, "no digit", "several digits"),
        lambda pictures: inference.predictor(digit_classifier.JUDGE)(pictures.astype(np.float32)[..., None] / 255),
    )


@lru_cache(maxsize=1)
def photo_reader() -> Reader:
    """EfficientNet-Lite0; pictures uint8 (n, 224, 224, 3)."""
    network = transfer.network(PHOTO)

    def look(picture: np.ndarray, index: int) -> np.ndarray:
        return class_map(network.see(picture), network, index)

    title = network.backbone.title
    return Reader(PHOTO, title, network.backbone.labels(), lambda pictures: softmax(network.scores(pictures)), look)


@lru_cache(maxsize=1)
def small_reader() -> Reader:
    """ResNet-20, which knows ten kinds of things; pictures uint8 (n, 32, 32, 3), or larger squares, that it shrinks."""
    network = transfer.network("resnet20")
    prepare, labels = network.backbone.prepare, network.backbone.labels()

    def ask(pictures: np.ndarray) -> np.ndarray:
        small = pictures if pictures.shape[1] == network.backbone.input_size else np.stack(list(map(prepare, pictures)))
        return softmax(network.scores(small))

    return Reader("resnet20", network.backbone.title, labels, ask)


def square(image: np.ndarray) -> np.ndarray:
    """The part of a photograph that EfficientNet-Lite0 sees: uint8 RGB of any size -> uint8 (224, 224, 3)."""
    return transfer.BACKBONES[PHOTO].prepare(image)


def shrunk(image: np.ndarray) -> np.ndarray:
    """The part of a photograph that ResNet-20 sees: uint8 RGB of any size -> uint8 (32, 32, 3)."""
    return transfer.BACKBONES["resnet20"].prepare(image)


def field(image: np.ndarray, mnist: bool) -> np.ndarray:
    """A digit as the digit networks see it, in whole grey levels.

    Args:
        image: uint8 (height, width, 3).
        mnist: whether it is one of MNIST's own, which need no preparation.

    Returns:
        uint8 (28, 28), bright ink on black.

    Raises:
        NoInk: nothing, or no digit, is written there.
    """
    if mnist:
        return image[..., 0]
    return np.rint(digit_classifier.read_number(image)[0].input * 255).astype(np.uint8)


def target_of(labels: tuple[str, ...], label: str, present: int, probabilities: np.ndarray) -> int:
    """The number of a class that a picture shall be taken for; of two with one name the likelier.

    Raises:
        VisitorError: there is no such class, or the picture is taken for it already.
    """
    found = [index for index, known in enumerate(labels) if known == label]
    if not found:
        raise VisitorError(f"The network has no class “{label}”. Choose one of its {len(labels)}.")
    if labels[present] == label:
        raise VisitorError(f"It is taken for “{label}” already. Choose another class to aim at.")
    return max(found, key=lambda index: probabilities[index])


def overlaid(picture: np.ndarray, heat: np.ndarray, side: int = 224) -> np.ndarray:
    """A map over its picture, uint8 (side, side, 3); pixels of a small picture stay visible."""
    from cnndemo.resnet_transfer.attribution import overlay

    colored = picture if picture.ndim == 3 else picture[..., None].repeat(3, axis=2)
    enlarged = cv2.resize(colored, (side, side), interpolation=cv2.INTER_NEAREST)
    return overlay(enlarged, heat)
