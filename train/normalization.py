"""Batch normalization that trains quicker on a CPU."""

from __future__ import annotations

import keras


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose training step is one operation of TensorFlow.

    Keras composes it from a dozen that each read and write the whole tensor, in float32 even if the model calculates
    in bfloat16. That is half of a training step of ResNet-20 in bfloat16 on a CPU. With other backends it is Keras'.
    """

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or keras.backend.backend() != "tensorflow":
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon
        )
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs


def fuse_normalization(model: keras.Model) -> keras.Model:
    """A copy of a model, with its weights, whose batch normalization (of the last axis) trains quicker on a CPU."""

    def fused(layer: keras.layers.Layer) -> keras.layers.Layer:
        kind = FusedBatchNormalization if isinstance(layer, keras.layers.BatchNormalization) else type(layer)
        return kind.from_config(layer.get_config())

    result = keras.models.clone_model(model, clone_function=fused)
    result.set_weights(model.get_weights())
    return result
