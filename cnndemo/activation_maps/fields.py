"""The receptive field: which pixels a place of a feature map looks at (Araujo, Norris, Sim 2019, distill.pub)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[int, int, int, int]
"""top, left, height, width in pixels."""


@dataclass(frozen=True)
class Window:
    """A convolution or a pooling, along one axis.

    Attributes:
        kernel: places that it reads at once.
        stride: places from one window to the next.
        before: zeros that "same" padding puts in front.
    """

    kernel: int
    stride: int = 1
    before: int = 0

    def back(self, first: int, last: int) -> tuple[int, int]:
        """The places of its input that its outputs `first` to `last` are made of; zeros have places outside."""
        return first * self.stride - self.before, last * self.stride - self.before + self.kernel - 1


@dataclass(frozen=True)
class Grow:
    """A transposed convolution of `factor` × `factor` weights and this stride: each place becomes so many."""

    factor: int

    def back(self, first: int, last: int) -> tuple[int, int]:
        """The place of its input that each output is made of."""
        return first // self.factor, last // self.factor


Step = Window | Grow


def same(size: int, kernel: int, stride: int = 1) -> Window:
    """A window with TensorFlow's "same" padding on an input of `size` places; of an odd zero, the last end gets it."""
    places = -(-size // stride)
    return Window(kernel, stride, max(0, (places - 1) * stride + kernel - size) // 2)


def seen(steps: Sequence[Step], first: int, last: int | None = None) -> tuple[int, int]:
    """The pixels, first and last, that places `first` to `last` of the end of `steps` look at; may lie outside."""
    low, high = first, first if last is None else last
    for step in reversed(steps):
        low, high = step.back(low, high)
    return low, high


def width(steps: Sequence[Step]) -> int:
    """How many pixels a place in the middle looks at, along one axis, zeros outside the picture included."""
    low, high = seen(steps, 1000)
    return high - low + 1


def clipped(steps: Sequence[Step], place: int, size: int) -> tuple[int, int]:
    """First pixel and number of pixels that a place looks at within a picture of `size`; at least one."""
    low, high = seen(steps, place)
    low, high = min(max(low, 0), size - 1), min(max(high, 0), size - 1)
    return low, high - low + 1
