"""A network as a table of layers that a visitor can edit: checked and counted without Keras, built with it.

A table is written in one line, a layer after the other: `conv 32 3 relu; pool 2; drop 0.25; flatten; dense 128 relu`.
The last layer, a unit for each class with softmax, belongs to every network and is not in the table.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnndemo.errors import VisitorError

if TYPE_CHECKING:
    import keras

KINDS = {
    "conv": "Convolution",
    "pool": "Max-pooling",
    "norm": "Batch normalization",
    "drop": "Dropout",
    "average": "Global average",
    "flatten": "Flatten",
    "dense": "Dense",
}
ACTIVATIONS = ("relu", "tanh", "sigmoid", "linear")
MOST_LAYERS, MOST_PARAMETERS = 16, 6_000_000
_NAMES = {
    "conv": "conv2d", "pool": "max_pooling2d", "norm": "batch_normalization", "drop": "dropout",
    "average": "global_average", "flatten": "flatten", "dense": "dense",
}  # fmt: skip

NETWORKS = {
    "book": "conv 32 3 relu; conv 64 3 relu; flatten; dense 128 relu",
    "pooling": "conv 32 3 relu; pool 2; conv 64 3 relu; pool 2; flatten; dense 128 relu",
    "dropout": "conv 32 3 relu; pool 2; conv 64 3 relu; pool 2; drop 0.25; flatten; dense 128 relu; drop 0.5",
    "small": "conv 8 3 relu; pool 2; conv 16 3 relu; pool 2; flatten; dense 32 relu",
}
"""The book's (listing 2.1), with max-pooling, with dropout as well, and a small one."""


@dataclass(frozen=True)
class Row:
    """A layer of a table.

    Attributes:
        kind: one of `KINDS`.
        units: kernels of a convolution, units of a dense layer.
        size: side of the square kernel or window, pixels.
        stride: pixels between two of its places.
        activation: one of `ACTIVATIONS`.
        share: of the values that dropout silences.
    """

    kind: str
    units: int = 16
    size: int = 3
    stride: int = 1
    activation: str = "relu"
    share: float = 0.25

    def __str__(self) -> str:
        step = f"/{self.stride}" if self.stride != (self.size if self.kind == "pool" else 1) else ""
        return {
            "conv": f"conv {self.units} {self.size}{step} {self.activation}",
            "pool": f"pool {self.size}{step}",
            "drop": f"drop {self.share:g}",
            "dense": f"dense {self.units} {self.activation}",
        }.get(self.kind, self.kind)


@dataclass(frozen=True)
class Shape:
    """What a layer puts out and costs.

    Attributes:
        name: as Keras and listing 2.2 call it.
        output: (height, width, channels) or (units,).
        parameters: numbers that it learns or keeps.
        multiply_adds: for one picture.
    """

    name: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def parse(text: str) -> tuple[Row, ...]:
    """The rows of a network by its name in `NETWORKS`, or of a table in one line.

    Raises:
        VisitorError: a layer cannot be read; it says which.
    """
    text = NETWORKS.get(text.strip(), text)
    return tuple(_row(part.split()) for part in text.split(";") if part.strip())


def _row(words: list[str]) -> Row:
    kind, *rest = words
    try:
        if kind == "conv":
            units, size, activation = rest
            side, step = _step(size, 1)
            return Row(kind, _whole(units), side, step, _known(activation))
        if kind == "pool":
            (size,) = rest
            side, step = _step(size, 0)
            return Row(kind, size=side, stride=step or side)
        if kind == "dense":
            units, activation = rest
            return Row(kind, _whole(units), activation=_known(activation))
        if kind == "drop":
            (share,) = rest
            if not 0 <= float(share) < 1:
                raise ValueError
            return Row(kind, share=float(share))
        if kind in KINDS and not rest:
            return Row(kind)
    except ValueError:
        pass
    example = {"conv": "conv 32 3 relu", "pool": "pool 2", "dense": "dense 128 relu", "drop": "drop 0.25"}
    known = f"It is written like “{example[kind]}”." if kind in example else f"There are {', '.join(KINDS)}."
    raise VisitorError(f"“{' '.join(words)[:40]}” is no layer. {known}")


def _whole(text: str, most: int = 1024) -> int:
    if not 1 <= int(text) <= most:
        raise ValueError
    return int(text)


