"""Several digits in one picture: which strokes belong together, and in which order they are read."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo.digit_classifier.preparation import Box

MAX_DIGITS = 60
"""No more digits are read from one picture; the largest are kept."""
MAX_STROKES = 120
MAX_SPECKS = 1500
"""A picture with more specks is grain, not ink."""
SMALLEST = 6
"""Pixels of the long side of the smallest digit that is looked at."""


@dataclass(frozen=True)
class Group:
    """The strokes of one digit.

    Attributes:
        box: (top, left, height, width) in pixels of the ink.
        strength: this digit's ink alone inside the box, float32 (height, width) in [0, 1].
        parts: its strokes by themselves, where it has several that do not touch.
    """

    box: Box
    strength: np.ndarray

    parts: tuple[Group, ...] = ()

    @property
    def center(self) -> tuple[float, float]:
        top, left, height, width = self.box
        return top + height / 2, left + width / 2


def digits(strength: np.ndarray) -> list[Group]:
    """Split ink into what may be digits: connected strokes, then loose parts joined to the digit they belong to.

    A stroke that runs around others, such as the box of a form or a ring, is a frame and is left out.

    Args:
        strength: float32 (height, width) in [0, 1], as `find_ink` gives it.

    Returns:
        The groups in reading order: rows from top to bottom, each from left to right.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats((strength > 0.15).astype(np.uint8), connectivity=8)
    if count > MAX_SPECKS:
        return []
    boxes = [tuple(box) for box in stats[1:, [1, 0, 3, 2]].tolist()]
    long = stats[1:, 2:4].max(axis=1) if count > 1 else np.zeros(0)
    large = [i for i in np.argsort(-long, kind="stable").tolist() if long[i] >= SMALLEST][:MAX_STROKES]
    frames = _frames([boxes[i] for i in large], [i + 1 for i in large], labels)
    kept = [i for i in large if i + 1 not in frames]
    joined = [[kept[i] for i in members] for members in _join([boxes[i] for i in kept])]
    covers = [_cover([boxes[i] for i in members]) for members in joined]
    tallest = max((height for _, _, height, width in covers if width < 2.5 * height), default=0)
    groups = []
    for members, box in zip(joined, covers, strict=True):
        if max(box[2:]) < 0.3 * tallest or max(box[2:]) < SMALLEST:  # a dot, a comma, a crumb
            continue
        alone = [_group(strength, labels, [i], boxes[i]) for i in members] if len(members) > 1 else ()
        whole = _group(strength, labels, members, box)
        alone = tuple(part for part in alone if max(part.box[2:]) >= 0.3 * tallest)
        groups.append(Group(box, whole.strength, alone))
    groups.sort(key=lambda group: group.box[2] * group.box[3], reverse=True)
    return reading_order(groups[: 2 * MAX_DIGITS])


def _group(strength: np.ndarray, labels: np.ndarray, members: list[int], box: Box) -> Group:
    """The ink of some strokes alone."""
    top, left, height, width = box
    inside = labels[top : top + height, left : left + width]
    mine = np.isin(inside, [i + 1 for i in members]) if len(members) > 1 else inside == members[0] + 1
    return Group(box, strength[top : top + height, left : left + width] * mine)


def _frames(boxes: list[Box], names: list[int], labels: np.ndarray) -> set[int]:
    """Names of the strokes that run around another of at least a quarter of their height."""
    found = set()
    every = np.array(boxes, int).reshape(-1, 4)
    ends = every[:, :2] + every[:, 2:]
    for name, (top, left, height, width) in zip(names, boxes, strict=True):
        inside = (every[:, :2] > (top, left)).all(axis=1) & (ends < (top + height, left + width)).all(axis=1)
        inside &= (every[:, 2] >= 0.25 * height) & (every[:, 2] * every[:, 3] >= 0.02 * height * width)
        for top2, left2, height2, width2 in every[inside]:
            row, column = top2 + height2 // 2, left2 + width2 // 2
            across, down = labels[row, left : left + width] == name, labels[top : top + height, column] == name
            ends_of = (across[: left2 - left], across[left2 - left + width2 :])
            ends_of += (down[: top2 - top], down[top2 - top + height2 :])
            if sum(part.any() for part in ends_of) >= 3:  # a ring may have a gap
                found.add(name)
                break
    return found


def _join(boxes: list[Box]) -> list[list[int]]:
    """Indices of the boxes that make up one digit each, such as the bar of a 5 that does not touch its belly."""
    parent = list(range(len(boxes)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    for i, first in enumerate(boxes):
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
    (flat, wide, other), _ = sorted(((height, width, width2), (height2, width2, width)))
    if wide > 3 * flat and wide > 1.25 * other:  # a line under or over a digit
        return False
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


Cut = tuple[float, float]
"""Where a group is cut: the column at half its height, as a part of its width, and how many columns a row it leans."""


def cuts(group: Group, most: int = 4) -> list[Cut]:
    """Where a group may be cut in two, for it has little ink there: upright, and leaning to either side.

    Returns:
        At most `3 * most` cuts; none when the group is too narrow to be two digits.
    """
    height, width = group.box[2:]
    if width < 0.6 * height or width < 12:
        return []
    found = []
    for lean in (0.0, -0.35, 0.35):
        moved = sheared(group.strength, lean) if lean else group.strength
        profile = cv2.blur(moved.sum(axis=0)[None], (max(1, width // 25), 1))[0]
        taken = np.zeros(width, bool)
        columns = [column for column in np.argsort(profile) if 0.18 * width < column < 0.82 * width]
        for column in columns:
            if not taken[column]:
                taken[max(0, column - width // 10) : column + width // 10] = True
                found.append((column / width, lean))
            if taken.sum() >= most * (width // 5):
                break
    return found


def cut(group: Group, where: Cut) -> tuple[Group, Group] | None:
    """The two parts of a group; None where one of them is too small to be a digit."""
    height, width = group.box[2:]
    column, lean = where
    rows = (np.arange(height) - height / 2)[:, None]
    left = np.arange(width)[None] < column * width + lean * rows
    pieces = _piece(group, left), _piece(group, ~left)
    if any(piece is None or max(piece.box[2:]) < 0.4 * height for piece in pieces):
        return None
    return pieces


def shrunk(group: Group, side: int) -> Group:
    """The group with at most `side` pixels on its long side; its box is only as large as it."""
    scale = side / max(group.strength.shape)
    if scale >= 1:
        return group
    height, width = (max(1, round(length * scale)) for length in group.strength.shape)
    small = cv2.resize(group.strength, (width, height), interpolation=cv2.INTER_AREA)
    return Group((0, 0, height, width), np.minimum(small, 1))


def sheared(strength: np.ndarray, lean: float) -> np.ndarray:
    """Strokes that lean by `lean` columns a row, set upright."""
    height, width = strength.shape
    matrix = np.array([[1, -lean, lean * height / 2], [0, 1, 0]], np.float32)
    return cv2.warpAffine(strength, matrix, (width, height))


def _piece(group: Group, mask: np.ndarray) -> Group | None:
    """The part of a group's ink in a mask, without crumbs; None where there is none."""
    ink = group.strength * mask
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0.15).astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    largest = stats[1:, cv2.CC_STAT_AREA].max()
    keep = np.concatenate([[False], stats[1:, cv2.CC_STAT_AREA] > 0.12 * largest])
    ink = ink * keep[labels]
    rows, columns = np.nonzero(ink.max(axis=1) > 0.25)[0], np.nonzero(ink.max(axis=0) > 0.25)[0]
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    piece = ink[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    return Group((group.box[0] + top, group.box[1] + left, *piece.shape), piece)
