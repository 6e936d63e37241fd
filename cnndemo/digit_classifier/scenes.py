"""Digits as people show them: any place, size, pen, paper and light, made from MNIST's digits.

The robustness figure on the model card is measured on such scenes, and the page offers one as a sample photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Conditions:
    """How a scene is made; each range is (lowest, highest), drawn evenly.

    Attributes:
        canvas: height and width in pixels.
        size: long side of the digit as a part of the canvas's short side.
        stroke: change of the pen's width, as a part of the digit's size.
        rotation: degrees either way.
        light_ink: part of the scenes with light ink on a dark background.
        shade: how much darker the darkest corner is.
        noise: standard deviation in grey levels.
        blur: standard deviation in pixels.
    """

    canvas: tuple[int, int] = (180, 480)
    size: tuple[float, float] = (0.2, 0.9)
    stroke: tuple[float, float] = (-0.035, 0.06)
    rotation: float = 12.0
    light_ink: float = 0.5
    shade: tuple[float, float] = (0.0, 0.5)
    noise: tuple[float, float] = (0.0, 12.0)
    blur: tuple[float, float] = (0.0, 1.5)


def scene(digit: np.ndarray, generator: np.random.Generator, conditions: Conditions = Conditions()) -> np.ndarray:
    """One digit somewhere on a canvas or sheet.

    Args:
        digit: uint8 (28, 28), bright on black.
        generator: source of chance.
        conditions: the ranges to draw from.

    Returns:
        uint8 (height, width), grey.
    """
    height, width = generator.integers(*conditions.canvas, size=2, endpoint=True)
    long_side = generator.uniform(*conditions.size) * min(height, width)
    stroke = write(digit, long_side, generator.uniform(*conditions.stroke), generator, conditions.rotation)
    stroke = stroke[: height - 2, : width - 2]
    row = generator.integers(1, height - stroke.shape[0], endpoint=True)
    column = generator.integers(1, width - stroke.shape[1], endpoint=True)
    ink = np.zeros((height, width), np.float32)
    ink[row : row + stroke.shape[0], column : column + stroke.shape[1]] = stroke
    return _develop(ink, generator, conditions)


PHOTO = Conditions(light_ink=0.0, shade=(0.35, 0.5), noise=(3.0, 6.0), blur=(0.6, 1.0))


def photograph(digits: np.ndarray, generator: np.random.Generator, conditions: Conditions = PHOTO) -> np.ndarray:
    """A photo of a row of digits, written with a pen on paper under uneven light.

    Args:
        digits: uint8 (n, 28, 28), bright on black, in reading order.
        generator: source of chance.
        conditions: the ranges to draw from; place and canvas follow from the row.

    Returns:
        uint8 (height, width, 3), RGB, about 300 × 140 n pixels.
    """
    height, pitch = 300, 140
    ink = np.zeros((height, pitch * len(digits) + 60), np.float32)
    for index, digit in enumerate(digits):
        size = generator.uniform(100, 125)
        stroke = write(digit, size, generator.uniform(*conditions.stroke), generator, conditions.rotation)
        row = 85 + int(generator.integers(-18, 18)) + max(0, (120 - stroke.shape[0]) // 2)
        column = 35 + pitch * index + int(generator.integers(0, 8)) + max(0, (120 - stroke.shape[1]) // 2)
        target = ink[row : row + stroke.shape[0], column : column + stroke.shape[1]]
        np.maximum(target, stroke[: target.shape[0], : target.shape[1]], out=target)
    gray = _develop(ink, generator, conditions)
    tint = np.array([1.0, 0.985, 0.93])  # the warm light of a lamp
    return np.clip(gray[..., None] * tint, 0, 255).astype(np.uint8)


def write(digit: np.ndarray, size: float, stroke: float, generator, rotation: float) -> np.ndarray:
    """The digit's ink, float32 in [0, 1], cropped: enlarged with crisp edges, turned, with a wider or finer pen."""
    rows, columns = np.nonzero(digit.max(axis=1) > 64)[0], np.nonzero(digit.max(axis=0) > 64)[0]
    small = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255.0
    scale = size / max(small.shape)
    margin = round(0.25 * size)
    shape = (max(2, round(small.shape[1] * scale)), max(2, round(small.shape[0] * scale)))
    large = cv2.resize(small, shape, interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0)
    large = cv2.GaussianBlur(large, (0, 0), max(0.4, 0.35 * scale))
    middle = (large.shape[1] / 2, large.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, generator.uniform(-rotation, rotation), 1.0)
    matrix[0, 1] += generator.uniform(-0.12, 0.12)
    large = cv2.warpAffine(large, matrix, large.shape[::-1], flags=cv2.INTER_LINEAR)
    # A pen has an edge: sharpen the soft enlargement around the level that gives the wanted width.
    distance = cv2.distanceTransform((large < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    distance -= cv2.distanceTransform((large >= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    finest = -float(distance.min()) - 0.7  # a finer pen must not break the line
    ink = np.clip(0.5 - (distance - max(stroke * size, -0.6 * finest)), 0.0, 1.0).astype(np.float32)
    rows, columns = np.nonzero(ink.max(axis=1) > 0)[0], np.nonzero(ink.max(axis=0) > 0)[0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _develop(ink: np.ndarray, generator: np.random.Generator, conditions: Conditions) -> np.ndarray:
    """Ink to grey values: paper and pen, light, focus, noise. uint8, same shape."""
    height, width = ink.shape
    light_ink = generator.random() < conditions.light_ink
    paper = generator.uniform(0, 70) if light_ink else generator.uniform(170, 250)
    pen = generator.uniform(150, 255) if light_ink else generator.uniform(0, 90)
    gray = paper + (pen - paper) * ink
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    angle, shade = generator.uniform(0, 2 * np.pi), generator.uniform(*conditions.shade)
    slope = (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) / np.sqrt(2) + 0.5
    spot = np.exp(-((x - generator.random()) ** 2 + (y - generator.random()) ** 2) / generator.uniform(0.1, 0.6))
    gray = gray * (1.0 - shade * (0.7 * slope + 0.3 * (1 - spot)))
    gray = cv2.GaussianBlur(gray, (0, 0), max(0.05, generator.uniform(*conditions.blur)))
    gray = gray + generator.normal(0.0, generator.uniform(*conditions.noise), gray.shape)
    return np.clip(np.round(gray), 0, 255).astype(np.uint8)
