"""The plans of the book's chapter 4: AlexNet, VGG, ResNet and DenseNet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from cnndemo.architectures.counting import Plan
from cnndemo.errors import VisitorError


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
            if block == 1:
                shortcut = count.beside(count.channels, count.side, count.jump)
                shortcut.convolution(f"{name} shortcut", scale(4 * filters), 1, stride, normalized=True)
            count.convolution(f"{name} 1×1 down", scale(filters), 1, stride, normalized=True)
            count.convolution(f"{name} 3×3", scale(filters), 3, normalized=True)
            count.convolution(f"{name} 1×1 up", scale(4 * filters), 1, normalized=True)
            count.merge(f"{name} add", count.channels)
    count.global_average()
    count.dense("dense", classes)


def _resnet20(count: Plan, scale, classes: int) -> None:
    options = {"bias": False, "normalized": True}
    count.convolution("stem", scale(16), 3, **options)
    for stage, filters in enumerate((16, 32, 64), start=1):
        for block in range(1, 4):
            name = f"stage {stage} block {block}"
            count.convolution(f"{name} conv 1", scale(filters), 3, 2 if stage > 1 and block == 1 else 1, **options)
            count.convolution(f"{name} conv 2", scale(filters), 3, **options)
            count.merge(f"{name} add", count.channels)
    count.global_average()
    count.dense("dense", classes)


def _densenet121(count: Plan, scale, classes: int) -> None:
    growth, options = scale(32), {"bias": False, "normalized": True}
    count.convolution("stem", scale(64), 7, 2, 3, **options)
    count.pooling("stem pool", 3, 2, 1)
    for block, layers in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, layers + 1):
            name, before = f"block {block} layer {layer}", count.channels
            count.normalization(f"{name} normalization")
            count.convolution(f"{name} 1×1", 4 * growth, 1, **options)
            count.convolution(f"{name} 3×3", growth, 3, bias=False)
            count.merge(f"{name} append", before + growth)
        count.normalization(f"block {block} normalization")
        if block < 4:
            count.convolution(f"transition {block}", count.channels // 2, 1, bias=False)
            count.pooling(f"transition {block} pool", 2, 2)
    count.global_average()
    count.dense("dense", classes)


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
    "densenet121": Network(
        "DenseNet-121", "Each layer reads everything before it, and adds only a few maps of its own.",
        "Huang, Liu, van der Maaten, Weinberger 2016", 224, 3, 1000, _densenet121,
    ),
}  # fmt: skip
