"""Inputs and kernels to start from."""

from __future__ import annotations

import numpy as np

from cnndemo.errors import VisitorError

INPUTS = ("digits", "ramp", "edge", "spot", "picture")
KERNELS = ("edge", "small", "ones", "identity", "blur", "zeros")


def input_preset(name: str, shape: tuple[int, int, int], picture: np.ndarray | None = None) -> np.ndarray:
    """(H, W, C) float64 to start from.

    ``digits``: whole numbers 0–9, always the same; ``ramp``: 0, 1, 2, … row by row; ``edge``: dark left, bright
    right; ``spot``: a single 1; ``picture``: an RGB ``picture`` uint8 shrunk to the grid, 0–1, two decimals (one
    channel: its brightness).
    """
    height, width, channels = shape
    if name == "digits":
        # Drawn at full size and cut: a cell keeps its number when the size changes.
        return np.random.default_rng(7).integers(0, 10, (12, 12, 3))[:height, :width, :channels].astype(float)
    if name == "ramp":
        return np.arange(height * width * channels, dtype=float).reshape(channels, height, width).transpose(1, 2, 0)
    if name == "edge":
        row = np.where(np.arange(width) < width / 2, 0.0, 1.0)
        return np.broadcast_to(row[None, :, None], shape).copy()
    if name == "spot":
        x = np.zeros(shape)
        x[height // 2, width // 2] = 1
        return x
    if name == "picture" and picture is not None:
        import cv2

        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(float) / 255
        chosen = small.mean(axis=2, keepdims=True) if channels == 1 else small[..., :channels]
        return chosen.round(2)
    raise VisitorError(f"There is no input “{name}”. Choose one of: {', '.join(INPUTS)}.")


def kernel_preset(name: str, shape: tuple[int, int, int, int]) -> np.ndarray:
    """(h, w, C, F) float64; filter f is f + 1 times the first, so that they differ."""
    height, width, channels, filters = shape
    if name == "small":
        return (
            np.random.default_rng(3).integers(-2, 3, (7, 7, 3, 3))[:height, :width, :channels, :filters].astype(float)
        )
    one = np.zeros((height, width))
    if name == "ones":
        one[:] = 1
    elif name == "identity":
        one[height // 2, width // 2] = 1
    elif name == "edge":
        one[:, 0], one[:, -1] = -1, 1
        if width == 1:
            one[0], one[-1] = -1, 1
    elif name == "blur":
        one[:] = round(1 / (height * width), 4)
    elif name != "zeros":
        raise VisitorError(f"There is no kernel “{name}”. Choose one of: {', '.join(KERNELS)}.")
    kernel = np.repeat(one[:, :, None, None], channels, axis=2)
    return np.concatenate([kernel * (f + 1) for f in range(filters)], axis=3)
