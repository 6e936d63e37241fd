"""A network as boxes that fold: layers into blocks, blocks into the stages in which maps keep their size."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cnndemo.architectures.counting import Layer

STAGES, BLOCKS, LAYERS = "stages", "blocks", "layers"
SMALL = 24  # layers up to which a network is shown unfolded at first


@dataclass(frozen=True)
class Box:
    """What is drawn as one: a layer, or a stretch of layers that is folded.

    Attributes:
        name: the layer's own, or that of the stage or block.
        first, last: places of its layers.
        layer: stands for it: the last of those.
        parameters, multiply_adds: of all its layers.
        parent: name of the stage or block that it is a part of, by which it is folded again; "" at the top.
    """

    name: str
    first: int
    last: int
    layer: Layer
    parameters: int
    multiply_adds: int
    parent: str = ""

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def folded(self) -> bool:
        return self.last > self.first


def boxes(layers: Sequence[Layer], level: str = STAGES, toggled: Collection[str] = ()) -> list[Box]:
    """The boxes from input to output.

    Args:
        layers: in an order in which each reads earlier ones only.
        level: `STAGES`, `BLOCKS` or `LAYERS`: how far everything is unfolded.
        toggled: names of the boxes for which it is the other way round.
    """
    result: list[Box] = []
    for name, first, last in stages(layers):
        if first == last or (level == STAGES) == (name not in toggled):
            result.append(_box(layers, name, first, last))
            continue
        for part, start, end in _unlike(blocks(layers, name, first, last), {box.name for box in result}):
            if start == end or (level == LAYERS) == (part in toggled):
                result.append(_box(layers, part, start, end, name))
            else:
                result += [_box(layers, layers[i].name, i, i, part) for i in range(start, end + 1)]
    return result


def stages(layers: Sequence[Layer]) -> list[tuple[str, int, int]]:
    """Stretches in which the maps keep their size: name, first and last layer."""
    result: list[tuple[str, int, int]] = []
    sizes = [(layer.kind == "dense" or layer.side == 1, layer.side, layer.across) for layer in layers]
    for place, size in enumerate(sizes):
        if result and size == sizes[place - 1]:
            result[-1] = (result[-1][0], result[-1][1], place)
            continue
        name = "rows of numbers" if size[0] else f"maps of {size[1]} × {size[2] or size[1]}"
        result.append((name, place, place))
    names = [name for name, _, _ in result]
    return [
        (layers[first].name if first == last else _numbered(names, number), first, last)
        for number, (_, first, last) in enumerate(result)
    ]


def foldable(layers: Sequence[Layer]) -> list[str]:
    """Names of all stages and blocks of more than one layer, stages first."""
    whole = boxes(layers, STAGES)
    return list(dict.fromkeys(box.name for box in (*whole, *boxes(layers, BLOCKS)) if box.folded))


def _unlike(parts: Iterable[tuple[str, int, int]], known: set[str]) -> Iterator[tuple[str, int, int]]:
    """Parts with names of their own."""
    for name, start, end in parts:
        unlike = name if name not in known else f"{name}, {start + 1} – {end + 1}"
        known.add(unlike)
        yield unlike, start, end


def _numbered(names: Sequence[str], number: int) -> str:
    """A name, with "again" or a number where it has come before."""
    before = names[:number].count(names[number])
    return names[number] + ("" if not before else ", again" if before == 1 else f", {before + 1}")


def blocks(layers: Sequence[Layer], stage: str, first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """The blocks of a stage: stretches that the output of some layer goes round, as in residual and dense blocks.

    Layers without a way round them are blocks of their own.
    """
    passed_by = [0] * (last - first + 2)  # ways that begin and that end before each layer, summed up below
    for place in range(first, last + 1):
        for read in layers[place].reads:
            source = max(read, first - 1)  # what comes from before the stage comes in at its beginning
            passed_by[source + 1 - first] += 1
            passed_by[place - first] -= 1
    start, ways, number = first, 0, 0
    for place in range(first, last + 1):
        ways += passed_by[place - first]
        if ways and place < last:
            continue
        number += place > start
        name = layers[start].name if place == start else _common(layers[start : place + 1])
        yield name or f"{stage}, block {number}", start, place
        start = place + 1


def _common(layers: Sequence[Layer]) -> str:
    """What the names of layers begin with, up to a gap between words; "" if they share nothing."""
    shared = os.path.commonprefix([layer.name for layer in layers])
    return shared[: max(shared.rfind(gap) for gap in " _/") + 1].strip(" _/")


def _box(layers: Sequence[Layer], name: str, first: int, last: int, parent: str = "") -> Box:
    inside = layers[first : last + 1]
    work = sum(layer.parameters for layer in inside), sum(layer.multiply_adds for layer in inside)
    return Box(name, first, last, layers[last], *work, parent)


def arrows(layers: Sequence[Layer], shown: Sequence[Box]) -> list[tuple[int, int]]:
    """Who reads whom among boxes, pairs (from, to) without doubles; -1 is the input."""
    home = {place: number for number, box in enumerate(shown) for place in range(box.first, box.last + 1)}
    pairs = {
        (home.get(read, -1), number)
        for number, box in enumerate(shown)
        for place in range(box.first, box.last + 1)
        for read in layers[place].reads
    }
    return sorted(pair for pair in pairs if pair[0] != pair[1])
