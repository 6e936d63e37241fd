"""The shipped photographs as a small library: five square views of each, to look for what excites a filter in."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cnndemo import images

PART = 0.6
"""Side of a view of a part, of the picture's short side."""
PLACES = ((0.5, 0.5, 1.0), (0.0, 0.0, PART), (0.0, 1.0, PART), (1.0, 0.0, PART), (1.0, 1.0, PART))
"""Where the views lie, from 0 (top, left) to 1 (bottom, right), and their size: the middle, then the corners."""


def count() -> int:
    """How many views there are."""
    return len(images.SAMPLES) * len(PLACES)


def sample_of(view: int) -> images.Sample:
    """The picture that a view is of."""
    return list(images.SAMPLES.values())[view // len(PLACES)]


def view(number: int, size: int) -> np.ndarray:
    """A view as a network sees it, uint8 (size, size, 3)."""
    return square(images.sample(sample_of(number).name), number % len(PLACES), size)


def square(image: np.ndarray, place: int, size: int) -> np.ndarray:
    """A view of any picture, uint8 (height, width, 3) -> (size, size, 3); `place` of `PLACES`."""
    down, across, part = PLACES[place]
    side = max(1, round(part * min(image.shape[:2])))
    top, left = round(down * (image.shape[0] - side)), round(across * (image.shape[1] - side))
    cut = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return np.asarray(cut.resize((size, size), Image.Resampling.BICUBIC))


def title(number: int) -> str:
    """What a view shows, in words."""
    part = ("the middle", "top left", "top right", "bottom left", "bottom right")[number % len(PLACES)]
    return f"{sample_of(number).caption}, {part}"
