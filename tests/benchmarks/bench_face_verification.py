"""How long a face takes: finding, aligning, describing, and asking 5,000 people. Run by `make bench`."""

from __future__ import annotations

import numpy as np

from cnndemo import images
from cnndemo.face_detection import face_square, locate, search
from cnndemo.face_verification import Gallery, alignment, describe, networks
from tests.benchmarks.timing import milliseconds


def main() -> None:
    using, image = networks(), images.sample("astronaut")
    face = describe(image, using)[0]
    one, many = (np.repeat(face.chip[None], count, axis=0).astype(np.float32) for count in (1, 16))
    people = np.random.default_rng(0).normal(0, 0.1, (5000, 128)).astype(np.float32)
    gallery = Gallery({f"Person {number}": [row] for number, row in enumerate(people)})
    square = [face_square(face.box)]
    nearest = milliseconds(lambda: gallery.nearest(face.embedding))
    marks = milliseconds(lambda: alignment.landmarks(image, square, using.landmarks))
    print(f"embedding network, one face      {milliseconds(lambda: using.embedding(one)):8.1f} ms (wanted: below 12)")
    print(f"embedding network, a face of 16  {milliseconds(lambda: using.embedding(many)) / 16:8.1f} ms")
    print(f"landmarks, one face              {marks:8.1f} ms")
    print(f"cascade, 512 × 512               {milliseconds(lambda: search(image)):8.1f} ms")
    print(f"tiny detector                    {milliseconds(lambda: locate(image, using.detector)):8.1f} ms")
    print(f"describe, all together           {milliseconds(lambda: describe(image, using)):8.1f} ms")
    print(f"nearest of 5,000 people          {nearest:8.2f} ms (wanted: below 50)")
    print(f"export of 5,000 people           {milliseconds(gallery.export, 5):8.1f} ms")
    data = gallery.export()
    imported = milliseconds(lambda: Gallery.load(data), 5)
    print(f"import of 5,000 people           {imported:8.1f} ms, {len(data) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
