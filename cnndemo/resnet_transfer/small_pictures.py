"""Small pictures for a network that was trained on large ones: padded with zeros, or scaled up.

The book (section 4.2, figures 4.4 and 4.5) pads CIFAR-10's 32×32 pixels with zeros to 224×224. Then the object covers
one of the 7×7 cells that the network averages at its end, and 48 cells of nothing drown it. Scaled up, it fills all.
"""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo.images import sample


def zero_pad(images: np.ndarray, size: int = 224) -> np.ndarray:
    """Puts each picture into the middle of a black square, as `ZeroPadding2D((96, 96))` in listing 4.2.

    Args:
        images: uint8 (n, height, width, 3), not larger than `size`.
        size: side of the result in pixels.

    Returns:
        uint8 (n, size, size, 3).
    """
    height, width = images.shape[1:3]
    top, left = (size - height) // 2, (size - width) // 2
    result = np.zeros((len(images), size, size, 3), np.uint8)
    result[:, top : top + height, left : left + width] = images
    return result


def enlarge(images: np.ndarray, size: int) -> np.ndarray:
    """Scales each picture to a square of `size` pixels with bicubic interpolation.

    Args:
        images: uint8 (n, height, width, 3).

    Returns:
        uint8 (n, size, size, 3).
    """
    result = np.empty((len(images), size, size, 3), np.uint8)
    for index, image in enumerate(images):
        cv2.resize(image, (size, size), dst=result[index], interpolation=cv2.INTER_CUBIC)
    return result


#: Name of each way to feed CIFAR-10 to the network -> function of uint8 (n, 32, 32, 3), in the order of the table.
INPUTS = {
    "padded to 224": lambda images: zero_pad(images, 224),
    "scaled to 96": lambda images: enlarge(images, 96),
    "scaled to 128": lambda images: enlarge(images, 128),
    "scaled to 224": lambda images: enlarge(images, 224),
}


def size_of(name: str) -> int:
    """Side in pixels of an entry of `INPUTS`."""
    return int(name.rsplit(" ", 1)[1])


def thumbnail() -> np.ndarray:
    """A small picture padded with zeros as in the book, and scaled up, for the front page: uint8 (180, 320, 3)."""
    small = cv2.resize(sample("cat")[20:280, 60:320], (32, 32), interpolation=cv2.INTER_AREA)
    halves = [make(small[None])[0] for make in (zero_pad, lambda pictures: enlarge(pictures, 224))]
    return np.hstack([cv2.resize(half, (160, 180), interpolation=cv2.INTER_AREA) for half in halves])
