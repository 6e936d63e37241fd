"""The questions of the face detection page: windows, look-ups and hits of the cascade on the present picture."""

from __future__ import annotations

from cnndemo.face_detection.haar import KINDS
from cnndemo.questions import Question, about

ask = about("face_detection")
BASE = {"frontal default": 24, "frontal alt2": 20}  # side of the window that each cascade was trained on, pixels


def window_sizes(base: int, factor: float, smallest: int, side: int) -> list[int]:
    """Sides of the windows that the cascade tries, as OpenCV's `detectMultiScale` chooses them.

    Args:
        base: side that it was trained on.
        factor: from each size to the next.
        smallest: smaller ones are left out.
        side: short side of the picture; larger ones do not fit.
    """
    sizes, scale = [], 1.0
    while (size := round(base * scale)) <= side:
        if size >= smallest:
            sizes.append(size)
        scale *= factor
    return sizes


def questions(
    raw: int, kind: str, shape: tuple[int, int], cascade: str, factor: float, smallest: int
) -> list[Question]:
    """To predict, then reveal.

    Args:
        raw: hits before neighbours were grouped.
        kind: of the feature that is laid over the face, a key of `haar.KINDS`.
        shape: height and width of the picture that was searched.
        cascade, factor, smallest: the settings of the search.
    """
    cells = len(KINDS[kind]) * len(KINDS[kind][0])
    side, base = min(shape), BASE[cascade]
    sizes = window_sizes(base, factor, smallest, side)
    first = sizes[0] if sizes else base
    rows, columns = max(shape[0] - first + 1, 0), max(shape[1] - first + 1, 0)
    tried = len(sizes)
    return [
        ask("hits", raw, [raw // 3 + 1, raw * 10 + 7], raw=raw),
        ask("look_ups", 4 * cells, [8 * cells, 16 * cells, cells], cells=cells),
        ask(
            "places", rows * columns, [shape[0] * shape[1], (shape[0] // first) * (shape[1] // first), rows + columns],
            height=shape[0], width=shape[1], size=first, rows=rows, columns=columns,
        ),
        ask(
            "sizes", tried, [2 * tried + 1, tried // 2, side - first],
            base=base, factor=factor, smallest=smallest, side=side, first=first, last=sizes[-1] if sizes else base,
        ),
    ]  # fmt: skip
