"""The judge: the real `keras.layers.Random*` layer, given the parameters that were drawn here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnndemo.augmentation.detail import BLUR_SIZE, box_mask, erasing_noise
from cnndemo.augmentation.pipeline import Draw, Pipeline


def difference(image: np.ndarray, recipe: str, seed: int) -> float:
    """The largest difference between our pixels and those of the Keras layers under the same drawn parameters."""
    pipeline = Pipeline.from_json(recipe)
    values, draws = pipeline.sample(image, seed)
    return float(np.abs(values - pipeline.standardize(run(image, draws, pipeline.fill_mode))).max())


def run(image: np.ndarray, draws: Sequence[Draw], fill_mode: str) -> np.ndarray:
    """Send one image through the Keras layers, each with its drawn parameters.

    The layers' own `transform_images` runs; only their dice are replaced. `GaussianNoise` has no such entrance, so its
    noise is added here.

    Args:
        image: float32 (height, width, 3) in 0–255.
        draws: what `Pipeline.sample` drew.
        fill_mode: the pipeline's.

    Returns:
        float32, the shape of `image`.
    """
    values = np.asarray(image, np.float32)
    for draw in draws:
        values = _step(values, draw, fill_mode)
    return values


def _step(image: np.ndarray, draw: Draw, fill_mode: str) -> np.ndarray:
    from keras import layers

    height, width, channels = image.shape
    drawn, batch = draw.parameters, image[None]

    def column(*values: float) -> np.ndarray:
        return np.array([values], dtype=np.float32)

    if draw.kind == "rotation":
        layer = layers.RandomRotation(0.5, fill_mode=fill_mode)
        angle = np.array([drawn["angle"]], np.float32)
        zeros = np.zeros(1, np.float32)
        matrix = layer._compute_affine_matrix(
            0.5, 0.5, angle, zeros, zeros, zeros + 1, zeros, zeros, height=height, width=width
        )
        transformation = {"rotation_matrix": matrix}
    elif draw.kind == "translation":
        layer = layers.RandomTranslation(1.0, 1.0, fill_mode=fill_mode)
        transformation = {"translations": column(drawn["right"], drawn["down"])}
    elif draw.kind == "shear":
        layer = layers.RandomShear(1.0, 1.0, fill_mode=fill_mode)
        transformation = {"shear_factor": column(drawn["x"], drawn["y"])}
    elif draw.kind == "zoom":
        layer = layers.RandomZoom(0.9, 0.9, fill_mode=fill_mode)
        transformation = {"height_zoom": column(drawn["height"]), "width_zoom": column(drawn["width"])}
    elif draw.kind in ("flip_horizontal", "flip_vertical"):
        layer = layers.RandomFlip(draw.kind.removeprefix("flip_"))
        transformation = {"flips": np.array([[[[drawn["flip"]]]]])}
    elif draw.kind == "brightness":
        layer = layers.RandomBrightness(1.0)
        transformation = {"rgb_delta": np.full((1, 1, 1, 1), drawn["delta"], np.float32)}
    elif draw.kind == "contrast":
        layer = layers.RandomContrast(1.0)
        transformation = {"contrast_factor": np.full((1, 1, 1, 1), drawn["factor"], np.float32)}
    elif draw.kind == "hue":
        layer = layers.RandomHue(1.0)
        transformation = {"factor": np.array([drawn["shift"]], np.float32)}
    elif draw.kind in ("erasing", "cutout"):
        layer = layers.RandomErasing(1.0)
        fill = erasing_noise(drawn, batch.shape[1:]) if draw.kind == "erasing" else np.zeros_like(image)
        mask = np.repeat(box_mask(drawn, height, width)[None, ..., None], channels, axis=-1)
        erase = np.array([drawn.get("erase", True)])
        transformation = {"batch_masks": mask, "apply_erasing": erase, "fill_value": fill[None]}
    elif draw.kind == "blur":
        layer = layers.RandomGaussianBlur(1.0, kernel_size=BLUR_SIZE)
        sigma = np.array([drawn["sigma_x"], drawn["sigma_y"]], np.float32)
        transformation = {"blur_factor": sigma, "should_apply_blur": np.array([True])}
    else:  # noise
        return draw.operation.apply(image, drawn, fill_mode)
    return np.asarray(layer.transform_images(batch, transformation, training=True))[0]
