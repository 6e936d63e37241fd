"""Transforms that take detail away: erasing, cutout, noise, blur; a segmentation mask stays as it is."""

from __future__ import annotations

import math

import cv2
import numpy as np

from cnndemo.augmentation.operation import Drawn, Operation, Setting, number


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
