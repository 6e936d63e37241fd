"""What a random transform is: its controls, its dice, its arithmetic, its Keras layer.

Each operation draws its parameters from the same distribution as its Keras layer and, for given parameters, computes
the same pixels (`cnndemo.augmentation.reference` asks the layer itself). Images are float32 (height, width, 3), 0–255.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Settings = Mapping[str, Any]
Drawn = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One control of an operation: a number between two bounds, or one of some choices.

    Attributes:
        name: key in the settings; label: for people.
        low, high, step, default: of a number.
        choices: of a choice; then `default` is one of them.
        help: one sentence.
    """

    name: str
    label: str
    default: Any
    low: float = 0.0
    high: float = 1.0
    step: float = 0.05
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Operation:
    """One random transform.

    Attributes:
        kind: its name in pipelines; title: for people; layer: the class in `keras.layers`.
        settings: its controls.
        draw: (random generator, settings, (height, width)) -> the parameters drawn.
        apply: (image, parameters, fill mode) -> image.
        words: parameters -> what was drawn, for people.
        code: (settings, fill mode) -> the Keras layer that does the same; several are parted by " | ".
        mask: how a segmentation mask follows: `moves` with the picture, `stays`.
        labels: what it may do to the label, or "".
    """

    kind: str
    title: str
    layer: str
    settings: tuple[Setting, ...]
    draw: Callable[[np.random.Generator, Settings, tuple[int, int]], Drawn]
    apply: Callable[[np.ndarray, Drawn, str], np.ndarray]
    words: Callable[[Drawn], str]
    code: Callable[[Settings, str], str]
    mask: str = "stays"
    labels: str = ""
    defaults: dict[str, Any] = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "defaults", {setting.name: setting.default for setting in self.settings})


def number(value: float) -> str:
    """A number as short Python code: 0.25, 30, 0.0833333."""
    return f"{value:.6g}"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, a true minus, for people."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if float(text.replace("−", "-")) else f"{0:.{digits}f}"
