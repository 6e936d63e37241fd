"""The questions of the pattern matching page: how many sums, how much work, what brightness and growth do."""

from __future__ import annotations

import numpy as np

from cnndemo.pattern_matching.scenes import SHAPES, Outcome, make_scene, shape_matches, shape_pattern
from cnndemo.questions import Question, about

ask = about("pattern_matching")
GROWN = 1.5


def questions(image: np.ndarray, pattern: np.ndarray, wanted: str) -> list[Question]:
    """To predict, then reveal, about an image (height, width), a pattern, and the shape that is looked for."""
    (tall, wide), (height, width) = image.shape, pattern.shape
    rows, columns = tall - height + 1, wide - width + 1
    sums, work = rows * columns, rows * columns * pattern.size
    size = {"tall": tall, "wide": wide, "height": height, "width": width}
    total = float(pattern.sum())
    outline = 60  # pixels
    matches = shape_matches(make_scene(outline, GROWN), shape_pattern(wanted, outline))
    outcome = Outcome("plain", matches, wanted, 0.0)
    winner = outcome.winner
    return [
        ask(
            "sums", sums, [tall * wide, (rows - 1) * (columns - 1), tall * wide // pattern.size],
            **size, rows=rows, columns=columns,
        ),
        ask("work", work, [sums, tall * wide, work + tall * wide], sums=sums, size=pattern.size),
        ask("brighter", 10 * total, [10.0, 10.0 * pattern.size], total=total),
        ask(
            "grown", winner, [shape for shape in SHAPES if shape != winner], wanted=wanted, winner=winner,
            best=outcome.scores[winner], own=outcome.scores[wanted], factor=GROWN,
        ),
    ]  # fmt: skip
