"""Moving pixels: the affine resampling that `keras.layers.RandomRotation` and its siblings do, in NumPy.

OpenCV's `warpAffine` rounds source positions to 1/32 pixel; this follows TensorFlow's `ImageProjectiveTransformV3`, the
operation below those layers, so that for the same parameters the pictures are equal, fill modes included.
"""

from __future__ import annotations

import math

import numpy as np

FILL_MODES = ("nearest", "constant", "reflect", "wrap")


def affine(
    image: np.ndarray,
    matrix: tuple[float, ...],
    fill_mode: str = "nearest",
    fill_value: float = 0.0,
    interpolation: str = "bilinear",
) -> np.ndarray:
    """Resample an image: output pixel (x, y) is read at input position (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        image: float32 (height, width) or (height, width, channels).
        matrix: the six numbers a0, a1, a2, b0, b1, b2, in pixels.
        fill_mode: what lies outside the image: `nearest` (a a|a b c|c c), `constant` (k k|a b c|k k),
            `reflect` (b a|a b c|c b) or `wrap` (b c|a b c|a b).
        fill_value: the k of `constant`.
        interpolation: `bilinear`, or `nearest` for masks.

    Returns:
        float32, the shape of `image`.
    """
    height, width = image.shape[:2]
    a0, a1, a2, b0, b1, b2 = (np.float32(value) for value in matrix)
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    source_x = _inside(a0 * x + a1 * y + a2, width, fill_mode)
    source_y = _inside(b0 * x + b1 * y + b2, height, fill_mode)
    rows = np.ascontiguousarray(image, dtype=np.float32).reshape(height * width, -1)
    if interpolation == "nearest":
        column, row = _round(source_x), _round(source_y)
        return _read(rows, row, column, height, width, fill_value, fill_mode).reshape(image.shape)
    left, top = np.floor(source_x), np.floor(source_y)
    across, down = (source_x - left)[..., None], (source_y - top)[..., None]
    left, top = left.astype(np.int32), top.astype(np.int32)

    def read(row, column):
        return _read(rows, row, column, height, width, fill_value, fill_mode)

    upper = (1 - across) * read(top, left) + across * read(top, left + 1)
    lower = (1 - across) * read(top + 1, left) + across * read(top + 1, left + 1)
    return ((1 - down) * upper + down * lower).reshape(image.shape)


def _inside(position: np.ndarray, length: int, fill_mode: str) -> np.ndarray:
    """Map positions outside 0 … length − 1 back into the image, by TensorFlow's rules for the fill modes."""
    last = np.float32(length - 1)
    if fill_mode == "constant":
        # positions far outside are all the same; the bound keeps the integers small
        return np.clip(position, np.float32(-2), last + np.float32(2))
    if fill_mode == "nearest":
        return np.clip(position, np.float32(0), last)
    if length == 1:
        return np.zeros_like(position)
    if fill_mode == "reflect":
        period = np.float32(2 * length)
        below = position + period * np.where(position < period, np.trunc(-position / period), np.float32(0))
        below = np.where(below < -length, below + period, -below - 1)
        above = position - period * np.trunc(position / period)
        above = np.where(above >= length, period - above - 1, above)
    else:  # wrap
        below = position + np.float32(length) * (np.trunc(-position / last) + 1)
        above = position - np.float32(length) * np.trunc(position / last)
    moved = np.where(position < 0, below, np.where(position > last, above, position))
    return np.clip(moved, np.float32(0), last)


def _round(position: np.ndarray) -> np.ndarray:
    """Half away from zero, as C's `round`; NumPy rounds half to even."""
    return (np.sign(position) * np.floor(np.abs(position) + np.float32(0.5))).astype(np.int32)


def _read(rows, row, column, height: int, width: int, fill_value: float, fill_mode: str) -> np.ndarray:
    """Pixels at integer positions, (height, width, channels); `fill_value` outside (only `constant` shows it).

    In the other modes a position outside the image carries weight zero, so any pixel will do.
    """
    index = np.clip(row, 0, height - 1) * width + np.clip(column, 0, width - 1)
    values = rows.take(index, axis=0)
    if fill_mode == "constant":
        outside = (row < 0) | (row >= height) | (column < 0) | (column >= width)
        values[outside] = fill_value
    return values


def rotation_matrix(angle: float, height: int, width: int) -> tuple[float, ...]:
    """Turn the picture by `angle` degrees about its centre; positive is counter-clockwise.

    In float32 throughout, as the Keras layer computes it, so that the last bit of each position is the same.
    """
    radians = np.float32(angle) * np.float32(math.pi / 180)
    cosine, sine = np.cos(radians), np.sin(radians)
    x, y = np.float32(0.5) * np.float32(width - 1), np.float32(0.5) * np.float32(height - 1)
    return (cosine, -sine, x - x * cosine - y * -sine, sine, cosine, y - x * sine - y * cosine)


def translation_matrix(right: float, down: float) -> tuple[float, ...]:
    """Move the picture by pixels."""
    return (1.0, 0.0, -right, 0.0, 1.0, -down)


def shear_matrix(x_factor: float, y_factor: float) -> tuple[float, ...]:
    """Slant the picture; a row moves left by `x_factor` pixels for each pixel that it lies below the top."""
    return (1.0, x_factor, 0.0, y_factor, 1.0, 0.0)


def zoom_matrix(height_zoom: float, width_zoom: float, height: int, width: int) -> tuple[float, ...]:
    """Scale about the centre; a factor above 1 shows more of the surroundings, so the picture shrinks."""
    one, two = np.float32(1), np.float32(2)
    down, across = np.float32(height_zoom), np.float32(width_zoom)
    x = (np.float32(width) - one) / two * (one - across)
    y = (np.float32(height) - one) / two * (one - down)
    return (across, 0.0, x, 0.0, down, y)
