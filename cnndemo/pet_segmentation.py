"""Which pixels are the pet? U-Net on a picture of any size, and what can be done with its mask (book 6.1 and 6.4).

Labels are those of the data set's trimaps: 1 pet, 2 surroundings, 3 border. (The book's list swaps the last two.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from cnndemo import images
from cnndemo.errors import VisitorError

PET, SURROUNDINGS, BORDER = 1, 2, 3
CLASSES = {PET: "pet", SURROUNDINGS: "surroundings", BORDER: "border"}
#: Grey of the bars that make a picture square; in training, too.
FILL = 127
#: Less than this share of pet pixels counts as "no pet".
LEAST_PET = 0.01


@dataclass(frozen=True)
class Network:
    """One of the two networks of the topic.

    Args:
        weights: name of its weights file.
        architecture: module with its builder, in `cnndemo.models`.
        size: side of its square input in pixels.
        scale: what the uint8 values are multiplied by.
        title: what the page calls it.
    """

    weights: str
    architecture: str
    size: int
    scale: float
    title: str


NETWORKS = {
    "pretrained": Network(
        "pet_segmentation_pretrained", "unet_pretrained", 256, 1.0, "U-Net on a pretrained encoder (beyond the book)"
    ),
    "book": Network("pet_segmentation", "unet", 128, 1 / 255, "The book's U-Net (listing 6.1)"),
}

Predict = Callable[[np.ndarray], np.ndarray]


def network(name: str) -> Network:
    """The network of this name.

    Raises:
        VisitorError: there is none.
    """
    if name not in NETWORKS:
        raise VisitorError(f"There is no network “{name}”; choose one of: {', '.join(NETWORKS)}.")
    return NETWORKS[name]


def prepare(image: np.ndarray, net: Network) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A picture as the network's input, in training, measuring and serving alike.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float32 (size, size, 3), fitted without squashing, with grey bars; and the box (top, left, height, width) that
        the picture fills in it.
    """
    square, box = images.letterbox(image, net.size, FILL)
    return square.astype(np.float32) * np.float32(net.scale), box


def restore(probabilities: np.ndarray, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Cuts the bars off and brings the network's answer to the picture's own size.

    Args:
        probabilities: float32 (size, size, 3).
        box: from `prepare`.
        shape: height and width of the picture.

    Returns:
        float32 (height, width, 3), by bilinear interpolation.
    """
    top, left, height, width = box
    inside = np.ascontiguousarray(probabilities[top : top + height, left : left + width])
    return cv2.resize(inside, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def labels(probabilities: np.ndarray) -> np.ndarray:
    """The most probable class of each pixel: (…, 3) -> uint8 (…) with 1, 2, 3."""
    return (probabilities.argmax(axis=-1) + 1).astype(np.uint8)


@cache
def _predictor(name: str) -> Predict:
    from cnndemo import inference, weights

    return inference.predictor(weights.load(network(name).weights))


def probabilities(image: np.ndarray, name: str = "pretrained", predict: Predict | None = None) -> np.ndarray:
    """Probabilities of pet, surroundings and border for each pixel of a picture.

    Args:
        image: uint8 RGB (height, width, 3).
        name: "pretrained" or "book".
        predict: a compiled network (`inference.predictor`) to use instead of loading it here.

    Returns:
        float32 (height, width, 3) at the picture's own size; they sum to 1.
    """
    net = network(name)
    square, box = prepare(image, net)
    return restore((predict or _predictor(name))(square[None])[0], box, image.shape)


def segment(image: np.ndarray, network: str = "pretrained", predict: Predict | None = None) -> np.ndarray:
    """The class of each pixel: uint8 (height, width) with 1 pet, 2 surroundings, 3 border, at the picture's own size.

    Args:
        image: uint8 RGB (height, width, 3).
        network: "pretrained" or "book".
        predict: a compiled network to use instead of loading it here.
    """
    return labels(probabilities(image, network, predict))
