"""Where a sliding window goes: padding, stride, dilation, output size (book 2.3.1, figures 2.8–2.10)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.grids import pair, whole

PADDINGS = ("valid", "same", "full", "reflect", "edge")


@dataclass(frozen=True)
class Axis:
    """One axis of a window that slides.

    size: cells of the input. kernel: cells of the kernel. stride: step of the window. dilation: distance between
    the cells that the kernel reads. padding: ``valid`` adds nothing; ``same`` adds zeros as TensorFlow does, so that
    the output has ceil(size / stride) cells, one zero more at the end when the number is odd; ``full`` adds zeros so
    that every overlap counts; ``reflect`` and ``edge`` add as many cells as ``same``, mirrored or repeated.
    """

    size: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    padding: str = "valid"

    def __post_init__(self) -> None:
        whole(self.size, "The input size", 1)
        whole(self.kernel, "The kernel size", 1)
        whole(self.stride, "The stride", 1)
        whole(self.dilation, "The dilation", 1)
        if self.padding not in PADDINGS:
            raise VisitorError(f"There is no padding “{self.padding}”. Choose one of: {', '.join(PADDINGS)}.")
        if self.reach > self.padded:
            dilated = f" (with dilation {self.dilation} it spans {self.reach})" if self.dilation > 1 else ""
            raise VisitorError(
                f"The output would have size 0: a kernel of {self.kernel}{dilated} does not fit into an input of "
                f"{self.size}. Make the kernel or the dilation smaller, the input larger, or choose padding “same”."
            )

    @property
    def reach(self) -> int:
        """Cells from the first to the last that the kernel reads: dilation × (kernel − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @cached_property
    def pads(self) -> tuple[int, int]:
        """(before, after): cells added at the two ends."""
        if self.padding == "valid":
            return 0, 0
        if self.padding == "full":
            return self.reach - 1, self.reach - 1
        wanted = -(-self.size // self.stride)
        total = max((wanted - 1) * self.stride + self.reach - self.size, 0)
        return total // 2, total - total // 2

    @property
    def padded(self) -> int:
        """Cells of the padded input."""
        return self.size + sum(self.pads)

    @property
    def output(self) -> int:
        """Cells of the output: floor((size + padding − reach) / stride) + 1."""
        return (self.padded - self.reach) // self.stride + 1

    def reads(self, cell: int) -> np.ndarray:
        """The places in the *padded* input that output ``cell`` reads, (kernel,) int."""
        whole(cell, "The output cell", 0, self.output - 1)
        return cell * self.stride + self.dilation * np.arange(self.kernel)

    def feeds(self, cell: int) -> np.ndarray:
        """The output cells that read *input* ``cell`` (counted without the padding), int, perhaps none."""
        whole(cell, "The input cell", 0, self.size - 1)
        place = cell + self.pads[0]
        starts = place - self.dilation * np.arange(self.kernel)
        cells = starts[(starts >= 0) & (starts % self.stride == 0)] // self.stride
        return np.sort(cells[cells < self.output])

    @property
    def used(self) -> np.ndarray:
        """(padded,) bool: which cells of the padded input any window reads. The rest is dropped."""
        mask = np.zeros(self.padded, dtype=bool)
        for cell in range(self.output):
            mask[self.reads(cell)] = True
        return mask

    @property
    def dropped(self) -> int:
        """Cells left over at the end, past the last window: what the floor of the formula throws away."""
        return self.padded - ((self.output - 1) * self.stride + self.reach)

    def formula(self) -> str:
        """The book's formula with this axis' numbers, in LaTeX, with the floor that the book leaves out."""
        span = f"{self.size} - {self.reach} + {sum(self.pads)}"
        return rf"\left\lfloor \frac{{{span}}}{{{self.stride}}} \right\rfloor + 1 = {self.output}"

    def notes(self, name: str) -> list[str]:
        """Sentences on what is unusual about this axis, called ``name`` ("down" or "across")."""
        found = []
        if self.dropped:
            cells = "cell is" if self.dropped == 1 else "cells are"
            found.append(f"Going {name}, the windows do not come out even: the last {self.dropped} {cells} never read.")
        if self.stride > self.reach and self.output > 1:
            found.append(f"Going {name}, the stride {self.stride} is wider than the kernel: cells between are skipped.")
        if self.stride > self.size:
            found.append(f"Going {name}, the stride {self.stride} is larger than the input: only one window fits.")
        before, after = self.pads
        if before != after:
            found.append(
                f"Going {name}, padding “{self.padding}” adds {before} before and {after} after: an odd number of "
                "cells cannot be split evenly, and TensorFlow puts the extra one at the end."
            )
        return found


@dataclass(frozen=True)
class Geometry:
    """Both axes of a sliding window."""

    rows: Axis
    columns: Axis

    @property
    def output(self) -> tuple[int, int]:
        return self.rows.output, self.columns.output

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.rows.pads, self.columns.pads

    @property
    def used(self) -> np.ndarray:
        """(padded rows, padded columns) bool: cells that some window reads."""
        return np.outer(self.rows.used, self.columns.used)

    def notes(self) -> list[str]:
        return self.rows.notes("down") + self.columns.notes("across")


def geometry(shape, kernel_shape, stride=1, dilation=1, padding: str = "valid") -> Geometry:
    """The geometry for an input (H, W, …) and a kernel (h, w, …); stride and dilation: one number or (down, across)."""
    stride, dilation = pair(stride, "The stride"), pair(dilation, "The dilation")
    axes = [Axis(int(shape[i]), int(kernel_shape[i]), stride[i], dilation[i], padding) for i in (0, 1)]
    return Geometry(*axes)


def output_size(n: int, kernel: int, stride: int = 1, dilation: int = 1, padding: str = "valid") -> int:
    """Cells of the output along one axis (book 2.3.1: (W − F + 2P) / S + 1, rounded down)."""
    return Axis(n, kernel, stride, dilation, padding).output


def pad(x: np.ndarray, pads, padding: str, fill: float = 0.0) -> np.ndarray:
    """``x`` (H, W, …) with ``pads`` ((top, bottom), (left, right)) cells added as ``padding`` says."""
    widths = [*pads, *[(0, 0)] * (x.ndim - 2)]
    if padding in ("reflect", "edge"):
        return np.pad(x, widths, mode=padding)
    return np.pad(x, widths, constant_values=fill)


@dataclass(frozen=True)
class StackLayer:
    """A layer of a stack, for its receptive field: kernel, stride and dilation along one axis."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    kind: str = "convolution"

    def __post_init__(self) -> None:
        for name in ("kernel", "stride", "dilation"):
            object.__setattr__(self, name, whole(getattr(self, name), f"The {name}", 1))


def receptive_field(layers) -> list[dict[str, int | str]]:
    """How far one output pixel sees after each layer, along one axis.

    With field r and jump j (distance in input pixels between neighbours of the output), both 1 at the start, a layer
    gives r ← r + (kernel − 1) · dilation · j and j ← j · stride. Returns one row a layer.
    """
    field, jump, rows = 1, 1, []
    for layer in layers:
        field += (layer.kernel - 1) * layer.dilation * jump
        jump *= layer.stride
        row = {"layer": layer.kind, "kernel": layer.kernel, "stride": layer.stride, "dilation": layer.dilation}
        rows.append(row | {"field": field, "jump": jump})
    return rows


def path_counts(layers) -> np.ndarray:
    """(field,) float: how many paths lead from each input pixel to one output pixel, the largest being 1.

    The middle is reached by many more paths than the rim, so the pixels that matter are fewer than the field holds.
    """
    counts, jump = np.ones(1), 1
    for layer in layers:
        taps = np.zeros((layer.kernel - 1) * layer.dilation * jump + 1)
        taps[:: layer.dilation * jump] = 1
        counts = np.convolve(counts, taps)
        counts = counts / counts.max()
        jump *= layer.stride
    return counts
