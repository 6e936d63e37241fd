"""The networks whose maps the page shows: their layers from edges to parts, and how a picture becomes their input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from cnndemo import images, inference, weights
from cnndemo.activation_maps.fields import Box, Grow, Step, Window, clipped, same, width
from cnndemo.models import efficientnet_lite0, resnet20

PETS = ("pet", "surroundings", "border")


@dataclass(frozen=True)
class Layer:
    """A layer whose maps are served.

    Attributes:
        name: of its output in the served file.
        title: what the page calls it.
        steps: convolutions and poolings from the picture to it, along one axis.
        signed: its values may be negative, since no rectifier follows.
    """

    name: str
    title: str
    steps: tuple[Step, ...]
    signed: bool = False

    @property
    def field(self) -> int:
        """Width of its receptive field in pixels."""
        return width(self.steps)

    def looks_at(self, row: int, column: int, size: int) -> Box:
        """The pixels that one place of its maps looks at, in a picture of `size` × `size`."""
        (top, height), (left, wide) = (clipped(self.steps, place, size) for place in (row, column))
        return top, left, height, wide


@dataclass(frozen=True)
class Network:
    """A network on the page.

    Attributes:
        name: of its weights.
        title: what the page calls it.
        about: one sentence.
        size: side of its input in pixels.
        scale: what the uint8 values are multiplied by.
        fit: makes a picture its input's size, uint8 (height, width, 3) -> (size, size, 3).
        layers: from edges to parts.
        classes: its answers' names.
    """

    name: str
    title: str
    about: str
    size: int
    scale: float
    fit: Callable[[np.ndarray], np.ndarray]
    layers: tuple[Layer, ...]
    classes: Callable[[], tuple[str, ...]]

    def layer(self, name: str) -> Layer:
        """The layer of this name.

        Raises:
            KeyError: there is none.
        """
        return {layer.name: layer for layer in self.layers}[name]

    def batch(self, fitted: np.ndarray) -> np.ndarray:
        """What `fit` gave, one picture or several, as the network's input: float32 (n, size, size, 3)."""
        return np.atleast_3d(fitted).reshape(-1, self.size, self.size, 3).astype(np.float32) * np.float32(self.scale)

    def channels(self, layer: str) -> int:
        """How many maps a layer has."""
        return shapes(self.name)[layer][-1]


@cache
def shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Layer -> shape of its output without the batch, from the list that ships."""
    return {layer.name: layer.shape[1:] for layer in weights.layers(name)}


def _efficientnet() -> tuple[Layer, ...]:
    """The stem, the end of every block, and the head; all but the head are linear, so their maps are signed."""
    size, steps = efficientnet_lite0.INPUT_SIZE, [same(efficientnet_lite0.INPUT_SIZE, 3, 2)]
    found = [Layer("stem_normalization", "stem", tuple(steps), True)]
    size = -(-size // 2)
    for stage, (blocks, kernel, stride, _, _) in enumerate(efficientnet_lite0.STAGES, start=1):
        for block in range(1, blocks + 1):
            now = stride if block == 1 else 1
            steps.append(same(size, kernel, now))
            size = -(-size // now)
            end = "project_normalization" if block == 1 else "add"
            name = f"stage{stage}" if block == blocks else f"stage{stage}_block{block}_{end}"
            title = f"stage {stage}" if block == blocks else f"stage {stage}, block {block}"
            found.append(Layer(name, title, tuple(steps), True))
    return (*found, Layer("head_activation", "head", tuple(steps)))


def _resnet20() -> tuple[Layer, ...]:
    """Every rectifier, the last of a block after its skip connection."""
    size, steps = resnet20.INPUT_SIZE, [same(resnet20.INPUT_SIZE, 3)]
    found = [Layer("stem_activation", "stem", tuple(steps))]
    for stage in (1, 2, 3):
        for block in (1, 2, 3):
            stride = 2 if stage > 1 and block == 1 else 1
            steps.append(same(size, 3, stride))
            size = -(-size // stride)
            name, title = f"stage{stage}_block{block}", f"stage {stage}, block {block}"
            found.append(Layer(f"{name}_1_activation", f"{title}, inside", tuple(steps)))
            steps.append(same(size, 3))
            last = (stage, block) == (3, 3)
            found.append(Layer("last_activation" if last else f"{name}_activation", title, tuple(steps)))
    return tuple(found)


def _unet() -> tuple[Layer, ...]:
    """Both convolutions of every level, down the U and up again, with the transposed convolutions between."""
    steps: list[Step] = []
    found: list[Layer] = []

    def convolutions(level: str, title: str) -> None:
        for number in (1, 2):
            steps.append(Window(3, 1, 1))
            found.append(Layer(f"{level}_convolution{number}", f"{title}, {number}", tuple(steps)))

    for number in (1, 2):
        convolutions(f"encoder{number}", f"down {number}")
        steps.append(Window(2, 2))
    convolutions("bottom", "bottom")
    for number in (2, 1):
        steps.append(Grow(2))
        found.append(Layer(f"decoder{number}_upsample", f"up {number}, enlarged", tuple(steps), True))
        convolutions(f"decoder{number}", f"up {number}")
    return tuple(found)


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            "1,000 classes of ImageNet; it sees the middle of your picture at 224 × 224. Shown: where each block ends.",
            efficientnet_lite0.INPUT_SIZE,
            1.0,
            efficientnet_lite0.preprocess,
            _efficientnet(),
            efficientnet_lite0.labels,
        ),
        Network(
            "resnet20",
            "ResNet-20",
            "Ten classes of CIFAR-10; it sees 32 × 32 pixels, so little is left of a photo.",
            resnet20.INPUT_SIZE,
            1.0,
            resnet20.preprocess,
            _resnet20(),
            lambda: resnet20.CLASSES,
        ),
        Network(
            "pet_segmentation",
            "U-Net for pets",
            "The book's U-Net names each of 128 × 128 pixels; its answer here is how many of them each class gets.",
            128,
            1 / 255,
            lambda image: images.letterbox(image, 128, 127)[0],
            _unet(),
            lambda: PETS,
        ),
    )
}


@dataclass(frozen=True)
class Look:
    """A picture in a network.

    Attributes:
        fitted: what the network saw, uint8 (size, size, 3).
        maps: layer -> float32 (height, width, channels).
        answer: float32 (classes,), they sum to 1.
    """

    fitted: np.ndarray
    maps: dict[str, np.ndarray]
    answer: np.ndarray


def look(network: Network, image: np.ndarray, layers: tuple[str, ...]) -> Look:
    """Run a network on a picture and keep the maps of some layers.

    Args:
        network: of `NETWORKS`.
        image: uint8 (height, width, 3), of any size.
        layers: names from `network.layers`.
    """
    fitted = network.fit(image)
    found = inference.predictor(network.name, [*layers, inference.OUTPUT])(network.batch(fitted))
    return Look(fitted, {name: found[name][0] for name in layers}, summary(found[inference.OUTPUT][0]))


def summary(output: np.ndarray) -> np.ndarray:
    """A network's output as one number a class: of a mask, the part of the pixels."""
    return output.reshape(-1, output.shape[-1]).mean(axis=0)
