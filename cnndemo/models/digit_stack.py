"""A plain and a residual stack of equal layers for handwritten digits, to see what depth does to learning (book 4.2).

After the comparison in He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015, section 4.2,
small enough that both learn within a minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (28, 28, 1)
CLASSES = 10


def build(depth: int, skip: bool, normalized: bool = False, filters: int = 12) -> keras.Model:
    """Builds the stack: a convolution that quarters the picture, `depth` equal layers, a global average, a dense layer.

    Args:
        depth: equal convolutions of 3×3, even.
        skip: whether the input of every two layers is added to their output.
        normalized: whether batch normalization follows each convolution.
        filters: maps of every layer.

    Returns:
        A `keras.Model`: float32 (batch, 28, 28, 1) in [0, 1] to logits (batch, 10). Convolutions are named `stem` and
        `layer_1` … `layer_depth`.
    """
    import keras
    from keras import layers

    def convolution(x, name: str, strides: int = 1):
        options = {"padding": "same", "kernel_initializer": "he_normal", "use_bias": not normalized}
        x = layers.Conv2D(filters, 3, strides, name=name, **options)(x)
        return layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(x) if normalized else x

    inputs = keras.Input(INPUT_SHAPE, name="digit")
    x = layers.ReLU(name="stem_activation")(convolution(inputs, "stem", 4))
    for number in range(1, depth + 1, 2):
        entry = x
        x = layers.ReLU(name=f"layer_{number}_activation")(convolution(x, f"layer_{number}"))
        x = convolution(x, f"layer_{number + 1}")
        x = layers.Add(name=f"layer_{number + 1}_add")([entry, x]) if skip else x
        x = layers.ReLU(name=f"layer_{number + 1}_activation")(x)
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    outputs = layers.Dense(CLASSES, name="logits", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=f"{'residual' if skip else 'plain'}{depth}")
