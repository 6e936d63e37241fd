"""Read digits with the book's network: one in a drawing, or several in a photo (book 2.1–2.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from cnndemo import images, weights
from cnndemo.digit_classifier.ink import Ink, NoInk
from cnndemo.digit_classifier.looking import NONE, SURE, Judge, Judged, Look, look
from cnndemo.digit_classifier.preparation import STEPS, Box, Step, prepare, shrink
from cnndemo.digit_classifier.sheet import find_sheet

MODEL = "digit_classifier"
Predict = Callable[[np.ndarray], np.ndarray]
ALL_STEPS = frozenset(STEPS)


DOUBT = 0.9
"""Below this probability a reading is doubtful, and the page shows which training digits it is near to."""
ONE = 0.6
"""From this probability on, the second network's 1 is a 1."""


@dataclass(frozen=True)
class Reading:
    """One digit as it was read.

    Attributes:
        digit: the most probable digit, by both networks together.
        probabilities: of the book's network, float32 (10,), they sum to 1.
        input: what the network saw, float32 (28, 28) in [0, 1], bright ink on black.
        steps: the preparation steps with their pictures.
        box: where the digit stands, (top, left, height, width) in pixels of the picture; None when all of it was read.
        certainty: how sure the second network is that it is a digit, 0 to 1.
    """

    digit: int
    probabilities: np.ndarray
    input: np.ndarray
    steps: tuple[Step, ...]
    box: Box | None = None
    certainty: float = 1.0

    @property
    def confidence(self) -> float:
        """The book's network's probability of the digit that was read."""
        return float(self.probabilities[self.digit])

    @property
    def doubtful(self) -> bool:
        """Whether the book's network alone would read another digit, or is less than `DOUBT` sure."""
        return self.corrected or self.confidence < DOUBT

    @property
    def corrected(self) -> bool:
        """Whether the book's network alone would read another digit."""
        return int(np.argmax(self.probabilities)) != self.digit


@dataclass(frozen=True)
class Other:
    """Something written that is no digit: a symbol, a letter, a line, a scribble.

    Attributes:
        box: (top, left, height, width) in pixels of the picture.
        certainty: how sure the second network is that it is none, 0 to 1.
    """

    box: Box
    certainty: float


class Readings(list):
    """The digits of a picture, `Reading` in reading order.

    Attributes:
        others: what else is written, and is no digit.
        ink: what was taken for ink; of the sheet alone, where one was found in the picture.
    """

    def __init__(self, readings: Iterable[Reading], others: list[Other], ink: Ink):
        super().__init__(readings)
        self.others, self.ink = others, ink

    @property
    def unsure(self) -> bool:
        """Whether it may be wrong about what is written: about a digit, or about what else there is."""
        return any(one.certainty < SURE for one in [*self, *self.others])


class NoDigit(NoInk):
    """Something is written, but no digit.

    Attributes:
        ink: what was taken for ink.
        others: what is written.
    """

    def __init__(self, ink: Ink, others: list[Other]):
        super().__init__("What is written here is not a digit. Draw or show one of the digits 0 to 9.")
        self.ink, self.others = ink, others


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
    image: np.ndarray,
    predict: Predict | None = None,
    steps: frozenset[str] | set[str] = ALL_STEPS,
    judge: Judge | None = None,
    area: Box | None = None,
) -> Readings:
    """Read all digits of a drawing or photo, in reading order, each with its box.

    What is a digit and what is none, a second network decides, and where digits that touch are cut (see `looking`). The
    book's network reads the digits; where the two disagree, the surer is believed.

    Args:
        image, predict, steps: as for `classify`.
        judge: float32 (n, 28, 28, 1) -> (n, 12); default the shipped network.
        area: (top, left, height, width) in pixels; only what lies in it is looked at.

    Returns:
        At least one digit; what else is written is in its `others`.

    Raises:
        NoInk: nothing is written there.
        NoDigit: something is, but no digit.
        WeightsError: a network is not there.
    """
    predict = predict or shipped()
    image = check(image)
    top, left, height, width = area or (0, 0, *image.shape[:2])
    found, seen, place = looked(image[top : top + height, left : left + width], judge)

    def at(box: Box) -> Box:
        row, column, tall, wide = place(box)
        return top + row, left + column, tall, wide

    others = [Other(at(one.group.box), 1 - one.certainty) for one in found.others]
    if not found.digits:
        raise NoDigit(found.ink, others)
    prepared = []
    for one in found.digits:
        field, taken = prepare(seen, steps, found.ink, one.group.box, one.group.strength)
        prepared.append((field, taken, at(one.group.box)))
    readings = _readings(prepared, predict)
    if steps == ALL_STEPS:
        readings = [_corrected(reading, one) for reading, one in zip(readings, found.digits, strict=True)]
    return Readings(readings, others, found.ink)


def answer_to(ink: Ink, predict: Predict | None = None) -> Reading | None:
    """What the book's network says to all of an ink at once, digit or not; None where there is none."""
    try:
        field, taken = prepare(ink.picture, ALL_STEPS, ink)
    except NoInk:
        return None
    return _readings([(field, taken, None)], predict or shipped())[0]


