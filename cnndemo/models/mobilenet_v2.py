"""MobileNetV2: convolutions taken apart, so that a phone can run them.

Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, table 2. A
block widens its maps sixfold, filters each map by itself, and narrows again; the skip joins the narrow ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SIZE = 224
CLASSES = 1000
STEM, FEATURES = 32, 1280
#: (expansion, output channels, blocks, stride of the first block) of the seven stages.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def build(input_size: int = INPUT_SIZE, classes: int = CLASSES) -> keras.Model:
    """Builds the network: 3,538,984 parameters as published.

    Args:
        input_size: height and width of the input in pixels; multiples of 32 keep the grids aligned.
        classes: width of the last dense layer.

    Returns:
        A `keras.Model`: float32 RGB in [-1, 1], (batch, input_size, input_size, 3), to probabilities (batch, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input((input_size, input_size, 3), name="picture")
    x = _convolution(inputs, STEM, 3, "stem", strides=2)
    for stage, (expansion, channels, blocks, strides) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            x = _block(x, expansion, channels, strides if block == 1 else 1, f"stage{stage}_block{block}")
    x = _convolution(x, FEATURES, 1, "head")
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    x = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, layers.Softmax(name="probabilities", dtype="float32")(x), name="mobilenet_v2")


def _block(x, expansion: int, channels: int, strides: int, name: str):
    """An inverted residual: widen with 1×1, filter each map, narrow with 1×1 and no activation."""
    from keras import layers

    entry, width = x, x.shape[-1]
    if expansion > 1:
        x = _convolution(x, expansion * width, 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(3, strides, "same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _normalized(x, f"{name}_depthwise")
    x = layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=f"{name}_project_normalization")(x)
    return layers.Add(name=f"{name}_add")([entry, x]) if strides == 1 and width == channels else x


def _convolution(x, filters: int, kernel_size: int, name: str, strides: int = 1):
    from keras import layers

    x = layers.Conv2D(filters, kernel_size, strides, "same", use_bias=False, name=name)(x)
    return _normalized(x, name)


def _normalized(x, name: str):
    """Batch normalization and ReLU6."""
    from keras import layers

    x = layers.BatchNormalization(epsilon=1e-3, momentum=0.999, name=f"{name}_normalization")(x)
    return layers.ReLU(max_value=6, name=f"{name}_activation")(x)
