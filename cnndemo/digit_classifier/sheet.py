"""The sheet of paper in a picture that holds more than paper: its corners, and the sheet seen from straight above."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

SMALL = 240
"""The sheet is looked for in a picture of so many pixels on its long side."""
STEP = 22.0
"""Grey levels in some colour by which a sheet differs from what it lies on."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper.

    Attributes:
        corners: float32 (4, 2), x and y in pixels of the picture; from the top left one clockwise.
        picture: the sheet from straight above, uint8 (height, width, 3).
    """

    corners: np.ndarray
    picture: np.ndarray

    def place(self, box: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """The smallest upright box in the picture around a box (top, left, height, width) on the sheet."""
        top, left, height, width = box
        edges = np.array([[(left, top), (left + width, top), (left + width, top + height), (left, top + height)]])
        around = cv2.perspectiveTransform(
            edges.astype(np.float32), np.linalg.inv(_warp(self.corners, self.picture.shape))
        )
        low, high = np.floor(around[0].min(axis=0)).astype(int), np.ceil(around[0].max(axis=0)).astype(int)
        return int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0])


def find_sheet(image: np.ndarray, shrunk: np.ndarray | None = None, long_side: int = 800) -> Sheet | None:
    """The largest four-cornered region that differs in colour from what is around it.

    At least three of its edges lie within the picture: the edge of a shadow has no corners.

    Args:
        image: uint8 (height, width, 3).
        shrunk: the same in fewer pixels, if it is at hand: it saves time.
        long_side: of the sheet's picture, in pixels, if the sheet has as many.

    Returns:
        The sheet; None when the picture shows no such region.
    """
    if image.ndim != 3 or min(image.shape[:2]) < 60:
        return None
    shrunk = image if shrunk is None else shrunk
    within = min(1.0, SMALL / max(shrunk.shape[:2]))
    small = cv2.resize(shrunk, None, fx=within, fy=within, interpolation=cv2.INTER_AREA)
    scale = small.shape[1] / image.shape[1]
    window = np.ones((9, 9), np.uint8)
    small = cv2.morphologyEx(
        cv2.morphologyEx(small, cv2.MORPH_CLOSE, window), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)
    )
    best, largest = None, 0.05 * small.shape[0] * small.shape[1]
    for channel in (cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), *cv2.split(small)):
        _, light = cv2.threshold(channel, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        for mask in (light, 255 - light):
            contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            for contour in contours:
                if cv2.contourArea(contour) > largest:
                    corners = _corners(contour, small)
                    if corners is not None:
                        best, largest = corners, cv2.contourArea(contour)
        if best is not None:
            break
    if best is None:
        return None
    middle = best.mean(axis=0)
    corners = ((best - middle) * 0.97 + middle + 0.5) / scale  # a little within, or its edge would be a stroke
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    wide, high = max(sides[0], sides[2]), max(sides[1], sides[3])
    fit = min(1.0, long_side / max(wide, high))
    shape = max(8, round(high * fit)), max(8, round(wide * fit))
    picture = cv2.warpPerspective(
        image, _warp(corners, shape), shape[::-1], flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    return Sheet(corners.astype(np.float32), picture)


def _corners(contour: np.ndarray, small: np.ndarray) -> np.ndarray | None:
    """The four corners of a region, if it has four, lies within the picture, and differs from what is around it."""
    height, width = small.shape[:2]
    hull = cv2.convexHull(contour)
    area = cv2.contourArea(hull)
    if cv2.contourArea(contour) < 0.85 * area or area > 0.93 * height * width:
        return None
    length = cv2.arcLength(hull, True)
    for part in (0.02, 0.03, 0.045, 0.065, 0.09):
        corners = cv2.approxPolyDP(hull, part * length, True)[:, 0]
        if len(corners) <= 4:
            break
    if len(corners) != 4 or not 0.9 < cv2.contourArea(corners) / area < 1.1:
        return None
    corners = _clockwise(corners.astype(np.float32))
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    if sides.min() < 0.15 * min(height, width) or sides.max() > 5 * sides.min():
        return None
    edge = np.stack([corners[:, 0] < 3, corners[:, 0] > width - 4, corners[:, 1] < 3, corners[:, 1] > height - 4])
    if (edge & np.roll(edge, -1, axis=1)).sum() > 1:  # more than one of its sides is the picture's
        return None
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, corners.round().astype(np.int32), 1)
    around = cv2.dilate(inside, np.ones((17, 17), np.uint8)) - cv2.dilate(inside, np.ones((7, 7), np.uint8))
    if not around.any():
        return None
    deep = cv2.erode(inside, np.ones((13, 13), np.uint8))
    rim = cv2.erode(inside, np.ones((3, 3), np.uint8)) - deep
    if not deep.any():
        return None
    middle, edge, outside = (np.median(small[mask > 0], axis=0) for mask in (deep, rim, around))
    if np.abs(middle - edge).max() > 2 * STEP:  # a thick frame
        return None
    return corners if np.abs(middle - outside).max() > STEP else None


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """Corners in order, from the top left one."""
    middle = corners.mean(axis=0)
    corners = corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]
    return np.roll(corners, -int(corners.sum(axis=1).argmin()), axis=0)


def _warp(corners: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The perspective that brings corners to those of a picture of a shape (height, width, ...)."""
    height, width = shape[:2]
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    return cv2.getPerspectiveTransform(corners.astype(np.float32), target)
