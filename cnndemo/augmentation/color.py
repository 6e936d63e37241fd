"""Transforms of light and colour: brightness, contrast, hue; a segmentation mask stays as it is."""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo.augmentation.operation import Drawn, Operation, Setting, number, signed


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
