"""How long a face takes: finding, aligning, describing, and asking 5,000 people. Run by `make bench`."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cnndemo import images
from cnndemo.face_detection import locate, search
from cnndemo.face_verification import Gallery, alignment, describe, networks


def median(function: Callable[[], object], rounds: int = 15) -> float:
    """Milliseconds of one call, median of several after a first that prepares."""
    function()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    using, image = networks(), images.sample("astronaut")
    face = describe(image, using)[0]
    one, many = (np.repeat(face.chip[None], count, axis=0).astype(np.float32) for count in (1, 16))
    people = np.random.default_rng(0).normal(0, 0.1, (5000, 128)).astype(np.float32)
    gallery = Gallery({f"Person {number}": [row] for number, row in enumerate(people)})
    square = [alignment.face_square(face.box)]
    marks = median(lambda: alignment.landmarks(image, square, using.landmarks))
    print(f"embedding network, one face      {median(lambda: using.embedding(one)):8.1f} ms (wanted: below 12)")
    print(f"embedding network, a face of 16  {median(lambda: using.embedding(many)) / 16:8.1f} ms")
    print(f"landmarks, one face              {marks:8.1f} ms")
    print(f"cascade, 512 × 512               {median(lambda: search(image)):8.1f} ms")
    print(f"tiny detector                    {median(lambda: locate(image, using.detector)):8.1f} ms")
    print(f"describe, all together           {median(lambda: describe(image, using)):8.1f} ms")
    print(
        f"nearest of 5,000 people          {median(lambda: gallery.nearest(face.embedding)):8.2f} ms (wanted: below 50)"
    )
    print(f"export of 5,000 people           {median(gallery.export, 5):8.1f} ms")
    data = gallery.export()
    print(f"import of 5,000 people           {median(lambda: Gallery.load(data), 5):8.1f} ms, {len(data) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
