"""A softmax layer on the features of a frozen backbone: the part of a network that transfer learning replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(classes: int, features: int = 1280, dropout: float = 0.0) -> keras.Model:
    """Builds the head.

    Args:
        classes: number of classes.
        features: width of the backbone's pooled features.
        dropout: fraction of features that training drops at random; 0 leaves the layer out.

    Returns:
        A functional `keras.Model` from float32 (batch, features) to probabilities (batch, classes). Its dense layer is
        named `scores` and has no activation, the softmax follows as `class_probabilities`.
    """
    import keras
    from keras import layers

    inputs = keras.Input((features,), name="features")
    x = layers.Dropout(dropout, name="drop")(inputs) if dropout else inputs
    x = layers.Dense(classes, name="scores")(x)
    return keras.Model(inputs, layers.Softmax(name="class_probabilities", dtype="float32")(x), name="feature_head")
