"""How much the library adds to OpenCV: 1280 × 960 with a 128 × 128 pattern, median of interleaved runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from cnndemo.pattern_matching import correlate, response
from cnndemo.pattern_scenes import SCALES, contest, make_scene, shape_pattern

GOAL = 1.3


def seconds(*functions: Callable[[], object], runs: int = 25) -> list[float]:
    """Median seconds of each function, run in turn so that a busy machine slows all alike."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs + 2):
        for kept, function in zip(times, functions, strict=True):
            start = time.perf_counter()
            function()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept[2:]) for kept in times]


def compare(name: str, ours: Callable, flag: int, picture: np.ndarray, pattern: np.ndarray) -> None:
    """Print ours against `cv2.matchTemplate` on the same input."""
    mine, theirs = seconds(lambda: ours(picture, pattern), lambda: cv2.matchTemplate(picture, pattern, flag))
    print(
        f"{name:10} {picture.dtype.name:8} {1000 * mine:6.1f} ms, matchTemplate {1000 * theirs:6.1f} ms, "
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
    (all_ways,) = seconds(lambda: contest(scene, circle, "circle"), runs=5)
    print(f"four ways on a scene, one of them with {len(SCALES)} sizes: {1000 * all_ways:.0f} ms")


if __name__ == "__main__":
    main()
