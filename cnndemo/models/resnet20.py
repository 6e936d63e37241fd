"""ResNet-20 for CIFAR-10: the smallest network of He et al. 2015, "Deep Residual Learning", section 4.2.

Nine residual blocks (book, figure 4.2) of two 3×3 convolutions each, in three stages of 16, 32 and 64 channels, then a
global average and one dense layer: 20 layers with weights and about 0.27 million parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import keras

INPUT_SIZE = 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
WIDTHS = (16, 32, 64)
#: Mean and standard deviation of the training pictures, per channel, on the scale from 0 to 255.
MEAN = (125.3, 123.0, 113.9)
DEVIATION = (63.0, 62.1, 66.7)
STEP = 2  # pixels that further looks are moved by
#: Name of the card's figure for answers to the picture alone.
ONE_LOOK = "accuracy, one look"


def build(blocks: int = 3, classes: int = len(CLASSES), skip: bool = True) -> keras.Model:
    """Builds the network.

    Args:
        blocks: residual blocks a stage; the depth is 6 × blocks + 2.
        classes: width of the last dense layer.
        skip: whether blocks have their skip connection; without, it is the "plain" network of the paper.

    Returns:
        A functional `keras.Model`. Input: RGB, values from 0 to 255, shape (batch, 32, 32, 3); the standardisation is
        its first layer. Output: float32 probabilities (batch, classes). `last_activation` (8 × 8 × 64) is what the
        pooling sees, `logits` the scores before the softmax.
    """
    import keras
    from keras import layers

    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="picture")
    # Rescaling and not Normalization: its numbers belong to the builder, so the weights file cannot disagree.
    scale = [1 / deviation for deviation in DEVIATION]
    offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
    x = layers.Rescaling(scale, offset, name="standardise")(inputs)
    x = _convolution(x, WIDTHS[0], 1, "stem")
    x = layers.ReLU(name="stem_activation")(x)
    for stage, width in enumerate(WIDTHS, start=1):
        for block in range(1, blocks + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            last = stage == len(WIDTHS) and block == blocks
            name = f"stage{stage}_block{block}"
            x = residual_block(x, width, strides, name, skip, "last_activation" if last else f"{name}_activation")
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    x = layers.Dense(classes, name="logits")(x)
    # float32 also under mixed precision: probabilities of 16 bits would be coarse.
    x = layers.Softmax(name="probabilities", dtype="float32")(x)
    return keras.Model(inputs, x, name=f"resnet{6 * blocks + 2}")


def residual_block(x, width: int, strides: int, name: str, skip: bool = True, output_name: str | None = None):
    """Two 3×3 convolutions whose result is added to the block's input (book, figure 4.2).

    Where the shape changes, the shortcut takes every second pixel and pads the missing channels with zeros: option A
    of the paper, which needs no parameters.
    """
    from keras import layers

    shortcut = x
    x = _convolution(x, width, strides, f"{name}_1")
    x = layers.ReLU(name=f"{name}_1_activation")(x)
    x = _convolution(x, width, 1, f"{name}_2")
    if skip:
        if strides > 1:
            shortcut = layers.AveragePooling2D(1, strides, name=f"{name}_every_second_pixel")(shortcut)
        missing = width - shortcut.shape[-1]
        if missing:
            # ZeroPadding2D pads the two middle axes, so the channels are moved there and back.
            shortcut = layers.Permute((3, 1, 2), name=f"{name}_channels_first")(shortcut)
            shortcut = layers.ZeroPadding2D(((missing // 2, missing - missing // 2), (0, 0)), name=f"{name}_pad")(
                shortcut
            )
            shortcut = layers.Permute((2, 3, 1), name=f"{name}_channels_last")(shortcut)
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=output_name or f"{name}_activation")(x)


def looks(pixels: np.ndarray) -> np.ndarray:
    """Ten looks at a picture whose mean answer is better than the first alone, as AlexNet took ten crops when tested.

    The picture, moved up, down, left and right by `STEP` pixels (its edge mirrored into the gap), each also mirrored
    (Krizhevsky, Sutskever, Hinton 2012, section 4.1, there with corners of a larger picture).

    Args:
        pixels: uint8 (32, 32, 3).

    Returns:
        uint8 (10, 32, 32, 3), the picture itself first.
    """
    height, width = pixels.shape[:2]
    padded = np.pad(pixels, ((STEP, STEP), (STEP, STEP), (0, 0)), mode="reflect")
    corners = [(STEP, STEP), (0, STEP), (2 * STEP, STEP), (STEP, 0), (STEP, 2 * STEP)]
    windows = [padded[top : top + height, left : left + width] for top, left in corners]
    return np.stack([view for window in windows for view in (window, window[:, ::-1])])


def _convolution(x, width: int, strides: int, name: str):
    """A 3×3 convolution and batch normalization."""
    from keras import layers

    options = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}
    x = layers.Conv2D(width, 3, strides, name=f"{name}_convolution", **options)(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_normalization")(x)


def preprocess(image: np.ndarray) -> np.ndarray:
    """Cuts the central square and scales it to 32×32 with area averaging.

    Args:
        image: uint8 RGB, (height, width, 3).

    Returns:
        uint8 RGB, (32, 32, 3).
    """
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return np.asarray(square.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BOX))
