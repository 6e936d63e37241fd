"""The book's digit classifier, listing 2.1: two convolutions, then two dense layers.

The book gives `input_shape=(28, 28)`; a convolution also needs the channel axis, so the input here is (28, 28, 1).
Layer names are those of listing 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (28, 28, 1)
CLASSES = 10


def build() -> keras.Model:
    """The network of listing 2.1, not compiled: 4,738,826 parameters.

    Input: float32 (batch, 28, 28, 1) in [0, 1], bright ink on black. Output: (batch, 10) probabilities of the digits.
    """
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten

    model = Sequential(name="digit_classifier")
    model.add(Input(shape=INPUT_SHAPE, name="digit"))
    model.add(Conv2D(filters=32, kernel_size=(3, 3), activation="relu", name="conv2d_1"))
    model.add(Conv2D(filters=64, kernel_size=(3, 3), activation="relu", name="conv2d_2"))
    model.add(Flatten(name="flatten_1"))
    model.add(Dense(units=128, activation="relu", name="dense_1"))
    model.add(Dense(units=CLASSES, activation="softmax", name="dense_2"))
    return model


def variant(filters: Sequence[int]) -> keras.Model:
    """The same network with other convolutions, one for each number of filters.

    Chapter 7 asks what a narrower network, or one without its second layer, would lose.
    """
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten

    model = Sequential([Input(shape=INPUT_SHAPE)])
    for number, count in enumerate(filters, start=1):
        model.add(Conv2D(count, (3, 3), activation="relu", name=f"conv2d_{number}"))
    model.add(Flatten())
    model.add(Dense(128, activation="relu"))
    model.add(Dense(CLASSES, activation="softmax"))
    return model
