"""A network of about 110,000 parameters that looks twice at what a detector calls a face.

Four convolutions that halve the picture and two that do not, then one dense layer with three answers that do not
exclude each other: is this an upright face, is its mouth covered, are its eyes covered?
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SIDE = 48
"""Height and width of the square around the face, in pixels."""

ANSWERS = ("face", "mouth covered", "eyes covered")
"""What the three outputs are the logits of; the last two mean nothing where there is no face."""

LAYERS = ((16, 2), (32, 2), (32, 1), (64, 2), (64, 1), (96, 2))
"""Filters and stride of each convolution."""


def build(dropout: float = 0.3, name: str = "face_check") -> keras.Model:
    """Build the network.

    The input is the square around a face, float32 `(batch, 48, 48, 3)`, RGB in 0–255; the output float32 `(batch, 3)`,
    the logits of `ANSWERS`.

    Args:
        dropout: share of the last features that training leaves out.
        name: name of the model.
    """
    import keras

    x = square = keras.Input((SIDE, SIDE, 3), name="square")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(x)
    for index, (filters, stride) in enumerate(LAYERS):
        x = keras.layers.Conv2D(filters, 3, stride, padding="same", use_bias=False, name=f"conv{index}")(x)
        x = keras.layers.BatchNormalization(name=f"normalization{index}")(x)
        x = keras.layers.ReLU(name=f"relu{index}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(square, keras.layers.Dense(len(ANSWERS), name="scores")(x), name=name)
