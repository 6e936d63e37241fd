"""A small network that tells digits from what is none: strokes, symbols, letters, frames, parts and pairs of digits.

It stands beside the book's classifier (listing 2.1), whose softmax has ten answers and none for “no digit”.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (28, 28, 1)
CLASSES = 12
NONE, SEVERAL = 10, 11
"""Indices of the answers “not a digit” and “several digits that touch”, after the ten digits."""


def build() -> keras.Model:
    """The network, not compiled: 129,612 parameters.

    Input: float32 (batch, 28, 28, 1) in [0, 1], bright ink on black, as the book's classifier has it.
    Output: (batch, 12) probabilities: the ten digits, `NONE`, `SEVERAL`.
    """
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Dropout, Flatten

    return Sequential(
        [
            Input(shape=INPUT_SHAPE, name="ink"),
            Conv2D(16, 5, 2, "same", activation="relu", name="conv_1"),
            Conv2D(32, 3, 1, "same", activation="relu", name="conv_2"),
            Conv2D(48, 3, 2, "same", activation="relu", name="conv_3"),
            Conv2D(64, 3, 2, "same", activation="relu", name="conv_4"),
            Flatten(name="flatten"),
            Dropout(0.3, name="dropout"),
            Dense(80, activation="relu", name="dense"),
            Dense(CLASSES, activation="softmax", name="answer"),
        ],
        name="not_a_digit",
    )
