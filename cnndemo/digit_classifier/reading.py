"""Read digits with the book's network: one in a drawing, or several in a photo (book 2.1–2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from cnndemo import images, weights
from cnndemo.digit_classifier.preparation import STEPS, WORKING_SIDE, Box, Ink, Step, find_ink, prepare
from cnndemo.digit_classifier.segmentation import Group, cut, digits

MODEL = "digit_classifier"
Predict = Callable[[np.ndarray], np.ndarray]
ALL_STEPS = frozenset(STEPS)


@dataclass(frozen=True)
class Reading:
    """One digit as the network read it.

    Attributes:
        digit: the most probable digit.
        probabilities: float32 (10,), they sum to 1.
        input: what the network saw, float32 (28, 28) in [0, 1], bright ink on black.
        steps: the preparation steps with their pictures.
        box: where the digit stands, (top, left, height, width) in pixels of the picture; None when all of it was read.
    """

    digit: int
    probabilities: np.ndarray
    input: np.ndarray
    steps: tuple[Step, ...]
    box: Box | None = None

    @property
    def confidence(self) -> float:
        """Probability of the digit that was read."""
        return float(self.probabilities[self.digit])


@lru_cache(maxsize=1)
def shipped() -> Predict:
    """The predict function of the shipped network: float32 (n, 28, 28, 1) -> (n, 10)."""
    from cnndemo import inference

    return inference.predictor(MODEL)


def classify(
    drawing: np.ndarray, predict: Predict | None = None, steps: frozenset[str] | set[str] = ALL_STEPS
) -> Reading:
    """Read one digit.

    Args:
        drawing: uint8 (height, width) or (height, width, 3), RGB; any size, dark on light or light on dark.
        predict: float32 (n, 28, 28, 1) -> (n, 10); default the shipped network.
        steps: which preparation steps to do, names of `cnndemo.digit_classifier.preparation.STEPS`.

    Raises:
        NoInk: the drawing is empty.
        WeightsError: the network is not there.
    """
    field, taken = prepare(check(drawing), steps)
    return _readings([(field, taken, None)], predict or shipped())[0]


def read_number(
    image: np.ndarray, predict: Predict | None = None, steps: frozenset[str] | set[str] = ALL_STEPS
) -> list[Reading]:
    """Read all digits of a drawing or photo, in reading order, each with its box.

    Strokes that hang together are a digit; a group that is wide for one digit is cut in two where its ink is thinnest,
    if the network is surer of the halves than of the whole.

    Args: as for `classify`.

    Raises: as for `classify`.
    """
    predict = predict or shipped()
    image = check(image)
    small = images.shrink(image, WORKING_SIDE)
    ink = find_ink(small)
    groups = _cut_wide(digits(ink.strength), small, ink, predict)
    scale = image.shape[0] / small.shape[0], image.shape[1] / small.shape[1]
    prepared = []
    for group in groups:
        field, taken = prepare(small, steps, _alone(ink, group), group.box)
        top, left, height, width = (round(v * scale[i % 2]) for i, v in enumerate(group.box))
        prepared.append((field, taken, (top, left, height, width)))
    return _readings(prepared, predict)


def check(image: np.ndarray) -> np.ndarray:
    """The image itself, if it is one.

    Raises:
        ValueError: not uint8 (height, width) or (height, width, 3).
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"An image is uint8 (height, width) or (height, width, 3); got {image.dtype} {image.shape}.")
    return image


def _readings(prepared: list[tuple[np.ndarray, tuple[Step, ...], Box | None]], predict: Predict) -> list[Reading]:
    """Ask the network about all fields in one batch."""
    probabilities = predict(np.stack([field for field, _, _ in prepared])[..., None])
    return [
        Reading(int(np.argmax(row)), row, field, taken, box)
        for row, (field, taken, box) in zip(probabilities, prepared, strict=True)
    ]


def _alone(ink: Ink, group: Group) -> Ink:
    """The ink of one digit, without its neighbours'."""
    strength = np.zeros_like(ink.strength)
    top, left, height, width = group.box
    strength[top : top + height, left : left + width] = group.strength
    return Ink(strength, ink.dark, ink.contrast)


def _cut_wide(groups: list[Group], image: np.ndarray, ink: Ink, predict: Predict) -> list[Group]:
    """Cut digits that touch, as long as the network is surer of the parts."""
    result: list[Group] = []
    waiting = list(reversed(groups))
    for _ in range(3 * len(groups)):
        if not waiting:
            break
        group = waiting.pop()
        halves = cut(group)
        if halves is None:
            result.append(group)
            continue
        fields = [prepare(image, ALL_STEPS, _alone(ink, part), part.box)[0] for part in (group, *halves)]
        whole, *parts = predict(np.stack(fields)[..., None]).max(axis=1)
        # The wider, the likelier it is two digits: at twice a digit's width the whole must be very sure.
        doubt = 0.25 * max(0.0, group.box[3] / group.box[2] - 1.1)
        if min(parts) > 0.6 and np.prod(parts) > whole - doubt:
            waiting += reversed(halves)
        else:
            result.append(group)
    return result + list(reversed(waiting))


