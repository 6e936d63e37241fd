"""Several digits in one picture: which strokes belong together, and in which order they are read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.digit_classifier.preparation import Box

MAX_DIGITS = 24
"""No more digits are read from one picture; the largest are kept."""


@dataclass(frozen=True)
class Group:
    """The strokes of one digit.

    Attributes:
        box: (top, left, height, width) in pixels of the ink.
        strength: this digit's ink alone inside the box, float32 (height, width) in [0, 1].
    """

    box: Box
    strength: np.ndarray

    @property
    def center(self) -> tuple[float, float]:
        top, left, height, width = self.box
        return top + height / 2, left + width / 2


def digits(strength: np.ndarray) -> list[Group]:
    """Split ink into digits: connected strokes first, then loose parts joined to the digit they belong to.

    Args:
        strength: float32 (height, width) in [0, 1], as `find_ink` gives it.

    Returns:
        The digits in reading order: rows from top to bottom, each from left to right.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((strength > 0.15).astype(np.uint8), connectivity=8)
    boxes = [(int(y), int(x), int(h), int(w)) for x, y, w, h, _ in stats[1:]]
    joined = _join(boxes)
    tallest = max((max(_cover([boxes[i] for i in members])[2:]) for members in joined), default=0)
    groups = []
    for members in joined:
        box = _cover([boxes[i] for i in members])
        if max(box[2:]) < 0.3 * tallest:  # a dot, a comma, a crumb
            continue
        top, left, height, width = box
        inside = labels[top : top + height, left : left + width]
        mine = np.isin(inside, [i + 1 for i in members])
        groups.append(Group(box, strength[top : top + height, left : left + width] * mine))
    groups.sort(key=lambda group: group.box[2] * group.box[3], reverse=True)
    return reading_order(groups[:MAX_DIGITS])


def _join(boxes: list[Box]) -> list[list[int]]:
    """Indices of the boxes that make up one digit each, such as the bar of a 5 that does not touch its belly."""
    parent = list(range(len(boxes)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, first in enumerate(boxes[:400]):
        for j, second in enumerate(boxes[:i]):
            if _belong_together(first, second):
                parent[root(i)] = root(j)
    members: dict[int, list[int]] = {}
    for i in range(len(boxes)):
        members.setdefault(root(i), []).append(i)
    return list(members.values())


def _belong_together(first: Box, second: Box) -> bool:
    """Whether two strokes are parts of one digit: one above the other, close, and not two whole digits."""
    (top, left, height, width), (top2, left2, height2, width2) = first, second
    beside = min(left + width, left2 + width2) - max(left, left2)
    if beside < 0.5 * min(width, width2):
        return False
    gap = max(top, top2) - min(top + height, top2 + height2)
    if gap < 0:
        return True
    small, large = sorted((max(height, 0.5 * width), max(height2, 0.5 * width2)))
    near = 0.3 if small < 0.6 * large else 0.08
    return gap < near * (small + large)


def _cover(boxes: list[Box]) -> Box:
    """The smallest box around boxes."""
    top, left = min(box[0] for box in boxes), min(box[1] for box in boxes)
    return top, left, max(b[0] + b[2] for b in boxes) - top, max(b[1] + b[3] for b in boxes) - left


def reading_order(groups: list[Group]) -> list[Group]:
    """Rows from top to bottom, each from left to right; a row may slope a little."""
    rows: list[list[Group]] = []
    for group in sorted(groups, key=lambda group: group.center[1]):
        row = max(rows, key=lambda row: _side_by_side(row[-1], group), default=None)
        if row is not None and _side_by_side(row[-1], group) > 0.35:
            row.append(group)
        else:
            rows.append([group])
    rows.sort(key=lambda row: float(np.mean([group.center[0] for group in row])))
    return [group for row in rows for group in row]


def _side_by_side(first: Group, second: Group) -> float:
    """How far two digits share their rows of pixels, as a part of the lower one's height."""
    top, bottom = max(first.box[0], second.box[0]), min(sum(first.box[0::2]), sum(second.box[0::2]))
    return (bottom - top) / min(first.box[2], second.box[2])


def cut(group: Group) -> tuple[Group, Group] | None:
    """Cut a wide group in two where it has the least ink; None when it is too narrow to be two digits."""
    top, left, height, width = group.box
    if width < 0.9 * height or width < 12:
        return None
    profile = cv2.blur(group.strength.sum(axis=0)[None], (max(1, width // 20), 1))[0]
    start, end = round(0.28 * width), round(0.72 * width)
    column = start + int(np.argmin(profile[start:end]))
    parts = []
    for first, last in ((0, column), (column, width)):
        piece = group.strength[:, first:last]
        rows, columns = np.nonzero(piece.max(axis=1) > 0.25)[0], np.nonzero(piece.max(axis=0) > 0.25)[0]
        if not rows.size:
            return None
        box = (top + int(rows[0]), left + first + int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)
        piece = piece[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        if max(piece.shape) < 0.4 * height:
            return None
        parts.append(Group(box, piece))
    return parts[0], parts[1]
