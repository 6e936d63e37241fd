"""One picture from uint8 to labels at its own size, by both networks, resize included."""

from __future__ import annotations

import os
import time

import numpy as np

from cnndemo import images, pet_segmentation


def milliseconds(function, rounds: int = 30) -> float:
    """Median of single calls, after two to warm up."""
    taken = []
    for number in range(rounds + 2):
        start = time.perf_counter()
        function()
        if number >= 2:
            taken.append(1000 * (time.perf_counter() - start))
    return float(np.median(taken))


def main() -> None:
    print(f"{os.cpu_count()} cores")
    cat = images.sample("cat")
    large = np.asarray(np.kron(cat, np.ones((4, 4, 1), np.uint8)))[:1200, :1600]
    for name in pet_segmentation.NETWORKS:
        for image in (cat, large):
            taken = milliseconds(lambda image=image, name=name: pet_segmentation.segment(image, name))
            print(f"{name}: {image.shape[1]} × {image.shape[0]} pixels in {taken:.0f} ms (median)")


if __name__ == "__main__":
    main()
