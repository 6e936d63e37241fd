"""What a unit sees of a picture, maps and answers as pictures, and the card of the front page."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import ImageColor

from cnndemo.architectures.counting import Layer
from cnndemo.architectures.networks import plan
from cnndemo.palette import OKABE_ITO

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


def map_sheet(maps: np.ndarray, columns: int = 4) -> np.ndarray:
    """Maps side by side, dark where they are small, in viridis.

    Args:
        maps: uint8 (height, width, count).

    Returns:
        uint8 RGB, each map at least 64 pixels wide, with gaps between.
    """
    factor = max(1, -(-64 // maps.shape[1]))
    tiles = []
    for place in range(maps.shape[2]):
        large = maps[..., place].repeat(factor, axis=0).repeat(factor, axis=1)
        color = cv2.applyColorMap(np.ascontiguousarray(large), cv2.COLORMAP_VIRIDIS)[..., ::-1]
        tiles.append(np.pad(color, ((0, 4), (0, 4), (0, 0)), constant_values=255))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def answer_map(answer: np.ndarray) -> np.ndarray:
    """An answer for each pixel as a picture: the largest channel by its colour, a single channel by its brightness.

    Args:
        answer: float32 (height, width, channels).

    Returns:
        uint8 RGB (height, width, 3).
    """
    answer = np.nan_to_num(answer)
    if answer.shape[2] == 1:
        low, high = answer.min(), answer.max()
        grey = ((answer[..., 0] - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    colors = np.array([ImageColor.getrgb(color) for color in OKABE_ITO], np.uint8)
    return colors[answer.argmax(axis=2) % len(colors)]


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
