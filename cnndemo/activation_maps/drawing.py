"""Maps and patches as pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cnndemo.activation_maps.maps import COLORS
from cnndemo.palette import signed_picture

GRAY = 128  # of gaps and of cells that are not used


_UNSIGNED = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], COLORS)[:, 0, ::-1]


def colored(values: np.ndarray, signed: bool, top: float | None = None) -> np.ndarray:
    """Values as colours: viridis from zero up, or blue–white–red centred on zero.

    Args:
        values: float32, of any shape.
        top: value of the strongest colour; default the largest there is.

    Returns:
        uint8 (..., 3), RGB.
    """
    top = max(float(np.abs(values).max()) if top is None else top, 1e-9)
    return signed_picture(values, top) if signed else _UNSIGNED[(np.clip(values / top, 0, 1) * 255).astype(np.uint8)]


def strength(maps: np.ndarray) -> np.ndarray:
    """Channels, the strongest peak first, int (channels,)."""
    return np.argsort(-maps.reshape(-1, maps.shape[-1]).max(axis=0), kind="stable")


def map_sheet(maps: np.ndarray, channels: Sequence[int], columns: int, signed: bool, cell: int = 56) -> np.ndarray:
    """Maps of a photograph on one sheet, each scaled to its own strongest value, as `activation_maps.sheet` lays them.

    Args:
        maps: float32 (height, width, channels).
        channels: which maps, in which order.
        columns: maps a row.
        signed: see `colored`.
        cell: side of a map in pixels.

    Returns:
        uint8 (rows * (cell + 2), columns * (cell + 2), 3), RGB.
    """
    rows, pitch = -(-len(channels) // columns), cell + 2
    result = np.full((rows * pitch, columns * pitch, 3), GRAY, np.uint8)
    how = cv2.INTER_AREA if maps.shape[0] > cell else cv2.INTER_NEAREST
    for place, channel in enumerate(channels):
        top, left = place // columns * pitch + 1, place % columns * pitch + 1
        picture = colored(maps[..., channel], signed)
        result[top : top + cell, left : left + cell] = cv2.resize(picture, (cell, cell), interpolation=how)
    return result


def tiles(pictures: Sequence[np.ndarray], columns: int, cell: int = 96, gap: int = 4) -> np.ndarray:
    """Pictures of any size side by side, uint8 (rows * cell + gaps, columns * cell + gaps, 4); gaps are see-through.

    Small ones are enlarged without smoothing, so that their pixels can be seen.
    """
    columns = max(1, min(columns, len(pictures)))
    rows, pitch = -(-len(pictures) // columns), cell + gap
    result = np.zeros((rows * pitch - gap, columns * pitch - gap, 4), np.uint8)
    for place, picture in enumerate(pictures):
        colors = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
        scale = cell / max(colors.shape[:2])
        height, width = (max(1, round(side * scale)) for side in colors.shape[:2])
        how = cv2.INTER_NEAREST if max(colors.shape[:2]) <= 28 else cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        top = place // columns * pitch + (cell - height) // 2
        left = place % columns * pitch + (cell - width) // 2
        result[top : top + height, left : left + width, :3] = cv2.resize(colors, (width, height), interpolation=how)
        result[top : top + height, left : left + width, 3] = 255
    return result
