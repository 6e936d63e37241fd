"""The layer lab in one picture, for the front page."""

from __future__ import annotations

import numpy as np


def thumbnail() -> np.ndarray:
    """A 6 × 6 grid with a window of 3 × 3 and the cell of the output that it makes: (180, 320, 3) uint8."""
    import cv2

    picture = np.full((180, 320, 3), 255, np.uint8)

    def grid(left: int, top: int, n: int, cell: int, color, chosen) -> None:
        for i, j in np.ndindex(n, n):
            strength = 1.0 if (i, j) in chosen else 0.25 + 0.12 * ((i * 5 + j * 3) % 4)
            shade = [int(255 - (255 - part) * strength * 0.75) for part in color]
            x, y = left + j * cell, top + i * cell
            cv2.rectangle(picture, (x, y), (x + cell - 3, y + cell - 3), shade, -1)

    grid(18, 18, 6, 24, (0, 114, 178), set())
    grid(206, 42, 4, 24, (0, 158, 115), {(1, 2)})
    cv2.rectangle(picture, (18 + 48 - 2, 18 + 24 - 2), (18 + 120 - 2, 18 + 96 - 2), (230, 159, 0), 3)
    cv2.rectangle(picture, (206 + 48 - 2, 42 + 24 - 2), (206 + 72 - 2, 42 + 48 - 2), (230, 159, 0), 3)
    cv2.arrowedLine(picture, (140, 78), (248, 78), (230, 159, 0), 2, cv2.LINE_AA, tipLength=0.12)
    return picture
