"""The plans of the book's chapter 4, AlexNet, VGG, ResNet and DenseNet, and of what came of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cnndemo.architectures.counting import Plan
from cnndemo.errors import VisitorError
from cnndemo.models import densenet, efficientnet_lite0, mobilenet_v2


@dataclass(frozen=True)
class Network:
    """A network one can plan.

    Attributes:
        title: its name.
        idea: what it brought, in a sentence.
        source: where it is from.
        side, channels: of the input it was made for.
        classes: width of its last layer.
        write: adds its layers to a plan, every number of filters scaled by a function.
    """

    title: str
    idea: str
    source: str
    side: int
    channels: int
    classes: int
    write: Callable[[Plan, Callable[[int], int], int], None]


def plan(name: str, side: int | None = None, width: Fraction | float = 1) -> Plan:
    """The plan of a network for an input of side × side pixels, with its filters and units multiplied by `width`.

    Raises:
        VisitorError: there is no such network, or the input is too small for it.
    """
    if name not in NETWORKS:
        raise VisitorError(f"There is no network “{name}”; choose one of: {', '.join(NETWORKS)}.")
    network = NETWORKS[name]
    result = Plan(side or network.side, network.channels)
    network.write(result, lambda filters: max(1, round(filters * width)), network.classes)
    return result


def _alexnet(count: Plan, scale, classes: int) -> None:
    count.convolution("conv 1", scale(96), 11, 4, "valid")
    count.pooling("pool 1", 3, 2)
    count.convolution("conv 2", scale(256), 5, groups=2)
    count.pooling("pool 2", 3, 2)
    count.convolution("conv 3", scale(384), 3)
    count.convolution("conv 4", scale(384), 3, groups=2)
    count.convolution("conv 5", scale(256), 3, groups=2)
    count.pooling("pool 5", 3, 2)
    for number, units in enumerate((scale(4096), scale(4096), classes), start=1):
        count.dense(f"dense {number}", units)


def _listing_4_1(count: Plan, scale, classes: int) -> None:
    count.convolution("conv 1", scale(24), 11, 2, "valid")
    count.pooling("pool 1", 3, 2)
    count.convolution("conv 2", scale(64), 5)
    count.pooling("pool 2", 3, 2)
    for number, filters in ((3, 96), (4, 96), (5, 64)):
        count.convolution(f"conv {number}", scale(filters), 3)
    count.pooling("pool 5", 3, 2)
    for number, units in enumerate((scale(2304), scale(1024), scale(1024), classes), start=1):
        count.dense(f"dense {number}", units)


def _vgg16(count: Plan, scale, classes: int) -> None:
    for block, (layers, filters) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for number in range(1, layers + 1):
            count.convolution(f"block {block} conv {number}", scale(filters), 3)
        count.pooling(f"block {block} pool", 2, 2)
    for number, units in enumerate((scale(4096), scale(4096), classes), start=1):
        count.dense(f"dense {number}", units)


def _resnet50(count: Plan, scale, classes: int) -> None:
    count.convolution("stem", scale(64), 7, 2, 3, normalized=True)
    count.pooling("stem pool", 3, 2, 1)
    for stage, (blocks, filters) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(1, blocks + 1):
            name, stride = f"stage {stage} block {block}", 2 if stage > 1 and block == 1 else 1
            shortcut = count.beside(count.channels, count.side, count.jump)
            if block == 1:
                shortcut.convolution(f"{name} shortcut", scale(4 * filters), 1, stride, normalized=True)
            count.convolution(f"{name} 1×1 down", scale(filters), 1, stride, normalized=True)
            count.convolution(f"{name} 3×3", scale(filters), 3, normalized=True)
            count.convolution(f"{name} 1×1 up", scale(4 * filters), 1, normalized=True)
            count.merge(f"{name} add", count.channels, shortcut.last)
    count.global_average()
    count.dense("dense", classes)


def _resnet20(count: Plan, scale, classes: int) -> None:
    options = {"bias": False, "normalized": True}
    count.convolution("stem", scale(16), 3, **options)
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range(1, 4):
            name, entry = f"stage {stage} block {block}", count.last
            count.convolution(f"{name} conv 1", scale(filters), 3, 2 if stage > 1 and block == 1 else 1, **options)
            count.convolution(f"{name} conv 2", scale(filters), 3, **options)
            count.merge(f"{name} add", count.channels, entry)
    count.global_average()
    count.dense("dense", classes)


def _densenet121(count: Plan, scale, classes: int) -> None:
    count.convolution("stem", scale(64), 7, 2, 3, bias=False, normalized=True)
    count.pooling("stem pool", 3, 2, 1)
    _dense_blocks(count, (6, 12, 24, 16), scale(32), classes)


def _densenet100(count: Plan, scale, classes: int) -> None:
    growth, each = scale(12), densenet.layers_a_block(100)
    count.convolution("stem", 2 * growth, 3, bias=False)
    _dense_blocks(count, (each, each, each), growth, classes)


def _dense_blocks(count: Plan, blocks: Sequence[int], growth: int, classes: int) -> None:
    """Dense blocks of so many layers, transitions that halve the maps between them, and the end."""
    for block, layers in enumerate(blocks, start=1):
        for layer in range(1, layers + 1):
            name, before, entry = f"block {block} layer {layer}", count.channels, count.last
            count.normalization(f"{name} normalization")
            count.convolution(f"{name} 1×1", 4 * growth, 1, bias=False, normalized=True)
            count.convolution(f"{name} 3×3", growth, 3, bias=False)
            count.merge(f"{name} append", before + growth, entry)
        count.normalization(f"block {block} normalization")
        if block < len(blocks):
            count.convolution(f"transition {block}", count.channels // 2, 1, bias=False)
            count.pooling(f"transition {block} pool", 2, 2)
    count.global_average()
    count.dense("dense", classes)


def _mobilenet_v2(count: Plan, scale, classes: int) -> None:
    stages = [(3, *stage) for stage in mobilenet_v2.STAGES]
    _inverted_residuals(count, scale, mobilenet_v2.STEM, stages, mobilenet_v2.FEATURES, classes)


def _efficientnet_lite0(count: Plan, scale, classes: int) -> None:
    stages = [(kernel, widen, channels, blocks, stride) for blocks, kernel, stride, widen, channels
              in efficientnet_lite0.STAGES]  # fmt: skip
    _inverted_residuals(count, scale, 32, stages, efficientnet_lite0.FEATURES, classes)


def _inverted_residuals(count: Plan, scale, stem: int, stages, features: int, classes: int) -> None:
    """Blocks that widen, filter each map by itself, and narrow; stages: kernel, widening, channels, blocks, stride."""
    options = {"bias": False, "normalized": True}
    count.convolution("stem", scale(stem), 3, 2, **options)
    for stage, (kernel, widen, channels, blocks, stride) in enumerate(stages, start=1):
        for block in range(1, blocks + 1):
            name, entry, before = f"stage {stage} block {block}", count.last, count.channels
            step = stride if block == 1 else 1
            if widen > 1:
                count.convolution(f"{name} widen", widen * before, 1, **options)
            inner = count.channels
            count.convolution(f"{name} each map", inner, kernel, step, groups=inner, **options)
            count.convolution(f"{name} narrow", scale(channels), 1, **options)
            if step == 1 and count.channels == before:
                count.merge(f"{name} add", before, entry)
    count.convolution("head", scale(features), 1, **options)
    count.global_average()
    count.dense("dense", classes)


def _unet(count: Plan, scale, classes: int) -> None:
    skips = []
    for level, filters in (("encoder 1", 64), ("encoder 2", 128), ("bottom", 256)):
        for number in (1, 2):
            count.convolution(f"{level} conv {number}", scale(filters), 3)
        if level != "bottom":
            skips.append((count.last, count.channels))
            count.pooling(f"{level} pool", 2, 2, "same")
    for level, filters in (("decoder 2", 128), ("decoder 1", 64)):
        count.transposed(f"{level} up", scale(filters), 2)
        entry, carried = skips.pop()
        if count.side != count.layers[entry].side:
            raise VisitorError(f"The halves of the U do not fit at {count.input_side} pixels. Choose a multiple of 4.")
        count.merge(f"{level} join", count.channels + carried, entry)
        for number in (1, 2):
            count.convolution(f"{level} conv {number}", scale(filters), 3)
    count.convolution("classes", classes, 1)


NETWORKS = {
    "book": Network(
        "AlexNet of listing 4.1", "A quarter of AlexNet’s filters, for grey pictures and 8 classes.",
        "book, listing 4.1", 128, 1, 8, _listing_4_1,
    ),
    "alexnet": Network(
        "AlexNet", "Deep, trained on two graphics cards: some layers see only half of the maps.",
        "Krizhevsky, Sutskever, Hinton 2012", 227, 3, 1000, _alexnet,
    ),
    "vgg16": Network(
        "VGG-16", "Nothing but small kernels: two of 3 × 3 see as far as one of 5 × 5, with fewer weights.",
        "Simonyan, Zisserman 2014", 224, 3, 1000, _vgg16,
    ),
    "resnet50": Network(
        "ResNet-50", "Each block adds to what it was given, so gradients have a way round it.",
        "He, Zhang, Ren, Sun 2015", 224, 3, 1000, _resnet50,
    ),
    "resnet20": Network(
        "ResNet-20", "The same idea for pictures of 32 × 32; the gallery trains and ships it.",
        "He, Zhang, Ren, Sun 2015, section 4.2", 32, 3, 10, _resnet20,
    ),
    "densenet100": Network(
        "DenseNet-100", "Everything before is read, little is added: 100 layers with fewer weights than one of VGG’s.",
        "Huang, Liu, van der Maaten, Weinberger 2016, table 2, k = 12", 32, 3, 10, _densenet100,
    ),
    "densenet121": Network(
        "DenseNet-121", "Each layer reads everything before it, and adds only a few maps of its own.",
        "Huang, Liu, van der Maaten, Weinberger 2016", 224, 3, 1000, _densenet121,
    ),
    "mobilenet_v2": Network(
        "MobileNetV2", "A kernel for each map by itself, and 1 × 1 kernels between maps: made for phones.",
        "Sandler, Howard, Zhu, Zhmoginov, Chen 2018", 224, 3, 1000, _mobilenet_v2,
    ),
    "efficientnet_lite0": Network(
        "EfficientNet-Lite0", "The same blocks, depth and width found by search; the gallery ships it.",
        "Tan, Le 2019; the lite variant, Google 2020", 224, 3, 1000, _efficientnet_lite0,
    ),
    "unet": Network(
        "U-Net", "Down to see far, up again to answer for each pixel; what was fine is carried over.",
        "Ronneberger, Fischer, Brox 2015; as in book, listing 6.1", 128, 3, 3, _unet,
    ),
}  # fmt: skip
