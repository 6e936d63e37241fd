"""From a box to an upright face of 150×150 pixels: landmarks, then the similarity transform to dlib's mean face."""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo.face_detection import Box
from cnndemo.models import face_embedding, face_landmarks

PADDING = 0.25
"""Margin around the mean face, as a fraction of its size, on each side."""

FITTED = (*range(27, 55), *range(60, 65))
"""Landmarks that the transform is fitted to: nose, eyes, upper lip; not the jaw, the eyebrows and the lower lip."""

MEAN_FACE = np.array(
    [
        [0.000213256, 0.0752622, 0.18113, 0.29077, 0.393397, 0.586856, 0.689483, 0.799124, 0.904991, 0.98004]
        + [0.490127, 0.490127, 0.490127, 0.490127, 0.36688, 0.426036, 0.490127, 0.554217, 0.613373, 0.121737]
        + [0.187122, 0.265825, 0.334606, 0.260918, 0.182743, 0.645647, 0.714428, 0.793132, 0.858516, 0.79751]
        + [0.719335, 0.254149, 0.340985, 0.428858, 0.490127, 0.551395, 0.639268, 0.726104, 0.642159, 0.556721]
        + [0.490127, 0.423532, 0.338094, 0.290379, 0.428096, 0.490127, 0.552157, 0.689874, 0.553364, 0.490127]
        + [0.42689],
        [0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891, 0.0187482, 0.038915, 0.106454]
        + [0.203352, 0.307009, 0.409805, 0.515625, 0.587326, 0.609345, 0.628106, 0.609345, 0.587326, 0.216423]
        + [0.178758, 0.179852, 0.231733, 0.245099, 0.244077, 0.231733, 0.179852, 0.178758, 0.216423, 0.244077]
        + [0.245099, 0.780233, 0.745405, 0.727388, 0.742578, 0.727388, 0.745405, 0.780233, 0.864805, 0.902192]
        + [0.909281, 0.902192, 0.864805, 0.784792, 0.778746, 0.785343, 0.778746, 0.784792, 0.824182, 0.831803]
        + [0.824182],
    ]
).T
"""dlib's mean face: points 17 to 67 in the unit square, float64 (51, 2)."""


def crop(image: np.ndarray, left: float, top: float, side: float, size: int) -> np.ndarray:
    """Cut a square out of an image and scale it; what lies outside the image is black.

    Output pixel i reads the image at `left + i · side / size`, between pixels linearly, as the landmark network's
    authors did.

    Args:
        image: uint8 (height, width, 3).
        left, top, side: the square in pixels of the image.
        size: side of the result in pixels.

    Returns:
        float32 (size, size, 3).
    """
    scale = side / size
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT).astype(np.float32)


def landmarks(image: np.ndarray, squares: list[tuple[float, float, float]], predict) -> np.ndarray:
    """Find 68 points on each face.

    Args:
        image: uint8 (height, width, 3).
        squares: left, top and side of each face, in pixels.
        predict: `inference.predictor` of `face_landmarks`.

    Returns:
        float64 (faces, 68, 2), x and y in pixels of the image.
    """
    batch = np.stack([crop(image, *square, face_landmarks.SIDE) for square in squares])
    fractions = predict(batch).reshape(len(squares), face_landmarks.POINTS, 2).astype(np.float64)
    corners = np.array([square[:2] for square in squares])
    sides = np.array([square[2] for square in squares])
    return corners[:, None] + fractions * sides[:, None, None]


def mean_face(size: int = face_embedding.SIDE, padding: float = PADDING) -> np.ndarray:
    """Where the points 17 to 67 of the mean face lie in an aligned face, float64 (51, 2), in pixels."""
    return (MEAN_FACE + padding) / (1 + 2 * padding) * size


def similarity(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rotation, scale and shift that bring points nearest to targets, in the sense of least squares.

    With a point as the complex number z = x + iy, such a map is z ↦ a·z + b, and the best a is the regression slope.

    Args:
        points, targets: float (n, 2).

    Returns:
        float64 (2, 3), for `cv2.warpAffine`.
    """
    z, w = points[:, 0] + 1j * points[:, 1], targets[:, 0] + 1j * targets[:, 1]
    centred = z - z.mean()
    a = np.vdot(centred, w - w.mean()) / max(np.vdot(centred, centred).real, 1e-12)
    b = w.mean() - a * z.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


def misfit(points: np.ndarray) -> float:
    """How far 51 landmarks (all but the jaw) lie from the mean face after the best similarity transform.

    Args:
        points: float (68, 2).

    Returns:
        Root mean square distance in pixels of the aligned face; a face has about 4, a chance hit 10 to 40.
    """
    chosen = np.array(FITTED)
    matrix = similarity(points[chosen], mean_face()[chosen - 17])
    moved = points[17:] @ matrix[:, :2].T + matrix[:, 2]
    return float(np.sqrt(((moved - mean_face()) ** 2).sum(axis=1).mean()))


def turn_of_head(points: np.ndarray) -> float:
    """How far a head is turned to the side: 0 for a face seen from the front, beyond ±0.5 a profile.

    The tip of the nose, seen from the middle between the outer corners of the eyes, along the line of the eyes, as a
    fraction of their distance.

    Args:
        points: float (68, 2).
    """
    left, right = points[36], points[45]
    along = right - left
    return float((points[30] - (left + right) / 2) @ along / max(along @ along, 1e-12))


def align(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Turn, scale and shift a face onto the mean face.

    Args:
        image: uint8 (height, width, 3).
        points: the 68 landmarks in pixels of the image.

    Returns:
        The aligned face, uint8 (150, 150, 3).
    """
    chosen = np.array(FITTED)
    matrix = similarity(points[chosen], mean_face()[chosen - 17])
    return _warp(image, matrix)


def square_chip(image: np.ndarray, box: Box, factor: float = 1.02, down: float = 0.085) -> np.ndarray:
    """The crop without landmarks: the detector's square, a little lower; uint8 (150, 150, 3)."""
    side = factor * max(box.width, box.height)
    x, y = box.centre
    scale = face_embedding.SIDE / side
    left, top = x - side / 2, y - side / 2 + down * max(box.width, box.height)
    return _warp(image, np.array([[scale, 0, -left * scale], [0, scale, -top * scale]]))


def _warp(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`cv2.warpAffine` to an aligned face; a picture that shrinks is averaged first, so that no detail flickers."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.7:
        height, width = image.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        stretch = np.array([width / size[0], height / size[1]])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        shift = matrix[:, :2] @ ((stretch - 1) / 2)  # centres of pixels: x = stretch · x' + (stretch − 1) / 2
        matrix = np.column_stack([matrix[:, :2] * stretch, matrix[:, 2] + shift])
    side = face_embedding.SIDE
    return cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
