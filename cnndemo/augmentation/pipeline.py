"""A pipeline of random transforms: seeded, with everything it drew written down, and translated into Keras."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnndemo.augmentation.operation import Operation
from cnndemo.augmentation.operations import OPERATIONS
from cnndemo.augmentation.resampling import FILL_MODES
from cnndemo.class_folders import readable
from cnndemo.errors import VisitorError

FORMAT = 1
MAX_STEPS = 20
MAX_JSON_BYTES = 100_000


@dataclass(frozen=True)
class Step:
    """One transform of a pipeline with its settings; what is not given has its default."""

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.kind]

    @property
    def complete(self) -> dict[str, Any]:
        return {**self.operation.defaults, **self.settings}


@dataclass(frozen=True)
class Draw:
    """What one step drew for one sample: its kind, its parameters, and how to say it."""

    kind: str
    parameters: Mapping[str, Any]

    @property
    def operation(self) -> Operation:
        return OPERATIONS[self.kind]

    def __str__(self) -> str:
        return self.operation.words(dict(self.parameters))


@dataclass(frozen=True)
class Pipeline:
    """The book's generator with today's transforms (listing 4.4).

    Attributes:
        steps: the transforms, in the order in which they are applied.
        fill_mode: what fills the space that turning and moving leave empty: nearest, constant, reflect or wrap.
        center: subtract each sample's mean (`samplewise_center`), after all steps.
        scale: divide each sample by its standard deviation (`samplewise_std_normalization`), after all steps.
    """

    steps: tuple[Step, ...]
    fill_mode: str = "nearest"
    center: bool = False
    scale: bool = False

    def __post_init__(self):
        if self.fill_mode not in FILL_MODES:
            raise VisitorError(f"The fill mode must be one of {', '.join(FILL_MODES)}.")
        if len(self.steps) > MAX_STEPS:
            raise VisitorError(f"A pipeline has at most {MAX_STEPS} transforms; this one has {len(self.steps)}.")
        for step in self.steps:
            _check(step)

    def draw(self, size: tuple[int, int], seed: int) -> tuple[Draw, ...]:
        """Throw the dice of every step for an image of (height, width).

        Each step has dice of its own, so switching one transform off leaves the others' draws as they were.
        """
        seen: dict[str, int] = {}
        draws = []
        for step in self.steps:
            turn = seen[step.kind] = seen.get(step.kind, 0) + 1
            random = np.random.default_rng([seed, list(OPERATIONS).index(step.kind), turn])
            draws.append(Draw(step.kind, step.operation.draw(random, step.complete, size)))
        return tuple(draws)

    def apply(self, image: np.ndarray, draws: Sequence[Draw]) -> np.ndarray:
        """Do what was drawn.

        Args:
            image: (height, width, channels) in 0–255.
            draws: from `draw`.

        Returns:
            float32 (height, width, channels), in about 0–255, or standardised.
        """
        values = np.asarray(image, np.float32)
        for draw in draws:
            values = draw.operation.apply(values, dict(draw.parameters), self.fill_mode)
        return self.standardize(values)

    def apply_to_mask(self, mask: np.ndarray, draws: Sequence[Draw]) -> np.ndarray:
        """The segmentation mask of the same sample: moved without mixing classes; light and noise leave it alone.

        Args:
            mask: uint8 (height, width), one class number a pixel.
        """
        values = np.asarray(mask, np.float32)
        for draw in draws:
            if draw.operation.mask == "moves":
                values = draw.operation.apply(values, dict(draw.parameters), self.fill_mode, interpolation="nearest")
        return values.astype(mask.dtype)

    def standardize(self, values: np.ndarray) -> np.ndarray:
        """The book's `samplewise_center` and `samplewise_std_normalization`."""
        if self.center:
            values = values - values.mean()
        if self.scale:
            values = values / (values.std() + np.float32(1e-6))
        return values

    def sample(self, image: np.ndarray, seed: int) -> tuple[np.ndarray, tuple[Draw, ...]]:
        """One random variant of an image.

        Args:
            image: uint8 or float (height, width, 3) in 0–255.
            seed: same seed, same variant.

        Returns:
            The variant, float32 (height, width, 3), and the parameters drawn, one `Draw` a step.
        """
        draws = self.draw(image.shape[:2], seed)
        return self.apply(image, draws), draws

    def to_keras_code(self) -> str:
        """Runnable Python: the same pipeline from `keras.layers`; it can be saved, and loaded in safe mode."""
        lines = [
            f"    keras.layers.{layer},"
            for step in self.steps
            for layer in step.operation.code(step.complete, self.fill_mode).split(" | ")
        ]
        if self.center and self.scale:
            lines.append(
                "    keras.layers.LayerNormalization(axis=(1, 2, 3), center=False, scale=False, epsilon=1e-12),"
            )
        head = ["import keras", ""]
        if any(step.kind == "shear" for step in self.steps):
            head.append("# RandomShear(x_factor=0.2) cannot be loaded back (keras#21110). It draws the sign by itself,")
            head.append("# so that a range from zero is the same, and that can.")
        if self.center == self.scale:
            return "\n".join([*head, "augment = keras.Sequential([", *lines, "])"]) + "\n"
        result = "x - keras.ops.mean(x, axis=(1, 2, 3), keepdims=True)"
        if self.scale:
            result = "x / (keras.ops.std(x, axis=(1, 2, 3), keepdims=True) + 1e-6)"
        first = ["x = pictures = keras.Input((None, None, 3))"]
        if lines:
            first.append("for layer in [")
            lines += ["]:", "    x = layer(x)"]
        return "\n".join([*head, *first, *lines, f"augment = keras.Model(pictures, {result})"]) + "\n"

    def to_json(self) -> str:
        """The pipeline as a small JSON document; `from_json` reads it back."""
        steps = [{"kind": step.kind, "settings": step.complete} for step in self.steps]
        about = {"format": FORMAT, "fill_mode": self.fill_mode, "center": self.center, "scale": self.scale}
        return json.dumps(about | {"steps": steps}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Pipeline:
        """Read what `to_json` wrote, or what somebody else did.

        Raises:
            VisitorError: not such a document; the message says what is wrong with it.
        """
        if len(text) > MAX_JSON_BYTES:
            raise VisitorError("This file is too long for a pipeline.")
        try:
            about = json.loads(text)
        except (ValueError, RecursionError):
            raise VisitorError("This file is not JSON. Please choose a pipeline that was downloaded here.") from None
        if not isinstance(about, dict) or about.get("format") != FORMAT or not isinstance(about.get("steps"), list):
            raise VisitorError("This JSON is not a pipeline. Please choose one that was downloaded here.")
        steps = []
        for number, item in enumerate(about["steps"], start=1):
            if not isinstance(item, dict) or not isinstance(item.get("settings", {}), dict):
                raise VisitorError(f"Transform {number} of this pipeline is not an object with settings.")
            steps.append(Step(str(item.get("kind")), item.get("settings", {})))
        return cls(
            tuple(steps),
            str(about.get("fill_mode", "nearest")),
            bool(about.get("center", False)),
            bool(about.get("scale", False)),
        )


def _check(step: Step) -> None:
    """Unknown kinds and settings, wrong types, NaN and values out of range are refused with a sentence."""
    if step.kind not in OPERATIONS:
        raise VisitorError(f"There is no transform “{readable(step.kind, 40)}”. Known are: {', '.join(OPERATIONS)}.")
    known = {setting.name: setting for setting in step.operation.settings}
    for name, value in step.settings.items():
        if name not in known:
            raise VisitorError(f"{step.operation.title} has no setting “{readable(str(name), 40)}”.")
        setting = known[name]
        if setting.choices:
            if value not in setting.choices:
                raise VisitorError(f"{step.operation.title}: “{name}” must be one of {', '.join(setting.choices)}.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise VisitorError(f"{step.operation.title}: “{name}” must be a number.")
        elif not setting.low <= value <= setting.high:
            raise VisitorError(
                f"{step.operation.title}: “{name}” is {value:g}; "
                f"it must lie between {setting.low:g} and {setting.high:g}."
            )


def to_picture(values: np.ndarray, standardized: bool = False) -> np.ndarray:
    """float32 values as a uint8 picture; standardised ones with 0 as mid-grey and ±3 as black and white."""
    if standardized:
        spread = float(np.abs(values).max(initial=0.0))
        values = 127.5 + values * (127.5 / (3.0 if spread <= 6 else max(spread, 1e-6)))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


#: The generator of listing 4.4 in today's terms.
BOOK = Pipeline(
    steps=(
        Step("rotation", {"degrees": 30}),
        Step("translation", {"width": 0.25, "height": 0.25}),
        Step("shear", {"slope": 0.2}),
        Step("zoom", {"zoom": 0.3, "shape": "stretched"}),
        Step("flip_horizontal"),
    ),
    fill_mode="nearest",
    center=True,
    scale=True,
)
