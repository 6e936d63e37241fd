"""The registry of random transforms: controls, pipelines, code and tests are generated from it."""

from __future__ import annotations

from cnndemo.augmentation.color import BRIGHTNESS, CONTRAST, HUE
from cnndemo.augmentation.detail import BLUR, CUTOUT, ERASING, NOISE
from cnndemo.augmentation.geometry import FLIP_HORIZONTAL, FLIP_VERTICAL, ROTATION, SHEAR, TRANSLATION, ZOOM
from cnndemo.augmentation.operation import Operation

OPERATIONS: dict[str, Operation] = {
    operation.kind: operation
    for operation in (
        ROTATION, TRANSLATION, SHEAR, ZOOM, FLIP_HORIZONTAL, FLIP_VERTICAL,
        BRIGHTNESS, CONTRAST, HUE, ERASING, CUTOUT, NOISE, BLUR,
    )
}  # fmt: skip
