"""Features of many pictures from a frozen backbone, in batches that are prepared while the network works."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from cnndemo import weights
from cnndemo.models import efficientnet_lite0
from train import provenance


class Batches(keras.utils.PyDataset):
    """Pictures, prepared batch by batch: `prepare` turns a list or array of pictures into uint8 (n, size, size, 3)."""

    def __init__(self, pictures, prepare: Callable, batch_size: int = 250):
        super().__init__(workers=4, max_queue_size=8)
        self.pictures, self.prepare, self.batch_size = pictures, prepare, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.pictures) / self.batch_size)

    def __getitem__(self, index: int):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return (self.prepare(self.pictures[rows]),)


def imagenet(folder: Path) -> keras.Model:
    """EfficientNet-Lite0 with its ImageNet weights: those published in a folder, or else the shipped ones."""
    return weights.load("efficientnet_lite0", provenance.nearest("efficientnet_lite0", folder))


def backbone(size: int, folder: Path) -> keras.Model:
    """EfficientNet-Lite0 with its ImageNet weights for pictures of `size` pixels, up to the pooled 1280 features."""
    network = efficientnet_lite0.build(size)
    network.set_weights(imagenet(folder).get_weights())
    network = efficientnet_lite0.fold(network)  # the same features in two thirds of the time
    return keras.Model(network.input, network.get_layer("average_pool").output, name="backbone")


def extract(network: keras.Model, pictures, prepare: Callable, batch_size: int = 250) -> np.ndarray:
    """Features of all pictures, float32 (n, 1280)."""
    return network.predict(Batches(pictures, prepare, batch_size), verbose=0)