def looked(image: np.ndarray, judge: Judge | None) -> tuple[Look, np.ndarray, Callable[[Box], Box]]:
    """The best look at a picture or at the sheet in it: what was found, in which picture, and where its boxes are."""
    small = shrink(image)
    sheet, of_sheet = find_sheet(image, small), None
    if sheet is not None:
        with suppress(NoInk):
            of_sheet = look(sheet.picture, judge)
        if of_sheet is not None and of_sheet.digits:
            return of_sheet, sheet.picture, sheet.place
    scale = image.shape[0] / small.shape[0], image.shape[1] / small.shape[1]
    try:
        of_all = look(small, judge)
    except NoInk:
        if of_sheet is None:
            raise
        return of_sheet, sheet.picture, sheet.place
    return of_all, small, lambda box: tuple(round(value * scale[i % 2]) for i, value in enumerate(box))


def _corrected(reading: Reading, judged: Judged) -> Reading:
    """The reading with the second network's certainty, and with the digit that both networks together find likeliest.

    A 1 is the second network's to say: MNIST has hardly any with a flag, and the book's network takes them for 7.
    """
    second = judged.probabilities[:NONE]
    digit = int(np.argmax(reading.probabilities + second))
    if second[1] > ONE:
        digit = 1
    return replace(reading, digit=digit, certainty=judged.certainty)


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


def boxed(image: np.ndarray, readings: list[Reading], chosen: int = 0) -> np.ndarray:
    """The picture with a box and the read digit at each place, a grey box at what is none; uint8 (height, width, 3)."""
    canvas = images.shrink(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2), 900).copy()
    scale = canvas.shape[0] / image.shape[0]
    line = max(2, round(max(canvas.shape[:2]) / 220))

    def box(place: Box, color: tuple[int, int, int], text: str) -> None:
        top, left, height, width = (round(v * scale) for v in place)
        pad = 2 * line
        corner = (max(line, left - pad), max(line, top - pad))
        cv2.rectangle(canvas, corner, (left + width + pad, top + height + pad), color, line)
        at = (corner[0], max(corner[1] - 2 * line, 9 * line))
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.3 * line, color, line, cv2.LINE_AA)

    for other in getattr(readings, "others", ()):
        box(other.box, (140, 140, 140), "")
    for index, reading in enumerate(readings):
        box(reading.box, (213, 94, 0) if index == chosen else (0, 114, 178), str(reading.digit))
    return canvas


def summary(layers: Iterable[weights.Layer] | None = None) -> list[dict[str, Any]]:
    """Listing 2.2: layer, type, output shape, parameters, one row a layer; by default of the shipped network."""
    return [
        {
            "layer": layer.name,
            "type": layer.type,
            "output shape": "(" + ", ".join("None" if n is None else str(n) for n in layer.shape) + ")",
            "parameters": layer.parameters,
        }
        for layer in layers or weights.layers(MODEL)
    ]


def contributions(
    units: np.ndarray, digit: int, arrays: tuple[np.ndarray, ...] | None = None
) -> tuple[np.ndarray, float]:
    """How each unit before the last layer speaks for or against a digit: in the shipped network 128 of them.

    Args:
        units: output of the layer before the last for one image, float32 (units,).
        digit: the digit in question.
        arrays: kernel and bias of the last layer; default those of the shipped network.

    Returns:
        Activation times weight, float32 (128,), and the bias; together they add up to the digit's logit.
    """
    kernel, bias = arrays or weights.arrays(MODEL, "dense_2")
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
QUIET = ("InputLayer", "Dropout")  # layers that a journey passes without a picture


def stages(layers: Iterable[weights.Layer]) -> tuple[str, ...]:
    """The names of the layers that `journey` shows."""
    return tuple(layer.name for layer in layers if layer.type not in QUIET)


def journey(outputs: dict[str, np.ndarray], field: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """The way of one digit through the network as pictures (figures 2.1 and 2.12).

    Args:
        outputs: layer name -> output for a batch of one, in the network's order; of the shipped one `STAGES`.
        field: the network's input, float32 (28, 28) in [0, 1].

    Returns:
        (layer name, shape in words, uint8 picture) of the input and of each layer. Feature maps stand side by side,
        each scaled to its layer's highest value; rows of numbers are folded into a rectangle to fit.
    """
    pictures = [("input", field.shape, field)]
    for name, (values,) in outputs.items():
        pictures.append((name, values.shape, _side_by_side(values) if values.ndim == 3 else _folded(values)))
    return [(name, " × ".join(map(str, shape)), _gray(values)) for name, shape, values in pictures]


def _folded(row: np.ndarray) -> np.ndarray:
    """A row of numbers as a rectangle about four times as wide as high, if its length allows."""
    least = min(int(2 * len(row) ** 0.5), len(row))
    return row.reshape(-1, next(width for width in range(least, len(row) + 1) if len(row) % width == 0))


def _side_by_side(maps: np.ndarray) -> np.ndarray:
    """Maps (h, w, channels) on one sheet, up to 16 a row, with gaps of a pixel."""
    height, width, channels = maps.shape
    columns = max(count for count in range(1, 17) if channels % count == 0 and count * count <= 4 * channels)
    padded = np.pad(maps, ((0, 1), (0, 1), (0, 0)), constant_values=float(maps.max()) / 2)
    grid = padded.reshape(height + 1, width + 1, channels // columns, columns)
    return grid.transpose(2, 0, 3, 1).reshape(channels // columns * (height + 1), columns * (width + 1))


def _gray(values: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(values / max(float(values.max()), 1e-9), 0, 1)).astype(np.uint8)
