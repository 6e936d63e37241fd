"""The random transforms: what each draws, what it does with what was drawn, and the Keras layer that does the same.

Each operation draws its parameters from the same distribution as its Keras layer and, for given parameters, computes
the same pixels (`cnndemo.augmentation.reference` asks the layer itself). Images are float32 (height, width, 3), 0–255.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from cnndemo.augmentation import resampling

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


# --- geometry -------------------------------------------------------------------------------------------------------


def _affine_operation(kind, title, layer, settings, draw, matrix, words, code, labels="") -> Operation:
    def apply(image: np.ndarray, drawn: Drawn, fill_mode: str, interpolation: str = "bilinear") -> np.ndarray:
        return resampling.affine(image, matrix(drawn, *image.shape[:2]), fill_mode, interpolation=interpolation)

    return Operation(kind, title, layer, settings, draw, apply, words, code, mask="moves", labels=labels)


def _draw_rotation(random, settings, size) -> Drawn:
    return {"angle": random.uniform(-settings["degrees"], settings["degrees"])}


ROTATION = _affine_operation(
    "rotation",
    "Rotation",
    "RandomRotation",
    (Setting("degrees", "Rotation up to ±°", 30, 0, 180, 1, help="The book's rotation_range, in degrees."),),
    _draw_rotation,
    lambda drawn, height, width: resampling.rotation_matrix(drawn["angle"], height, width),
    lambda drawn: f"turned {signed(drawn['angle'])}°",
    lambda s, fill: f'RandomRotation({number(s["degrees"])} / 360, fill_mode="{fill}")',
    labels="Past about 90° a 6 becomes a 9.",
)


def _draw_translation(random, settings, size) -> Drawn:
    height, width = size
    return {
        "down": height * random.uniform(-settings["height"], settings["height"]),
        "right": width * random.uniform(-settings["width"], settings["width"]),
    }


TRANSLATION = _affine_operation(
    "translation",
    "Shift",
    "RandomTranslation",
    (
        Setting("width", "Shift in width up to ±", 0.25, help="A share of the width: the book's width_shift_range."),
        Setting(
            "height", "Shift in height up to ±", 0.25, help="A share of the height: the book's height_shift_range."
        ),
    ),
    _draw_translation,
    lambda drawn, height, width: resampling.translation_matrix(drawn["right"], drawn["down"]),
    lambda drawn: f"moved → {signed(drawn['right'], 0)}, ↓ {signed(drawn['down'], 0)} px",
    lambda s, fill: (
        f'RandomTranslation(height_factor={number(s["height"])}, width_factor={number(s["width"])}, fill_mode="{fill}")'
    ),
    labels="A large shift can push the object out of the picture.",
)


def _draw_shear(random, settings, size) -> Drawn:
    slope = settings["slope"]
    return {"x": random.uniform(-slope, slope), "y": 0.0}


SHEAR = _affine_operation(
    "shear",
    "Shear",
    "RandomShear",
    (
        Setting(
            "slope",
            "Shear up to ±",
            0.2,
            help="Pixels to the side a row further down. The book's 0.2 were degrees: 0.0035.",
        ),
    ),
    _draw_shear,
    lambda drawn, height, width: resampling.shear_matrix(drawn["x"], drawn["y"]),
    lambda drawn: f"sheared {signed(drawn['x'], 2)}",
    lambda s, fill: f'RandomShear(x_factor={number(s["slope"])}, fill_mode="{fill}")',
)


def _draw_zoom(random, settings, size) -> Drawn:
    height = random.uniform(1 - settings["zoom"], 1 + settings["zoom"])
    width = random.uniform(1 - settings["zoom"], 1 + settings["zoom"])
    return {"height": height, "width": height if settings["shape"] == "kept" else width}


ZOOM = _affine_operation(
    "zoom",
    "Zoom",
    "RandomZoom",
    (
        Setting(
            "zoom", "Zoom up to ±", 0.3, 0.0, 0.9, help="0.3 shows 70 % to 130 % of the picture's extent: zoom_range."
        ),
        Setting("shape", "Shape", "stretched", choices=("stretched", "kept"), help="The book's generator stretches."),
    ),
    _draw_zoom,
    lambda drawn, height, width: resampling.zoom_matrix(drawn["height"], drawn["width"], height, width),
    lambda drawn: f"zoomed ↔ ×{1 / drawn['width']:.2f}, ↕ ×{1 / drawn['height']:.2f}",
    lambda s, fill: (
        f'RandomZoom({number(s["zoom"])}, fill_mode="{fill}")'
        if s["shape"] == "kept"
        else f'RandomZoom({number(s["zoom"])}, {number(s["zoom"])}, fill_mode="{fill}")'
    ),
    labels="Zooming far in can cut off what the label names.",
)


def _flip(axis: int):
    def apply(image: np.ndarray, drawn: Drawn, fill_mode: str, interpolation: str = "nearest") -> np.ndarray:
        return np.ascontiguousarray(np.flip(image, axis)) if drawn["flip"] else image

    return apply


def _draw_flip(random, settings, size) -> Drawn:
    return {"flip": bool(random.random() > 0.5)}


FLIP_HORIZONTAL = Operation(
    "flip_horizontal",
    "Flip left–right",
    "RandomFlip",
    (),
    _draw_flip,
    _flip(1),
    lambda drawn: "flipped ↔" if drawn["flip"] else "not flipped ↔",
    lambda s, fill: 'RandomFlip("horizontal")',
    mask="moves",
    labels="A mirrored 2 is no 2; for a car the left lane becomes the right lane; writing becomes mirror writing.",
)

FLIP_VERTICAL = Operation(
    "flip_vertical",
    "Flip top–bottom",
    "RandomFlip",
    (),
    _draw_flip,
    _flip(0),
    lambda drawn: "flipped ↕" if drawn["flip"] else "not flipped ↕",
    lambda s, fill: 'RandomFlip("vertical")',
    mask="moves",
    labels="A 2 upside down looks like a 5; cats on the ceiling do not occur.",
)


# --- light and colour -----------------------------------------------------------------------------------------------


def _draw_brightness(random, settings, size) -> Drawn:
    return {"delta": 255 * random.uniform(-settings["factor"], settings["factor"])}


BRIGHTNESS = Operation(
    "brightness",
    "Brightness",
    "RandomBrightness",
    (Setting("factor", "Brightness up to ±", 0.2, help="A share of the whole range of 255."),),
    _draw_brightness,
    lambda image, drawn, fill: np.clip(image + np.float32(drawn["delta"]), 0, 255),
    lambda drawn: f"brightness {signed(drawn['delta'])}",
    lambda s, fill: f"RandomBrightness({number(s['factor'])}, value_range=(0, 255))",
)


def _draw_contrast(random, settings, size) -> Drawn:
    return {"factor": random.uniform(1 - settings["factor"], 1 + settings["factor"])}


def _contrast(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    mean = image.mean(axis=(0, 1), keepdims=True)
    return np.clip((image - mean) * np.float32(drawn["factor"]) + mean, 0, 255)


CONTRAST = Operation(
    "contrast",
    "Contrast",
    "RandomContrast",
    (Setting("factor", "Contrast up to ±", 0.3, help="0.3 draws a factor between 0.7 and 1.3."),),
    _draw_contrast,
    _contrast,
    lambda drawn: f"contrast × {drawn['factor']:.2f}",
    # A single number would only ever raise the contrast: Keras then takes (0, factor) for the two bounds.
    lambda s, fill: f"RandomContrast(({number(s['factor'])}, {number(s['factor'])}), value_range=(0, 255))",
)


def _draw_hue(random, settings, size) -> Drawn:
    sign = -1.0 if random.random() > 0.5 else 1.0
    return {"shift": sign * 0.5 * random.uniform(0, settings["factor"])}


def _hue(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    if image.shape[-1] != 3:
        return image  # grey has no hue
    hsv = cv2.cvtColor(np.ascontiguousarray(image, np.float32) / np.float32(255), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = np.mod(hsv[..., 0] + np.float32(360 * drawn["shift"]), np.float32(360))
    return np.clip(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * np.float32(255), 0, 255)


HUE = Operation(
    "hue",
    "Hue",
    "RandomHue",
    (Setting("factor", "Hue up to", 0.2, help="1 may turn the colour wheel by half a turn."),),
    _draw_hue,
    _hue,
    lambda drawn: f"hue turned {signed(360 * drawn['shift'], 0)}°",
    lambda s, fill: f"RandomHue({number(s['factor'])}, value_range=(0, 255))",
    labels="If colour is the label, ripe against unripe, it is lost.",
)


# --- loss of detail -------------------------------------------------------------------------------------------------


def _draw_box(random, size, share_width: float, share_height: float) -> Drawn:
    """A box whose width and height are the square roots of two shares, as `RandomErasing` draws it."""
    height, width = size
    box_width, box_height = width * math.sqrt(share_width), height * math.sqrt(share_height)
    left, top = random.random() * (width - box_width), random.random() * (height - box_height)
    return {"left": left, "right": left + box_width, "top": top, "bottom": top + box_height}


def _draw_erasing(random, settings, size) -> Drawn:
    shares = random.uniform(0.02, settings["area"], 2) if settings["area"] > 0.02 else (settings["area"],) * 2
    box = _draw_box(random, size, *shares)
    return box | {"erase": bool(random.random() < settings["probability"]), "seed": int(random.integers(2**31))}


def box_mask(drawn: Drawn, height: int, width: int) -> np.ndarray:
    """bool (height, width): pixels whose index lies in the drawn box."""
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    across = (x >= np.float32(drawn["left"])) & (x < np.float32(drawn["right"]))
    return across & (y >= np.float32(drawn["top"])) & (y < np.float32(drawn["bottom"]))


def erasing_noise(drawn: Drawn, shape: tuple[int, ...]) -> np.ndarray:
    """The noise that `RandomErasing` fills with when it is given no `fill_value`: half of it black."""
    noise = np.random.default_rng(drawn["seed"]).normal(size=shape) * 255
    return np.clip(noise, 0, 255).astype(np.float32)


def _erasing(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    if not drawn["erase"]:
        return image
    return np.where(box_mask(drawn, *image.shape[:2])[..., None], erasing_noise(drawn, image.shape), image)


def _box_words(drawn: Drawn) -> str:
    size = f"{drawn['right'] - drawn['left']:.0f} × {drawn['bottom'] - drawn['top']:.0f} px"
    return f"{size} at ({drawn['left']:.0f}, {drawn['top']:.0f})"


ERASING = Operation(
    "erasing",
    "Random erasing",
    "RandomErasing",
    (
        Setting("probability", "Erase with probability", 0.5),
        Setting(
            "area", "Box up to", 0.33, 0.02, 1.0, 0.01, help="The square of its largest share of width and height."
        ),
    ),
    _draw_erasing,
    _erasing,
    lambda drawn: f"erased {_box_words(drawn)}" if drawn["erase"] else "nothing erased",
    lambda s, fill: (
        f"RandomErasing(({number(s['probability'])}, {number(s['probability'])}), "
        f"scale=({number(min(0.02, s['area']))}, {number(s['area'])}), value_range=(0, 255))"
    ),
    labels="The box may cover the very thing that the label names.",
)


def _draw_cutout(random, settings, size) -> Drawn:
    return _draw_box(random, size, settings["side"] ** 2, settings["side"] ** 2)


def _cutout(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    return np.where(box_mask(drawn, *image.shape[:2])[..., None], np.float32(0), image)


CUTOUT = Operation(
    "cutout",
    "Cutout",
    "RandomErasing",
    (Setting("side", "Box, share of each side", 0.3, help="A black box of fixed size, as in the Cutout paper."),),
    _draw_cutout,
    _cutout,
    lambda drawn: f"cut out {_box_words(drawn)}",
    lambda s, fill: (
        f"RandomErasing((1.0, 1.0), scale=({number(s['side'] ** 2)}, {number(s['side'] ** 2)}), fill_value=0.0)"
    ),
    labels="The box may cover the very thing that the label names.",
)


def _draw_noise(random, settings, size) -> Drawn:
    return {"stddev": float(settings["stddev"]), "seed": int(random.integers(2**31))}


def _noise(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    random = np.random.default_rng(drawn["seed"])
    return image + np.float32(drawn["stddev"]) * random.standard_normal(image.shape, dtype=np.float32)


NOISE = Operation(
    "noise",
    "Noise",
    "GaussianNoise",
    (Setting("stddev", "Noise, standard deviation", 12.0, 0.0, 80.0, 1.0, help="In grey levels of 0–255."),),
    _draw_noise,
    _noise,
    lambda drawn: f"noise ± {drawn['stddev']:.0f}",
    # The layer refuses more than 1, so the noise is added on the 0–1 scale.
    lambda s, fill: f"Rescaling(1 / 255) | GaussianNoise({number(s['stddev'])} / 255) | Rescaling(255)",
)


def _draw_blur(random, settings, size) -> Drawn:
    sigma = random.uniform(0.1, settings["sigma"], 2) if settings["sigma"] > 0.1 else (settings["sigma"],) * 2
    return {"sigma_x": float(sigma[0]), "sigma_y": float(sigma[1])}


BLUR_SIZE = 9


def _gaussian(sigma: float) -> np.ndarray:
    offsets = np.arange(BLUR_SIZE) - BLUR_SIZE // 2
    weights = np.exp(-0.5 * (offsets / max(sigma, 1e-6)) ** 2)
    return weights / weights.sum()


def _blur(image: np.ndarray, drawn: Drawn, fill_mode: str) -> np.ndarray:
    across, down = _gaussian(drawn["sigma_x"]), _gaussian(drawn["sigma_y"])
    blurred = cv2.sepFilter2D(np.asarray(image, np.float32), cv2.CV_32F, across, down, borderType=cv2.BORDER_CONSTANT)
    return np.clip(blurred.reshape(image.shape), 0, 255)


BLUR = Operation(
    "blur",
    "Blur",
    "RandomGaussianBlur",
    (Setting("sigma", "Blur, σ up to", 1.5, 0.1, 4.0, 0.1, help="In pixels; drawn apart for width and height."),),
    _draw_blur,
    _blur,
    lambda drawn: f"blur σ {drawn['sigma_x']:.1f} × {drawn['sigma_y']:.1f} px",
    lambda s, fill: (
        f"RandomGaussianBlur((1.0, 1.0), kernel_size={BLUR_SIZE}, "
        f"sigma=({number(min(0.1, s['sigma']))}, {number(s['sigma'])}), value_range=(0, 255))"
    ),
)

OPERATIONS: dict[str, Operation] = {
    operation.kind: operation
    for operation in (
        ROTATION, TRANSLATION, SHEAR, ZOOM, FLIP_HORIZONTAL, FLIP_VERTICAL,
        BRIGHTNESS, CONTRAST, HUE, ERASING, CUTOUT, NOISE, BLUR,
    )
}  # fmt: skip
