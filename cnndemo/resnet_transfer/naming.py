"""Naming a picture with a pretrained network: ImageNet's classes, CIFAR-10's, or the breeds of pets."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np

from cnndemo import pet_presence
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import attribution, small_pictures
from cnndemo.resnet_transfer.backbones import BACKBONES, Look, Network, network, softmax

LONG = 1.6
"""A picture so many times as long as its short side is seen in several squares, not in its middle one alone."""

_heads = threading.Lock()

Part = tuple[slice, slice]


def squares(height: int, width: int) -> list[Part]:
    """The parts of a picture that a network sees: the whole, or of a long one squares side by side.

    From one square to the next it is at most half a side. Of the whole, a network sees the middle square, which leaves
    out at most two fifths of the picture.
    """
    short, long = min(height, width), max(height, width)
    if long <= LONG * short:
        return [(slice(0, height), slice(0, width))]
    starts = np.unique(np.linspace(0, long - short, min(16, -(-2 * (long - short) // short) + 1)).round().astype(int))
    spans = [slice(int(start), int(start) + short) for start in starts]
    return [(span, slice(0, width)) if height > width else (slice(0, height), span) for span in spans]


def looks(image: np.ndarray, chosen: Network) -> list[tuple[Part, Look]]:
    """What a network makes of each part of a picture, see `squares`."""
    return [(part, chosen.look(image[part])) for part in squares(*image.shape[:2])]


def surest(seen: list[tuple[Part, Look]]) -> int:
    """Number of the part whose first name is most probable."""
    return int(np.argmax([look.probabilities.max() for _, look in seen]))


def classify(image: np.ndarray, backbone: str = "efficientnet_lite0", top: int = 5) -> list[tuple[str, float]]:
    """The most likely classes of a picture; of a long one those of the square that gives the surest answer.

    Args:
        image: uint8 RGB (height, width, 3).
        backbone: efficientnet_lite0 or resnet50 (ImageNet's classes), or resnet20 (CIFAR-10's).
        top: how many.

    Returns:
        (label, probability) pairs, the most likely first.

    Raises:
        VisitorError: no such backbone, or its weights are not there.
    """
    chosen = network(backbone)
    seen = looks(image, chosen)
    return best(seen[surest(seen)][1].probabilities, chosen.backbone.labels(), top)


def best(probabilities: np.ndarray, labels: tuple[str, ...], top: int) -> list[tuple[str, float]]:
    """The `top` largest of (classes,) probabilities with their labels, in falling order."""
    order = np.argsort(-probabilities)[:top]
    return [(labels[index], float(probabilities[index])) for index in order]


def class_index(name: str, label: str, scores: np.ndarray) -> int:
    """Number of the class with this label; of two classes with the same name the one with the higher score.

    Raises:
        VisitorError: the network has no such class.
    """
    found = [index for index, known in enumerate(BACKBONES[name].labels()) if known == label]
    if not found:
        raise VisitorError(f"{BACKBONES[name].title} has no class “{label}”.")
    return max(found, key=lambda index: scores[index])


def class_activation(image: np.ndarray, backbone: str, label: str) -> np.ndarray:
    """Grad-CAM of a class over the picture.

    Args:
        image: uint8 RGB (height, width, 3).
        backbone: as for `classify`.
        label: one of the backbone's labels.

    Returns:
        float32 (height, width) from 0 to 1; zero outside the square that the network saw. Of a long picture's
        squares the one with the highest score for the label counts.

    Raises:
        VisitorError: no such backbone or label, or its weights are not there.
    """
    chosen = network(backbone)
    seen = looks(image, chosen)
    index = class_index(backbone, label, np.max([look.scores for _, look in seen], axis=0))
    part, look = max(seen, key=lambda pair: pair[1].scores[index])
    size = image[part].shape[:2]
    heat = np.zeros(image.shape[:2], np.float32)
    values = attribution.class_map(look, chosen, index)
    heat[part] = attribution.on_picture(values, size, chosen.backbone.crop(*size))
    return heat


@lru_cache(maxsize=4)
def _head_arrays(name: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    from cnndemo import weights

    kernel, bias = weights.arrays(name, "scores")
    return kernel, bias, tuple(weights.card(name)["classes"])


def head(name: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Kernel (features, classes), bias (classes,) and class names of a trained head, read once.

    Raises:
        WeightsError: its file or card is missing or broken.
    """
    with _heads:
        return _head_arrays(name)


def breed(image: np.ndarray, top: int = 3) -> list[tuple[str, float]]:
    """The most likely breeds of the cat or dog in a picture, in the names of the Oxford-IIIT Pet data set.

    Args:
        image: uint8 RGB (height, width, 3).
        top: how many.

    Returns:
        (breed, probability) pairs such as ("Abyssinian", 0.93), the most likely first; empty where
        `cnndemo.pet_presence` sees neither cat nor dog.

    Raises:
        WeightsError: the head or the backbone is missing or broken.
    """
    sight = pet_presence.look(image)
    return breeds(where_pet(image, sight), top) if sight.pet else []


def breeds(part: np.ndarray, top: int = 3) -> list[tuple[str, float]]:
    """The most likely breeds, whatever the picture shows: the head itself has no answer "no pet"."""
    kernel, bias, names = head("pet_breeds")
    features = network("efficientnet_lite0").look(part).features
    return best(softmax(features @ kernel + bias), names, top)


def where_pet(image: np.ndarray, sight: pet_presence.Sight) -> np.ndarray:
    """The picture, or of a long one the square in which most of the pet is seen."""
    parts = squares(*image.shape[:2])
    return image[max(parts, key=lambda part: float(np.maximum(sight.evidence[part], 0).sum()))]


def small_picture(picture: np.ndarray, way: str) -> tuple[np.ndarray, np.ndarray, Look]:
    """A 32×32 picture through the frozen backbone and its CIFAR-10 head, fed in one of two ways.

    Args:
        picture: uint8 (32, 32, 3).
        way: "padded" with zeros to 224, as in the book, or "scaled" as on the card of `cifar10_transfer`.

    Returns:
        What the network saw, uint8 (size, size, 3); the probabilities (10,); and how strongly each cell of the last
        grid responds, as a `Look` whose maps can be drawn.

    Raises:
        WeightsError: head or backbone missing or broken.
    """
    from cnndemo import weights

    name = "cifar10_transfer_padded" if way == "padded" else "cifar10_transfer"
    fed = weights.card(name)["input"]
    pixels = small_pictures.INPUTS[fed](picture[None])[0]
    kernel, bias, _ = head(name)
    chosen = network("efficientnet_lite0")
    outputs = chosen.run(pixels[None])
    maps, features = outputs[chosen.backbone.maps][0], outputs[chosen.backbone.features][0]
    scores = features @ kernel + bias
    return pixels, softmax(scores), Look(pixels, maps, features, scores, softmax(scores))
