"""U-Net as the book builds it: listing 6.1, two levels down, two up, 1,862,979 parameters.

After Ronneberger, Fischer and Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015, which goes
four levels down to 1024 channels; this one ends at 256.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

#: The way through the U, in order: the last layer of each level.
LEVELS = ("encoder1_convolution2", "encoder2_convolution2", "bottom_convolution2", "decoder2_convolution2",
          "decoder1_convolution2")  # fmt: skip
#: Layers whose output a skip connection carries over, from the finest to the coarsest.
SKIPS = ("encoder1_convolution2", "encoder2_convolution2")
BOTTOM = "bottom_convolution2"


def build(size: int | None = 128, classes: int = 3) -> keras.Model:
    """Builds the network.

    Args:
        size: height and width of the input in pixels; the book takes 128. None leaves both free (multiples of 4).
        classes: channels of the output: pet, surroundings, border.

    Returns:
        A `keras.Model`: float32 RGB in [0, 1], (batch, size, size, 3), to float32 probabilities of the classes,
        (batch, size, size, classes).
    """
    import keras
    from keras import layers

    inputs = keras.Input((size, size, 3), name="picture")
    encoder1 = _convolutions(inputs, "encoder1", 64, dropout=0.2)
    encoder2 = _convolutions(layers.MaxPooling2D(2, name="encoder1_pool")(encoder1), "encoder2", 128, dropout=0.2)
    bottom = _convolutions(layers.MaxPooling2D(2, name="encoder2_pool")(encoder2), "bottom", 256, dropout=0.3)
    decoder2 = _convolutions(_up_and_join(bottom, encoder2, "decoder2", 128), "decoder2", 128, dropout=0.2)
    decoder1 = _convolutions(_up_and_join(decoder2, encoder1, "decoder1", 64), "decoder1", 64, dropout=0.2)
    outputs = layers.Conv2D(classes, 1, activation="softmax", dtype="float32", name="probabilities")(decoder1)
    return keras.Model(inputs, outputs, name="unet")


def _convolutions(x, name: str, filters: int, dropout: float):
    """Two 3×3 convolutions with ReLU and a dropout between them: one level of the U."""
    from keras import layers

    x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_convolution1")(x)
    x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"{name}_convolution2")(x)


def _up_and_join(x, skip, name: str, filters: int):
    """Doubles height and width with a transposed convolution and appends the encoder's channels of that size."""
    from keras import layers

    x = layers.Conv2DTranspose(filters, 2, strides=2, padding="same", name=f"{name}_upsample")(x)
    return layers.Concatenate(name=f"{name}_join")([x, skip])
