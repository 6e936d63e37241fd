"""A face detector of 193,321 parameters: the whole picture in, a grid of scored boxes out.

After `tiny_face_detector_model` of face-api (Vincent Mühler, MIT): a small YOLO v2 (Redmon and Farhadi 2016,
arXiv:1612.08242) whose convolutions are depthwise separable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SIDE = 416
"""Height and width of the padded picture, in pixels."""

CELLS = 13
"""Rows and columns of the grid that looks for faces."""

ANCHORS = ((1.603231, 2.094468), (6.041143, 7.080126), (2.882459, 3.518061), (4.266906, 5.178857), (9.041765, 10.66308))
"""Width and height, in cells, of the five shapes that each cell tries."""

MEAN = (117.001, 114.697, 97.404)
"""Mean red, green and blue of the training pictures."""


def build(name: str = "tiny_face_detector") -> keras.Model:
    """Build the detector.

    The input is the picture, padded at the bottom and at the right to a square, float32 `(batch, 416, 416, 3)`, RGB in
    0–255. The output is float32 `(batch, 13, 13, 25)`: for each cell and each of the five anchors the logits of the
    centre's x and y in the cell, the logarithms of width and height in anchors, and the logit of "a face".

    Args:
        name: name of the model.
    """
    import keras

    picture = keras.Input((SIDE, SIDE, 3), name="picture")
    x = keras.layers.Rescaling(1 / 255, offset=[-mean / 255 for mean in MEAN], name="normalise")(picture)
    x = keras.layers.Conv2D(16, 3, padding="valid", name="conv0")(x)
    x = keras.layers.LeakyReLU(0.1, name="leaky0")(x)
    for index, filters in enumerate((32, 64, 128, 256, 512), start=1):
        x = keras.layers.MaxPooling2D(2, strides=2, padding="same", name=f"pool{index - 1}")(x)
        x = keras.layers.SeparableConv2D(filters, 3, padding="same", name=f"conv{index}")(x)
        x = keras.layers.LeakyReLU(0.1, name=f"leaky{index}")(x)
    x = keras.layers.MaxPooling2D(2, strides=1, padding="same", name="pool5")(x)
    boxes = keras.layers.Conv2D(5 * len(ANCHORS), 1, name="conv8")(x)
    return keras.Model(picture, boxes, name=name)
