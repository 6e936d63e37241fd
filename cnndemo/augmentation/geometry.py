"""Transforms that move pixels: rotation, shift, shear, zoom, flips; a segmentation mask moves along."""

from __future__ import annotations

import numpy as np

from cnndemo.augmentation import resampling
from cnndemo.augmentation.operation import Drawn, Operation, Setting, number, signed


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
    # A single number cannot be loaded back (keras#21110). The layer draws the sign by itself, so this is the same.
    lambda s, fill: f'RandomShear(x_factor=(0.0, {number(s["slope"])}), fill_mode="{fill}")',
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
