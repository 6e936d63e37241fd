"""The residual network of dlib's face recognition: a face in, 128 numbers out.

After Davis King's `dlib_face_recognition_resnet_model_v1` (public domain): ResNet-34 with fewer layers and half the
filters (He et al. 2015, arXiv:1512.03385), trained with a metric loss so that two pictures of one person land closer
than 0.6. Each batch normalization is folded into the convolution before it: 5,607,488 parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

SIDE = 150
"""Height and width of the aligned face, in pixels."""

DIMENSION = 128
"""Length of the embedding."""

MEAN = (122.782, 117.001, 104.298)
"""Mean red, green and blue of the training pictures."""

STAGES = ((32, 3, False), (64, 3, True), (128, 2, True), (256, 2, True), (256, 0, True))
"""Filters, identity blocks, and whether a block that halves the map comes first."""


def build(name: str = "face_embedding") -> keras.Model:
    """Build the embedding network.

    The input is an aligned face, float32 `(batch, 150, 150, 3)`, RGB in 0–255: the network subtracts the mean and
    divides by 255 itself. The output is float32 `(batch, 128)`, not normalised; compare two with the plain Euclidean
    distance.

    Args:
        name: name of the model.
    """
    import keras

    face = keras.Input((SIDE, SIDE, 3), name="face")
    x = keras.layers.Rescaling(1 / 255, offset=[-mean / 255 for mean in MEAN], name="normalise")(face)
    x = keras.layers.Conv2D(32, 7, strides=2, padding="valid", activation="relu", name="conv32_down")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="valid", name="pool")(x)
    for index, (filters, blocks, halve) in enumerate(STAGES):
        last = index == len(STAGES) - 1
        if halve:
            x = down_block(x, filters, f"conv{filters}_down_out" if last else f"conv{filters}_down")
        for block in range(1, blocks + 1):
            x = identity_block(x, filters, f"conv{filters}_{block}")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    embedding = keras.layers.Dense(DIMENSION, use_bias=False, name="embedding")(x)
    return keras.Model(face, embedding, name=name)


def identity_block(x, filters: int, name: str):
    """Two 3×3 convolutions and the unchanged input added to their result (the book's skip connection, 4.2)."""
    import keras

    y = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_conv1")(x)
    y = keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(y)
    y = keras.layers.Add(name=f"{name}_add")([y, x])
    return keras.layers.ReLU(name=f"{name}_relu")(y)


def down_block(x, filters: int, name: str):
    """Halve the map: stride 2 in the convolutions, average pooling beside them.

    The two paths may differ. Missing channels of the pooled path are zeros at the end; where the convolutions leave a
    smaller map (no padding), zeros are added at the bottom and at the right.
    """
    import keras

    y = keras.layers.Conv2D(filters, 3, strides=2, padding="valid", activation="relu", name=f"{name}_conv1")(x)
    y = keras.layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(y)
    shortcut = keras.layers.AveragePooling2D(2, strides=2, padding="valid", name=f"{name}_pool")(x)
    rows, columns = (shortcut.shape[axis] - y.shape[axis] for axis in (1, 2))
    if rows or columns:
        y = keras.layers.ZeroPadding2D(((0, rows), (0, columns)), name=f"{name}_pad")(y)
    channels = filters - shortcut.shape[-1]
    if channels:
        shortcut = keras.ops.pad(shortcut, ((0, 0), (0, 0), (0, 0), (0, channels)))
    y = keras.layers.Add(name=f"{name}_add")([y, shortcut])
    return keras.layers.ReLU(name=f"{name}_relu")(y)
