"""One picture from uint8 to labels at its own size, by both networks, resize included."""

from __future__ import annotations

import os

import numpy as np

from cnndemo import images, pet_segmentation
from tests.benchmarks.timing import milliseconds


def main() -> None:
    print(f"{os.cpu_count()} cores")
    cat = images.sample("cat")
    large = np.asarray(np.kron(cat, np.ones((4, 4, 1), np.uint8)))[:1200, :1600]
    for name in pet_segmentation.NETWORKS:
        for image in (cat, large):
            taken = milliseconds(lambda image=image, name=name: pet_segmentation.segment(image, name), 30)
            print(f"{name}: {image.shape[1]} × {image.shape[0]} pixels in {taken:.0f} ms (median)")


if __name__ == "__main__":
    main()
