"""U-Net whose encoder is EfficientNet-Lite0 with ImageNet weights; it goes beyond the book.

The encoder (Tan and Le 2019, see `efficientnet_lite0`) gives feature maps at strides 2 to 32; a light decoder doubles
the size with bilinear interpolation, joins the encoder's map of that size and filters with two 3×3 convolutions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndemo.models import efficientnet_lite0

if TYPE_CHECKING:
    import keras

STRIDES = efficientnet_lite0.STRIDE_LAYERS
#: Channels of the decoder at strides 16, 8, 4, 2 and 1.
DECODER = {16: 96, 8: 64, 4: 48, 2: 32, 1: 16}
#: The way through the U, in order: the last layer of each level.
LEVELS = (*STRIDES.values(), *(f"decoder{stride}_activation2" for stride in DECODER))
#: Layers whose output a skip connection carries over, from the finest to the coarsest.
SKIPS = tuple(STRIDES[stride] for stride in (2, 4, 8, 16))
BOTTOM = STRIDES[32]


def build(size: int | None = 256, classes: int = 3, folded: bool = False) -> keras.Model:
    """Builds the network.

    Args:
        size: height and width of the input in pixels; None leaves both free (multiples of 32).
        classes: channels of the output: pet, surroundings, border.
        folded: convolutions with a bias and without batch normalization, for serving; see `fold`.

    Returns:
        A `keras.Model`: float32 RGB from 0 to 255, (batch, size, size, 3), to float32 probabilities of the classes,
        (batch, size, size, classes).
    """
    import keras
    from keras import layers

    encoder = efficientnet_lite0.build(size, include_top=False, folded=folded)
    x = encoder.get_layer(BOTTOM).output
    for stride, channels in DECODER.items():
        name = f"decoder{stride}"
        if stride == 16:  # fewer channels before the widest join
            x = _convolution(x, f"{name}_narrow", 128, 1, folded)
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_upsample")(x)
        if stride in STRIDES:
            x = layers.Concatenate(name=f"{name}_join")([x, encoder.get_layer(STRIDES[stride]).output])
        for number in (1, 2):
            x = _convolution(x, name, channels, 3, folded, str(number))
    x = layers.Conv2D(classes, 1, activation="softmax", dtype="float32", name="probabilities")(x)
    return keras.Model(encoder.input, x, name="unet_pretrained")


def _convolution(x, name: str, filters: int, kernel_size: int, folded: bool, number: str = ""):
    """Convolution, batch normalization and ReLU."""
    from keras import layers

    options = {"padding": "same", "use_bias": folded, "name": f"{name}_convolution{number}"}
    x = layers.Conv2D(filters, kernel_size, **options)(x)
    if not folded:
        x = layers.BatchNormalization(epsilon=efficientnet_lite0.EPSILON, name=f"{name}_normalization{number}")(x)
    return layers.ReLU(name=f"{name}_activation{number}")(x)


def fold(model: keras.Model, size: int | None = 256) -> keras.Model:
    """Returns an equal model whose batch normalizations are folded into the convolutions before them."""
    import numpy as np

    folded = build(size, model.output_shape[-1], folded=True)
    known = {layer.name for layer in model.layers}
    for layer in folded.layers:
        normalization = layer.name.replace("_convolution", "_normalization")
        if not layer.weights:
            continue
        if normalization == layer.name or normalization not in known:
            layer.set_weights(model.get_layer(layer.name).get_weights())
            continue
        gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in model.get_layer(normalization).get_weights())
        scale = gamma / np.sqrt(variance + efficientnet_lite0.EPSILON)
        kernel = np.asarray(model.get_layer(layer.name).get_weights()[0], np.float64)
        # A depthwise kernel is (height, width, channels, 1), an ordinary one (height, width, inputs, channels).
        kernel = kernel * (scale[:, None] if "depthwise" in layer.name else scale)
        layer.set_weights([kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)])
    return folded
