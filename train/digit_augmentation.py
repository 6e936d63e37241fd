"""New handwriting from old: how the digits of a training are distorted, on the device that trains."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from cnndemo.models.digit_classifier import INPUT_SHAPE


class Augmentation(keras.layers.Layer):
    """New handwriting from old: affine and elastic distortion, stroke width, blur, contrast, noise; while training.

    float32 (batch, 28, 28, 1) in [0, 1] in and out. Elastic distortion after Simard, Steinkraus and Platt (2003).
    Rotation, shear, scale, shift and bending are one map, which is read once. Keras has a layer for each: five of them
    in a row take six times as long on a CPU and leave edges two thirds as steep as they were, where this leaves 85 %.
    """

    def __init__(self, seed: int, **kwargs):
        super().__init__(**kwargs)
        self.chance = keras.random.SeedGenerator(seed)

    def call(self, digits, training=False):
        if not training:
            return digits
        changed = self.pen(self.move(digits))
        changed = self.dust(changed)
        # One in eight stays as it is: the clean digits are what the test asks for.
        return ops.where(self.uniform(digits, 0, 1) < 0.125, digits, changed)

    def uniform(self, digits, low, high):
        """One number for each digit, broadcastable over it."""
        return keras.random.uniform((ops.shape(digits)[0], 1, 1, 1), low, high, seed=self.chance)

    def move(self, digits):
        """Affine and elastic distortion: where each pixel of the result comes from, read bilinearly."""
        batch, side, middle = ops.shape(digits)[0], INPUT_SHAPE[0], (INPUT_SHAPE[0] - 1) / 2
        axis = ops.arange(side, dtype="float32") - middle
        y, x = axis[None, :, None, None], axis[None, None, :, None]
        angle, shear = self.uniform(digits, -0.26, 0.26), self.uniform(digits, -0.25, 0.25)
        scale_y, scale_x = self.uniform(digits, 0.85, 1.18), self.uniform(digits, 0.8, 1.2)
        source_y = scale_y * (ops.cos(angle) * y + ops.sin(angle) * x) + self.uniform(digits, -2.2, 2.2)
        source_x = scale_x * (ops.cos(angle) * x - ops.sin(angle) * y + shear * y) + self.uniform(digits, -2.2, 2.2)
        coarse = keras.random.normal((batch, 6, 6, 2), stddev=1.0, seed=self.chance)
        bend = ops.image.resize(coarse, (side, side), interpolation="bicubic", data_format="channels_last")
        bend = bend * self.uniform(digits, 0.0, 1.1)
        return self.read(digits, source_y + bend[..., :1] + middle, source_x + bend[..., 1:] + middle)

    @staticmethod
    def read(digits, y, x):
        """Bilinear reading of digits (batch, 28, 28, 1) at y, x (batch, 28, 28, 1); black outside."""
        side = INPUT_SHAPE[0]
        padded = ops.pad(digits, ((0, 0), (1, 1), (1, 1), (0, 0)))  # a black frame answers for all that lies outside
        flat = ops.reshape(padded, (-1, (side + 2) ** 2))
        y, x = ops.clip(y + 1, 0, side + 0.999), ops.clip(x + 1, 0, side + 0.999)
        top, left = ops.floor(y), ops.floor(x)
        below, right = y - top, x - left

        def at(row, column):
            index = ops.cast(row * (side + 2) + column, "int32")
            values = ops.take_along_axis(flat, ops.reshape(index, (-1, side * side)), axis=1)
            return ops.reshape(values, (-1, side, side, 1))

        above = (1 - right) * at(top, left) + right * at(top, left + 1)
        under = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
        return (1 - below) * above + below * under

    def pen(self, digits):
        """A wider or a finer pen: towards the dilated or the eroded digit, by chance."""
        wide = ops.max_pool(digits, 3, 1, "same")
        fine = 1 - ops.max_pool(1 - digits, 3, 1, "same")
        pressure = self.uniform(digits, -1.0, 1.0)
        changed = (
            digits + ops.maximum(pressure, 0) * (wide - digits) - 0.45 * ops.minimum(pressure, 0) * (fine - digits)
        )
        return ops.where(self.uniform(digits, 0, 1) < 0.6, changed, digits)

    def dust(self, digits):
        """Soft focus, faint or heavy ink, pixel noise."""
        kernel = ops.reshape(ops.convert_to_tensor(np.outer([1, 2, 1], [1, 2, 1]) / 16, "float32"), (3, 3, 1, 1))
        soft = ops.conv(digits, kernel, 1, "same")
        digits = digits + self.uniform(digits, -0.5, 1.0) * (soft - digits)
        digits = ops.power(ops.clip(digits, 1e-4, 1.0), ops.exp(self.uniform(digits, -0.4, 0.4)))
        amount = ops.maximum(self.uniform(digits, -0.08, 0.08), 0)
        return ops.clip(digits + amount * keras.random.normal(ops.shape(digits), seed=self.chance), 0, 1)
