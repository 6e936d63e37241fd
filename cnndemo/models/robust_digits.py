"""A small reader of digits that is trained on pictures made to fool it; see `train/robust_digits.py`.

Strides in place of pooling, so that its gradient can be written down layer by layer. Layer names are those of the
book's network, which it is compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (28, 28, 1)
CLASSES = 10


def build() -> keras.Model:
    """The network, not compiled: 258,026 parameters.

    Input: float32 (batch, 28, 28, 1) in [0, 1], bright ink on black. Output: (batch, 10) probabilities of the digits.
    """
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten

    model = Sequential(name="robust_digits")
    model.add(Input(shape=INPUT_SHAPE, name="digit"))
    # 28 → 13 → 5: these kernels and strides read every pixel, so that no edge is left out of the gradient.
    model.add(Conv2D(32, 4, strides=2, activation="relu", name="conv2d_1"))
    model.add(Conv2D(64, 5, strides=2, activation="relu", name="conv2d_2"))
    model.add(Flatten(name="flatten_1"))
    model.add(Dense(128, activation="relu", name="dense_1"))
    model.add(Dense(CLASSES, activation="softmax", name="dense_2"))
    return model
