"""How much the library adds to OpenCV: 1280 × 960 with a 128 × 128 pattern, median of interleaved runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from cnndemo.pattern_matching import correlate, response
from cnndemo.pattern_matching.scenes import SCALES, contest, make_scene, shape_pattern
from tests.benchmarks.timing import in_turn, milliseconds

GOAL = 1.3


def compare(name: str, ours: Callable, flag: int, picture: np.ndarray, pattern: np.ndarray) -> None:
    """Print ours against `cv2.matchTemplate` on the same input."""
    mine, theirs = in_turn(lambda: ours(picture, pattern), lambda: cv2.matchTemplate(picture, pattern, flag))
    print(
        f"{name:10} {picture.dtype.name:8} {mine:6.1f} ms, matchTemplate {theirs:6.1f} ms, "
        f"ratio {mine / theirs:.2f} (goal {GOAL})"
    )


def main() -> None:
    random = np.random.default_rng(0)
    image = cv2.GaussianBlur(random.integers(0, 256, (960, 1280)).astype(np.uint8), (9, 9), 0)
    for kind in (np.uint8, np.float32):
        picture, pattern = image.astype(kind), image[300:428, 500:628].astype(kind)
        compare("correlate", correlate, cv2.TM_CCORR, picture, pattern)
        compare("normalised", partial(response, method="normalised"), cv2.TM_CCOEFF_NORMED, picture, pattern)
    scene, circle = make_scene(growth=1.5), shape_pattern("circle", 90)
    all_ways = milliseconds(lambda: contest(scene, circle, "circle"), 5)
    print(f"four ways on a scene, one of them with {len(SCALES)} sizes: {all_ways:.0f} ms")


if __name__ == "__main__":
    main()
