"""Naming a picture with a pretrained network: ImageNet's classes, CIFAR-10's, or the breeds of pets."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import attribution, small_pictures
from cnndemo.resnet_transfer.backbones import BACKBONES, Look, network, softmax

_heads = threading.Lock()


def classify(image: np.ndarray, backbone: str = "efficientnet_lite0", top: int = 5) -> list[tuple[str, float]]:
    """The most likely classes of a picture.

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
    return best(chosen.look(image).probabilities, chosen.backbone.labels(), top)


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
        float32 (height, width) from 0 to 1; zero outside the square that the network saw.

    Raises:
        VisitorError: no such backbone or label, or its weights are not there.
    """
    chosen = network(backbone)
    look = chosen.look(image)
    values = attribution.class_map(look, chosen, class_index(backbone, label, look.scores))
    return attribution.on_picture(values, image.shape[:2], chosen.backbone.crop(*image.shape[:2]))


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
        image: uint8 RGB (height, width, 3). There is no answer "no pet": whatever the picture shows, it gets a breed.
        top: how many.

    Returns:
        (breed, probability) pairs such as ("Abyssinian", 0.93), the most likely first.

    Raises:
        WeightsError: the head or the backbone is missing or broken.
    """
    kernel, bias, names = head("pet_breeds")
    features = network("efficientnet_lite0").look(image).features
    return best(softmax(features @ kernel + bias), names, top)


def pet_share(probabilities: np.ndarray) -> float:
    """How much of ImageNet's probability goes to cats and dogs: classes 151–268 are dogs, 281–285 cats."""
    return float(probabilities[151:269].sum() + probabilities[281:286].sum())


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
