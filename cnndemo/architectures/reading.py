"""What is told of a network that a visitor brings, whichever file it comes in: its layers, its answer, its maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from cnndemo.architectures.counting import Layer
from cnndemo.class_folders import readable
from cnndemo.errors import VisitorError

LARGEST_SIDE = 1024  # pixels of an input that is still run
FREE_SIDE = 224  # pixels, where a network takes any
MOST_LAYERS = 3000
SHOWN_NAME = 60  # letters of a layer's name
SHOWN_MAPS, MAP_SIDE = 12, 64  # maps of a layer that are told, and pixels that they are reduced to
SHOWN_NUMBERS = 100_000  # of an answer
MEAN, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet, as torchvision has them

#: How a pixel from 0 to 255, RGB, is put into numbers.
SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "0 to 255": lambda pixels: pixels,
    "0 to 1": lambda pixels: pixels / 255,
    "−1 to 1": lambda pixels: pixels / 127.5 - 1,
    "ImageNet’s mean and spread": lambda pixels: (pixels / 255 - MEAN) / SPREAD,
    "blue first, less the mean": lambda pixels: pixels[..., ::-1] - 255 * MEAN[::-1],
}


@dataclass(frozen=True)
class Source:
    """A picture that a network takes.

    Attributes:
        height, width: pixels.
        channels: 1 or 3.
        channels_first: whether the channels stand before rows and columns, as in PyTorch.
        dtype: NumPy's name of its numbers.
    """

    height: int
    width: int
    channels: int
    channels_first: bool = False
    dtype: str = "float32"

    def batch(self, picture: np.ndarray, scale: str) -> np.ndarray:
        """The middle of a picture, uint8 (height, width, 3), as a batch of one, in numbers of a key of `SCALES`.

        Raises:
            VisitorError: a side of the input is above `LARGEST_SIDE`.
        """
        if max(self.height, self.width) > LARGEST_SIDE:
            raise VisitorError(
                f"It takes pictures of {self.height:,} × {self.width:,} pixels; here at most {LARGEST_SIDE:,} a side "
                "are computed."
            )
        height, width = picture.shape[:2]
        part = min(height / self.height, width / self.width)
        tall, wide = max(1, round(part * self.height)), max(1, round(part * self.width))
        top, left = (height - tall) // 2, (width - wide) // 2
        shrinking = cv2.INTER_AREA if part >= 1 else cv2.INTER_LINEAR
        pixels = cv2.resize(
            picture[top : top + tall, left : left + wide], (self.width, self.height), None, 0, 0, shrinking
        )
        values = SCALES[scale](pixels.astype(np.float64))
        if self.channels == 1:
            values = values.mean(axis=-1, keepdims=True)
        values = values.transpose(2, 0, 1) if self.channels_first else values
        return values[None].astype(self.dtype)


@dataclass(frozen=True)
class Own:
    """A network that was brought.

    Attributes:
        kind: "ONNX" or "Keras".
        layers: in the order in which they are computed.
        source: the picture that it takes; None where its input is none.
        takes, gives: shape and type of its first input and output, in words.
        notes: what else is to be said.
        answer: its first output for the picture, without the axis of the batch; None where it was not run.
        maps: for each layer its strongest maps, uint8 (height, width, count), or None where it has none.
    """

    kind: str
    layers: tuple[Layer, ...]
    source: Source | None
    takes: str
    gives: str
    notes: tuple[str, ...] = ()
    answer: np.ndarray | None = None
    maps: tuple[np.ndarray | None, ...] = ()

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        return sum(layer.multiply_adds for layer in self.layers)


class Account:
    """Keeps account of a network that is read step by step: layers, their cost, and what they see of the input."""

    def __init__(self, input_shape: Sequence[int]):
        """`input_shape`: (height, width, channels), or any other for an input that is no picture."""
        self.layers: list[Layer] = []
        self._side = input_shape[0] if len(input_shape) == 3 else 1

    def add(
        self, name: str, kind: str, reads: Sequence[int], shape: Sequence[int], parameters: int = 0,
        multiply_adds: int = 0, window: int = 1, stride: int = 1, grows: int = 1, everything: bool = False,
        words: str = "",
    ) -> int:  # fmt: skip
        """A further layer; its place.

        Args:
            name: of the layer, as its file has it; a number is added where there is one of that name.
            kind: "convolution", "pooling", "merge", "dense" or "other".
            reads: places of the layers whose outputs it takes, -1 for the input.
            shape: of its output without the batch: (height, width, channels), or of another rank.
            parameters, multiply_adds: as of `Layer`.
            window, stride: side of its window, with gaps, and its step; `grows`: by how much the maps get larger.
            everything: whether it reads all of the maps.
            words: how its parameters come about.

        Raises:
            VisitorError: there are too many.
        """
        if len(self.layers) >= MOST_LAYERS:
            raise VisitorError(f"This network has more than {MOST_LAYERS:,} layers; so many cannot be drawn here.")
        reads = tuple(dict.fromkeys(reads)) or (-1,)
        before = [(self.layers[read].sees, self.layers[read].jump) if read >= 0 else (1, 1) for read in reads]
        sees, jump = max(sees for sees, _ in before), max(jump for _, jump in before)
        sides = [self.layers[read].side if read >= 0 else self._side for read in reads]
        sees += ((max(sides) if everything else window) - 1) * jump
        jump = max(1, jump * stride // grows)
        known = {layer.name for layer in self.layers}
        name, words = readable(name, SHOWN_NAME), words and readable(words, SHOWN_NAME)
        name = name if name not in known else f"{name}, {len(self.layers) + 1}"
        if len(shape) == 3:
            side, across, channels = shape
        else:
            side, across, channels = 1, 0, int(np.prod(shape, dtype=np.int64))
        across = 0 if across == side else across
        self.layers.append(
            Layer(name, kind, side, channels, parameters, multiply_adds, sees, jump, words, "", reads, across)
        )
        return len(self.layers) - 1

    def absorb(self, place: int, what: str, parameters: int = 0) -> int:
        """A layer that only bends or scales what another puts out becomes a part of it; the place of that other."""
        layer, what = self.layers[place], readable(what, SHOWN_NAME)
        words = f"{layer.arithmetic}, {what}" if layer.arithmetic else what
        self.layers[place] = replace(layer, parameters=layer.parameters + parameters, arithmetic=words)
        return place


def shown_maps(values: np.ndarray | None) -> np.ndarray | None:
    """The strongest maps of a layer for people to look at.

    Args:
        values: (height, width, channels), or of another rank, from which there are no maps.

    Returns:
        uint8 (h, w, n): at most 12 maps of at most 64 pixels, the one with the largest values first; all on one scale.
    """
    if values is None or values.ndim != 3 or min(values.shape) < 1 or max(values.shape[:2]) < 2:
        return None
    strength = np.nan_to_num(np.abs(values.astype(np.float32))).max(axis=(0, 1))
    maps = np.nan_to_num(values[..., np.argsort(-strength, kind="stable")[:SHOWN_MAPS]].astype(np.float32))
    larger = max(maps.shape[:2]) / MAP_SIDE
    if larger > 1:
        size = max(1, round(maps.shape[1] / larger)), max(1, round(maps.shape[0] / larger))
        maps = np.dstack([cv2.resize(maps[..., i], size, None, 0, 0, cv2.INTER_AREA) for i in range(maps.shape[2])])
    low, high = float(maps.min()), float(maps.max())
    return np.round((maps - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)


def shown_answer(values: np.ndarray) -> np.ndarray:
    """An answer without the axis of its batch, float32, cut to what a page can show.

    Raises:
        VisitorError: it is too large.
    """
    if values.size > SHOWN_NUMBERS * 100:
        raise VisitorError("Its answer has more numbers than fit on this page.")
    return values[0].astype(np.float32) if values.ndim > 1 and values.shape[0] == 1 else values.astype(np.float32)
