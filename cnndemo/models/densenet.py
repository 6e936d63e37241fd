"""DenseNet-BC for small pictures: 100 layers with 0.8 million parameters (book 4.4).

Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2016, section 3 and table 2:
L = 100, k = 12. Each layer reads all maps before it in its block and appends `growth` of its own (figures 4.6, 4.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SIZE = 32
CLASSES = 10
BLOCKS = 3


def build(depth: int = 100, growth: int = 12, classes: int = CLASSES, input_size: int = INPUT_SIZE) -> keras.Model:
    """Builds the network.

    Args:
        depth: layers with weights, 6 × n + 4: two a dense layer in three blocks, the stem, two transitions, the last.
        growth: maps that each layer appends.
        classes: width of the last dense layer.
        input_size: height and width of the input in pixels.

    Returns:
        A `keras.Model`: float32 RGB (batch, input_size, input_size, 3) to probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input((input_size, input_size, 3), name="picture")
    x = layers.Conv2D(2 * growth, 3, padding="same", use_bias=False, name="stem")(inputs)
    for block in range(1, BLOCKS + 1):
        for layer in range(1, layers_a_block(depth) + 1):
            x = _dense_layer(x, growth, f"block{block}_layer{layer}")
        if block < BLOCKS:
            # Compression: a transition halves the number of maps, and their sides.
            x = _normalized_convolution(x, x.shape[-1] // 2, 1, f"transition{block}")
            x = layers.AveragePooling2D(2, name=f"transition{block}_pool")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="last_normalization")(x)
    x = layers.ReLU(name="last_activation")(x)
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    x = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities", dtype="float32")(x), name=f"densenet{depth}")


def layers_a_block(depth: int) -> int:
    """Dense layers in each of the three blocks: 16 of a network of depth 100."""
    return (depth - BLOCKS - 1) // (2 * BLOCKS)


def _dense_layer(x, growth: int, name: str):
    """A 1×1 convolution to 4 × growth maps, a 3×3 one to `growth`, appended to what was read."""
    from keras import layers

    new = _normalized_convolution(x, 4 * growth, 1, f"{name}_1x1")
    new = _normalized_convolution(new, growth, 3, f"{name}_3x3")
    return layers.Concatenate(name=f"{name}_append")([x, new])


def _normalized_convolution(x, filters: int, kernel_size: int, name: str):
    """Batch normalization, ReLU, convolution, in this order."""
    from keras import layers

    x = layers.BatchNormalization(epsilon=1e-5, name=f"{name}_normalization")(x)
    x = layers.ReLU(name=f"{name}_activation")(x)
    return layers.Conv2D(filters, kernel_size, padding="same", use_bias=False, name=name)(x)
