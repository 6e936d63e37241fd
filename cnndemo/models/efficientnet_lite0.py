"""EfficientNet-Lite0: a small ImageNet network without squeeze-and-excitation and with ReLU6.

Architecture: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, in the
"lite" variant that Google published in 2020 for phones. The weights are converted by `train/efficientnet_lite0.py`.

The activations that other networks may build on are the outputs of the last block of a stage. Their layers keep these
names, whether or not batch normalization is folded and whatever the input size (sizes below are for 224 pixels):

======  =========  ==========  ========
stride  layer      grid        channels
======  =========  ==========  ========
2       `stage1`   112 x 112   16
4       `stage2`   56 x 56     24
8       `stage3`   28 x 28     40
16      `stage5`   14 x 14     112
32      `stage7`   7 x 7       320
======  =========  ==========  ========

`head_activation` (7 x 7 x 1280) is what the pooling sees, `average_pool` the 1280 features of a picture and `logits`
the scores before the softmax. The wider activations inside a block are named
`stage{s}_block{b}_{expand,depthwise}_activation`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import keras

INPUT_SIZE = 224
CROP_FRACTION = 224 / 256
FEATURES = 1280
CLASSES = 1000
#: Stride -> name of the layer whose output has that stride.
STRIDE_LAYERS = {2: "stage1", 4: "stage2", 8: "stage3", 16: "stage5", 32: "stage7"}
#: (blocks, kernel size, stride of the first block, expansion, output channels) of the seven stages.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
EPSILON = 1e-3


def build(
    input_size: int | None = INPUT_SIZE,
    classes: int = CLASSES,
    include_top: bool = True,
    folded: bool = False,
) -> keras.Model:
    """Builds the network.

    Args:
        input_size: height and width of the input in pixels; None leaves both free (then `include_top` still works,
            because the pooling is global). Multiples of 32 keep the grids aligned.
        classes: width of the last dense layer.
        include_top: whether pooling, dense layer and softmax follow `head_activation`. Without them the output of
            the model is `head_activation`.
        folded: builds convolutions with a bias and no batch normalization, for serving; see `fold`.

    Returns:
        A functional `keras.Model` named `efficientnet_lite0`. Input: RGB, float32 or uint8 values from 0 to 255,
        shape (batch, height, width, 3); the scaling (x - 127) / 128 is its first layer. Output: float32 probabilities
        (batch, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input((input_size, input_size, 3), name="picture")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(inputs)
    x = _convolution(x, "stem", 32, kernel_size=3, strides=2, folded=folded)
    for number, (blocks, kernel_size, strides, expansion, channels) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            name = f"stage{number}_block{block}"
            x = _block(x, name, kernel_size, strides if block == 1 else 1, expansion, channels, folded)
        x = layers.Identity(name=f"stage{number}")(x)
    x = _convolution(x, "head", FEATURES, kernel_size=1, folded=folded)
    if include_top:
        x = layers.GlobalAveragePooling2D(name="average_pool")(x)
        x = layers.Dense(classes, name="logits")(x)
        x = layers.Softmax(name="probabilities")(x)
    return keras.Model(inputs, x, name="efficientnet_lite0")


def _convolution(x, name, filters, kernel_size, strides=1, activate=True, folded=False, depthwise=False):
    """A convolution, batch normalization and, if asked, ReLU6."""
    from keras import layers

    options = {"strides": strides, "padding": "same", "use_bias": folded, "name": f"{name}_convolution"}
    if depthwise:
        x = layers.DepthwiseConv2D(kernel_size, **options)(x)
    else:
        x = layers.Conv2D(filters, kernel_size, **options)(x)
    if not folded:
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_normalization")(x)
    return layers.ReLU(max_value=6, name=f"{name}_activation")(x) if activate else x


def _block(x, name, kernel_size, strides, expansion, channels, folded):
    """An inverted residual block: widen with 1x1, filter each channel, narrow with 1x1; skip where shapes allow."""
    from keras import layers

    entry, width = x, x.shape[-1]
    if expansion > 1:
        x = _convolution(x, f"{name}_expand", width * expansion, 1, folded=folded)
    x = _convolution(x, f"{name}_depthwise", None, kernel_size, strides, folded=folded, depthwise=True)
    x = _convolution(x, f"{name}_project", channels, 1, activate=False, folded=folded)
    if strides == 1 and width == channels:
        x = layers.Add(name=f"{name}_add")([entry, x])
    return x


def fold(model: keras.Model) -> keras.Model:
    """Returns an equal model whose batch normalizations are folded into the convolutions before them.

    At serving time a batch normalization is a fixed scale and shift for each channel, so the kernel can carry the
    scale and the bias the shift: the same answers with half the layers.

    Args:
        model: a model of `build(folded=False)`, of any input size, with or without its top.
    """
    layer_names = {layer.name for layer in model.layers}
    include_top = "logits" in layer_names
    classes = model.get_layer("logits").units if include_top else CLASSES
    folded = build(model.input_shape[1], classes, include_top, folded=True)
    for layer in folded.layers:
        if not layer.weights:
            continue
        source = model.get_layer(layer.name)
        normalization = layer.name.removesuffix("_convolution") + "_normalization"
        if normalization not in layer_names:
            layer.set_weights(source.get_weights())
            continue
        gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in model.get_layer(normalization).get_weights())
        scale = gamma / np.sqrt(variance + EPSILON)
        kernel = source.get_weights()[0].astype(np.float64)
        # A depthwise kernel is (height, width, channels, 1), an ordinary one (height, width, inputs, channels).
        kernel = kernel * (scale[:, None] if "depthwise" in layer.name else scale)
        layer.set_weights([kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)])
    return folded


def preprocess(image: np.ndarray, size: int = INPUT_SIZE) -> np.ndarray:
    """Cuts the central square of 224/256 of the short side and scales it to `size` with bicubic interpolation.

    Args:
        image: uint8 RGB, (height, width, 3).
        size: side of the result in pixels.

    Returns:
        uint8 RGB, (size, size, 3): what `build` takes. The same crop as in the reference implementation.
    """
    top, left, side = crop_box(image.shape[0], image.shape[1])
    square = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def crop_box(height: int, width: int) -> tuple[int, int, int]:
    """Returns top, left and side in pixels of the square that `preprocess` cuts."""
    side = max(1, int(CROP_FRACTION * min(height, width)))
    return (height - side) // 2, (width - side) // 2, side


@cache
def labels() -> tuple[str, ...]:
    """Returns the 1000 names of ImageNet's classes in the order of the logits: the text before the first comma.

    Two pairs of classes share such a name: "crane" (the bird and the machine) and "maillot" (two kinds of swimsuit).
    """
    lines = (Path(__file__).parent / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.split(",")[0] for line in lines if not line.startswith("#"))
