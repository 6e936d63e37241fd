"""What a unit sees of a picture, and the card of the front page."""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo.architectures.counting import Layer
from cnndemo.architectures.networks import plan

FRAME = (213, 94, 0)


def field_of(image: np.ndarray, layer: Layer, side: int) -> np.ndarray:
    """The middle of a picture as the network's input, with what the middle unit of a layer cannot see dimmed.

    Args:
        image: uint8 RGB (height, width, 3).
        layer: of a plan.
        side: of the plan's input.

    Returns:
        uint8 RGB (448, 448, 3).
    """
    height, width = image.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    shown = 448
    square = cv2.resize(image[top : top + short, left : left + short], (shown, shown), interpolation=cv2.INTER_AREA)
    half = min(1.0, layer.sees / side) * shown / 2
    low, high = round(shown / 2 - half), round(shown / 2 + half)
    result = (square * 0.3 + 255 * 0.15).astype(np.uint8)
    result[low:high, low:high] = square[low:high, low:high]
    cv2.rectangle(result, (low, low), (high - 1, high - 1), FRAME, 3)
    return result


def thumbnail() -> np.ndarray:
    """AlexNet as blocks: the maps get smaller and more. uint8 (180, 320, 3)."""
    picture = np.full((180, 320, 3), 255, np.uint8)
    colors = {"convolution": (230, 159, 0), "pooling": (86, 180, 233), "dense": (0, 158, 115)}
    x = 22
    for layer in plan("alexnet").layers:
        tall = round(150 * np.sqrt(layer.side / 56)) if layer.kind != "dense" else 90
        tall, wide = max(20, min(150, tall)), round(4 + layer.channels**0.5 / 3.2)
        top = 90 - tall // 2
        cv2.rectangle(picture, (x, top), (x + wide, top + tall), colors[layer.kind], -1)
        cv2.rectangle(picture, (x, top), (x + wide, top + tall), (70, 70, 70), 1)
        x += wide + 9
    return picture
