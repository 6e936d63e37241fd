"""One linear layer on each cell of EfficientNet-Lite0's last maps: how much does this cell look like a cat or a dog?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

CELLS, CHANNELS = 7, 1280
"""Rows and columns of the maps that EfficientNet-Lite0 makes of 224 pixels, and their channels."""


def build(name: str = "pet_presence") -> keras.Model:
    """Build the layer: maps, float32 `(batch, 7, 7, 1280)`, to logits, float32 `(batch, 7, 7, 1)`.

    Args:
        name: name of the model.
    """
    import keras

    maps = keras.Input((CELLS, CELLS, CHANNELS), name="maps")
    return keras.Model(maps, keras.layers.Conv2D(1, 1, name="scores")(maps), name=name)
