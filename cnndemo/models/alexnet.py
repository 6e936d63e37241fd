"""AlexNet: the network that won ImageNet in 2012 and began the age of deep convolutional networks (book 4.1).

Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012. Two graphics
cards shared the work, and in three layers each saw the maps of its own half only: two groups. The local response
normalization of the paper is left out; it has no weights, and later work found that it does not help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SIZE = 227  # the paper says 224, with which its own map sizes do not come out
CLASSES = 1000


def build(input_size: int = INPUT_SIZE, classes: int = CLASSES, groups: int = 2) -> keras.Model:
    """Builds the network: 60,965,224 parameters as published.

    Args:
        input_size: height and width of the input in pixels, at least 67.
        classes: width of the last dense layer.
        groups: 2 as published; with 1, every layer sees all maps.

    Returns:
        A `keras.Model`: float32 RGB (batch, input_size, input_size, 3) to probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input((input_size, input_size, 3), name="picture")
    x = layers.Conv2D(96, 11, 4, activation="relu", name="conv_1")(inputs)
    x = layers.MaxPooling2D(3, 2, name="pool_1")(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu", groups=groups, name="conv_2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool_2")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv_3")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", groups=groups, name="conv_4")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", groups=groups, name="conv_5")(x)
    x = layers.MaxPooling2D(3, 2, name="pool_5")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (1, 2):
        x = layers.Dense(4096, activation="relu", name=f"dense_{number}")(x)
        x = layers.Dropout(0.5, name=f"dropout_{number}")(x)
    x = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities", dtype="float32")(x), name="alexnet")
