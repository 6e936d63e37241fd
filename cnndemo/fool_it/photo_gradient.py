"""The gradient of EfficientNet-Lite0 by Keras, for photographs. Called by name in the process where Keras runs.

The picture that is changed is the square that the network sees, in whole grey levels: what is shown is what is read.
"""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from cnndemo.fool_it import attacks

NAME = "efficientnet_lite0"


def sign(pixels: np.ndarray, index: int) -> np.ndarray:
    """Up or down: the sign of the loss's gradient at each value of a picture.

    With it, the server makes the picture of every ε by itself.

    Args:
        pixels: uint8 (224, 224, 3).
        index: class that the loss is about.

    Returns:
        int8 (224, 224, 3).
    """
    return np.sign(_gradient(pixels[None].astype(np.float32), np.array([index]), False))[0].astype(np.int8)


def attack(pixels: np.ndarray, index: int, epsilon: int, steps: int, wanted: bool) -> tuple[np.ndarray, float]:
    """`attacks.iterated` on a picture.

    Args:
        pixels: uint8 (224, 224, 3).
        index: class to get away from, or with `wanted` to get to.
        epsilon: grey levels.
        steps: how many.

    Returns:
        The changed picture, uint8 (224, 224, 3), and the milliseconds that a step took.
    """
    _compiled()  # so that no step pays for it
    started = time.perf_counter()
    changed = attacks.iterated(_gradient, pixels[None], np.array([index]), epsilon, steps, wanted)
    return changed[0].astype(np.uint8), 1000 * (time.perf_counter() - started) / steps


def _gradient(pictures: np.ndarray, classes: np.ndarray, wanted: bool) -> np.ndarray:
    import tensorflow as tf

    return _compiled()(tf.constant(pictures, tf.float32), tf.constant(classes, tf.int32)).numpy()


@lru_cache(maxsize=1)
def _compiled():
    """The loss's gradient as one traced function of a picture and a class."""
    import keras
    import tensorflow as tf

    from cnndemo.resnet_transfer.backbones import network

    chosen = network(NAME)
    model = keras.Model(chosen.model.inputs, chosen.model.get_layer(chosen.backbone.scores).output)

    @tf.function(
        input_signature=[tf.TensorSpec((1, *model.input_shape[1:])), tf.TensorSpec((1,), tf.int32)], jit_compile=False
    )
    def gradient(batch, classes):
        with tf.GradientTape() as tape:
            tape.watch(batch)
            scores = model(batch, training=False)
            chosen_one = tf.one_hot(classes, tf.shape(scores)[1], on_value=True, off_value=False, dtype=tf.bool)
            others = tf.where(chosen_one, tf.constant(-1e9), scores)  # see `attacks.margin_gradient`
            loss = tf.reduce_logsumexp(others, axis=1) - tf.reduce_sum(tf.where(chosen_one, scores, 0.0), axis=1)
        return tape.gradient(loss, batch)

    traced = gradient.get_concrete_function()
    traced(tf.zeros((1, *model.input_shape[1:])), tf.zeros((1,), tf.int32))  # the first run is slower than all others
    return traced
