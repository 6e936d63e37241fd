"""The network that finds 68 points on a face: eyebrows, eyes, nose, mouth, jaw.

After `face_landmark_68_model` of face-api (Vincent Mühler, MIT): four dense blocks of depthwise separable convolutions
(the idea of DenseNet, book 4.3, with sums in place of concatenation), then one dense layer to 136 numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndemo.models.face_embedding import MEAN

if TYPE_CHECKING:
    import keras

SIDE = 112
"""Height and width of the square around the face, in pixels."""

POINTS = 68
"""Number of landmarks: 0–16 jaw, 17–26 eyebrows, 27–35 nose, 36–47 eyes, 48–67 mouth."""


def build(name: str = "face_landmarks") -> keras.Model:
    """Build the landmark network.

    The input is the square around a face, float32 `(batch, 112, 112, 3)`, RGB in 0–255. The output is float32
    `(batch, 136)`: x and y of each of the 68 points in turn, as fractions of the square's side.

    Args:
        name: name of the model.
    """
    import keras

    face = keras.Input((SIDE, SIDE, 3), name="face")
    x = keras.layers.Rescaling(1 / 255, offset=[-mean / 255 for mean in MEAN], name="normalise")(face)
    for index, filters in enumerate((32, 64, 128, 256)):
        x = dense_block(x, filters, f"dense{index}", separable=index > 0)
    x = keras.layers.AveragePooling2D(7, strides=2, padding="valid", name="average")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    points = keras.layers.Dense(2 * POINTS, name="points")(x)
    return keras.Model(face, points, name=name)


def dense_block(x, filters: int, name: str, separable: bool):
    """Four convolutions, the first of stride 2; each sees the sum of all that came before it in the block."""
    import keras

    first = keras.layers.SeparableConv2D if separable else keras.layers.Conv2D
    total = seen = first(filters, 3, strides=2, padding="same", activation="relu", name=f"{name}_conv0")(x)
    for index in (1, 2, 3):
        y = keras.layers.SeparableConv2D(filters, 3, padding="same", name=f"{name}_conv{index}")(seen)
        total = keras.layers.Add(name=f"{name}_add{index}")([y, total])
        seen = keras.layers.ReLU(name=f"{name}_relu{index}")(total)
    return seen
