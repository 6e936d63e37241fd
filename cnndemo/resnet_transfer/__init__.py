"""Transfer learning (book 4.2): pretrained networks, where they look, and a new head for the visitor's own classes."""

import numpy as np

from cnndemo.resnet_transfer.backbones import BACKBONES, network, overview, randomised
from cnndemo.resnet_transfer.naming import breed, class_activation, classify

__all__ = ["BACKBONES", "breed", "class_activation", "classify", "network", "overview", "randomised", "thumbnail"]


def thumbnail() -> np.ndarray:
    """The cat under a map, and the frozen and the new part of a network as blocks, for the home page.

    Returns:
        uint8 (180, 320, 3). Drawn without a network: the glow is only a picture of what the page computes.
    """
    import cv2

    from cnndemo import images
    from cnndemo.resnet_transfer.attribution import overlay

    picture = cv2.resize(images.sample("cat")[20:280, 90:350], (150, 150), interpolation=cv2.INTER_AREA)
    rows, columns = np.mgrid[0:150, 0:150]
    glow = np.exp(-((rows - 70) ** 2 + (columns - 75) ** 2) / 1800).astype(np.float32)
    result = np.full((180, 320, 3), 250, np.uint8)
    result[15:165, 12:162] = overlay(picture, glow)
    for number in range(5):  # four frozen layers, and the new head
        color = (213, 94, 0) if number == 4 else (0, 114, 178)
        left, half = 178 + 27 * number, 66 - 12 * number
        cv2.rectangle(result, (left, 90 - half), (left + 16, 90 + half), color, -1)
    return result
