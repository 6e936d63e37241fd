"""The blocks of figures 4.2, 4.3, 4.6 and 4.7 in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A residual block of single numbers: y = F(x) + x with F(x) = w₂ · max(0, w₁ · x).

    Attributes:
        hidden: w₁ · x after the ReLU.
        branch: F(x).
        output: y.
        through_branch, through_skip: the two parts of dy/dx (figure 4.3).
    """

    hidden: float
    branch: float
    output: float
    through_branch: float
    through_skip: float

    @property
    def gradient(self) -> float:
        return self.through_branch + self.through_skip


def residual_block(x: float, first: float, second: float, skip: bool = True) -> Block:
    """A block of two weights, with or without its skip connection."""
    hidden = max(0.0, first * x)
    branch = second * hidden
    slope = second * first if first * x > 0 else 0.0
    return Block(hidden, branch, branch + x * skip, slope, float(skip))


def connections(layers: int) -> list[tuple[int, int]]:
    """Who reads whom in a dense block: pairs (from, to), where 0 is the block's input and 1 … n its layers."""
    return [(start, to) for to in range(1, layers + 1) for start in range(to)]


def dense_block(layers: int, inputs: int, growth: int, kernel: int = 3) -> list[dict[str, int]]:
    """A dense block layer by layer: the maps that each reads, those it adds, and its weights, without biases."""
    return [
        {
            "layer": number,
            "reads": inputs + (number - 1) * growth,
            "adds": growth,
            "weights": kernel * kernel * (inputs + (number - 1) * growth) * growth,
        }
        for number in range(1, layers + 1)
    ]


def plain_block_parameters(layers: int, inputs: int, growth: int, kernel: int = 3) -> int:
    """Weights of ordinary layers, one after the other, that end with as many maps as the dense block."""
    width = inputs + layers * growth
    return kernel * kernel * (inputs * width + (layers - 1) * width * width)