def boxed(image: np.ndarray, readings: list[Reading], chosen: int = 0) -> np.ndarray:
    """The picture with a box and the read digit at each place; uint8 (height, width, 3)."""
    canvas = images.shrink(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2), 900).copy()
    scale = canvas.shape[0] / image.shape[0]
    line = max(2, round(max(canvas.shape[:2]) / 220))
    for index, reading in enumerate(readings):
        top, left, height, width = (round(v * scale) for v in reading.box)
        color = (213, 94, 0) if index == chosen else (0, 114, 178)
        pad = 2 * line
        corner = (max(line, left - pad), max(line, top - pad))
        cv2.rectangle(canvas, corner, (left + width + pad, top + height + pad), color, line)
        at = (corner[0], max(corner[1] - 2 * line, 9 * line))
        cv2.putText(canvas, str(reading.digit), at, cv2.FONT_HERSHEY_SIMPLEX, 0.3 * line, color, line, cv2.LINE_AA)
    return canvas


def summary(name: str = MODEL) -> list[dict[str, Any]]:
    """Listing 2.2 of the shipped network: layer, type, output shape, parameters; one row a layer."""
    return [
        {
            "layer": layer.name,
            "type": layer.type,
            "output shape": "(" + ", ".join("None" if n is None else str(n) for n in layer.shape) + ")",
            "parameters": layer.parameters,
        }
        for layer in weights.layers(name)
    ]


def contributions(units: np.ndarray, digit: int) -> tuple[np.ndarray, float]:
    """How each of the 128 units of the first dense layer speaks for or against a digit.

    Args:
        model: the network.
        units: output of `dense_1` for one image, float32 (128,).
        digit: the digit in question.

    Returns:
        Activation times weight, float32 (128,), and the bias; together they add up to the digit's logit.
    """
    kernel, bias = weights.arrays(MODEL, "dense_2")
    return units * kernel[:, digit], float(bias[digit])


sample = images.digit  # the shipped examples, as the other topics take them


def sample_photo(number: int = 0) -> tuple[np.ndarray, str]:
    """A photo-like picture of three handwritten digits under uneven light, and what is written on it."""
    from cnndemo.digit_classifier.scenes import photograph

    generator = np.random.default_rng(1000 + number)
    x, y = images.digits()
    chosen = generator.integers(0, len(x), 3)
    return photograph(x[chosen], generator), "".join(str(label) for label in y[chosen])


def thumbnail() -> np.ndarray:
    """The topic's picture on the home page, uint8 (180, 320, 3): digits of MNIST."""
    rows = [
        np.hstack([sample((3 * row + 7 * column) % 10, 5 * row + column) for column in range(6)]) for row in range(3)
    ]
    sheet = np.vstack(rows)[:, :, None].repeat(3, axis=2)
    tile = 28
    top, left = tile, 3 * tile
    sheet[top : top + tile, left : left + tile] = sheet[top : top + tile, left : left + tile] * np.array([0.9, 0.63, 0])
    return cv2.resize(sheet, (320, 180), interpolation=cv2.INTER_AREA)


def mnist_sheet(rows: int = 3, columns: int = 20) -> np.ndarray:
    """Figure 2.2: a sheet of shipped digits, each column one digit, dark on light; uint8 grey."""
    lines = [np.hstack([sample(column % 10, 10 * row + column) for column in range(columns)]) for row in range(rows)]
    return 255 - np.vstack(lines)


STAGES = ("conv2d_1", "conv2d_2", "flatten_1", "dense_1", "dense_2")


def journey(outputs: dict[str, np.ndarray], field: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """The way of one digit through the network as pictures (figures 2.1 and 2.12).

    Args:
        outputs: layer name -> output for a batch of one, of the layers `STAGES`.
        field: the network's input, float32 (28, 28) in [0, 1].

    Returns:
        (layer name, shape in words, uint8 picture) of the input and of each layer. Feature maps stand side by side,
        each scaled to its layer's highest value; rows of numbers are folded into a rectangle to fit.
    """
    first, second, flat, hidden, last = (outputs[name][0] for name in STAGES)
    pictures = [
        ("input", field.shape, field),
        ("conv2d_1", first.shape, _side_by_side(first, 8)),
        ("conv2d_2", second.shape, _side_by_side(second, 16)),
        ("flatten_1", flat.shape, flat.reshape(96, 384)),
        ("dense_1", hidden.shape, hidden.reshape(4, 32)),
        ("dense_2", last.shape, last[None]),
    ]
    return [(name, " × ".join(map(str, shape)), _gray(values)) for name, shape, values in pictures]


def _side_by_side(maps: np.ndarray, columns: int) -> np.ndarray:
    """Maps (h, w, channels) on one sheet with gaps of a pixel."""
    height, width, channels = maps.shape
    padded = np.pad(maps, ((0, 1), (0, 1), (0, 0)), constant_values=float(maps.max()) / 2)
    grid = padded.reshape(height + 1, width + 1, channels // columns, columns)
    return grid.transpose(2, 0, 3, 1).reshape(channels // columns * (height + 1), columns * (width + 1))


def _gray(values: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(values / max(float(values.max()), 1e-9), 0, 1)).astype(np.uint8)