def _step(text: str, step: int) -> tuple[int, int]:
    side, slash, stride = text.partition("/")
    return _whole(side, 28), _whole(stride, 28) if slash else step


def _known(activation: str) -> str:
    if activation not in ACTIVATIONS:
        raise ValueError
    return activation


def line(rows: Sequence[Row]) -> str:
    """The table in one line."""
    return "; ".join(map(str, rows))


def plan(rows: Sequence[Row], shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> tuple[Shape, ...]:
    """What each layer puts out and costs, the answering layer last. Windows never reach over the edge (“valid”).

    Raises:
        VisitorError: such a network cannot be, or is too large for this page; it says at which layer, and why.
    """
    if len(rows) > MOST_LAYERS:
        raise VisitorError(f"{len(rows)} layers are too many for this page; at most {MOST_LAYERS} fit.")
    found, now, counts = [], tuple(shape), Counter()
    for number, row in enumerate([*rows, Row("dense", classes, activation="softmax")], start=1):
        where = f"Layer {number}, {KINDS[row.kind].lower()}" if number <= len(rows) else "The answer"
        maps = len(now) == 3
        if row.kind in ("conv", "pool", "average", "flatten") and not maps:
            raise VisitorError(f"{where}: it needs maps, but a layer before it has laid them out as one row.")
        if row.kind == "dense" and maps:
            raise VisitorError(
                f"{where}: it needs one row of numbers, and gets maps of {_times(now)}. Put “flatten” or “average” "
                "before it."
            )
        if row.kind in ("conv", "pool") and row.size > min(now[:2]):
            raise VisitorError(
                f"{where}: a window of {row.size} × {row.size} does not fit on maps of {now[0]} × {now[1]}. "
                "Take a smaller one, or fewer layers that shrink the maps before it."
            )
        now, parameters, work = _cost(row, now)
        counts[row.kind] += 1
        found.append(Shape(f"{_NAMES[row.kind]}_{counts[row.kind]}", now, parameters, work))
    total = sum(each.parameters for each in found)
    if total > MOST_PARAMETERS:
        worst = max(found, key=lambda each: each.parameters)
        raise VisitorError(
            f"{total:,} parameters are too many for this page, which takes {MOST_PARAMETERS:,}; {worst.name} alone has "
            f"{worst.parameters:,}. Pooling or a stride before it makes the maps smaller."
        )
    return tuple(found)


def _cost(row: Row, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int, int]:
    """The output of a layer, its parameters, and its multiply-adds."""
    if row.kind in ("conv", "pool"):
        height, width = ((side - row.size) // row.stride + 1 for side in shape[:2])
        if row.kind == "pool":
            return (height, width, shape[2]), 0, 0
        weights = row.size**2 * shape[2] * row.units
        return (height, width, row.units), weights + row.units, weights * height * width
    if row.kind == "norm":
        return shape, 4 * shape[-1], 0
    if row.kind == "flatten":
        return (math.prod(shape),), 0, 0
    if row.kind == "average":
        return shape[2:], 0, 0
    if row.kind == "dense":
        return (row.units,), (shape[0] + 1) * row.units, shape[0] * row.units
    return shape, 0, 0


def _times(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def build(rows: Sequence[Row], shape: tuple[int, int, int] = (28, 28, 1), classes: int = 10) -> keras.Model:
    """The network of a table, not compiled.

    Input: float32 (batch, *shape) in [0, 1]. Output: (batch, classes) probabilities.

    Raises:
        VisitorError: see `plan`.
    """
    from keras import Input, Sequential, layers

    def layer(row: Row, name: str) -> keras.layers.Layer:
        match row.kind:
            case "conv":
                return layers.Conv2D(row.units, row.size, row.stride, activation=row.activation, name=name)
            case "pool":
                return layers.MaxPooling2D(row.size, row.stride, name=name)
            case "norm":
                return layers.BatchNormalization(name=name)
            case "drop":
                return layers.Dropout(row.share, name=name)
            case "average":
                return layers.GlobalAveragePooling2D(name=name)
            case "flatten":
                return layers.Flatten(name=name)
        return layers.Dense(row.units, row.activation, name=name)

    every = [*rows, Row("dense", classes, activation="softmax")]
    names = [each.name for each in plan(rows, shape, classes)]
    return Sequential(
        [Input(shape, name="digit"), *(layer(row, name) for row, name in zip(every, names, strict=True))],
        name="digit_classifier",
    )
