"""The questions of the activation maps page: how many numbers, which map, how far a place sees."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnndemo.activation_maps.maps import statistics
from cnndemo.activation_maps.networks import Network, shapes
from cnndemo.questions import Question, about

ask = about("activation_maps")


def of_digit(name: str, maps: Mapping[str, np.ndarray], kernels: Mapping[str, tuple[int, ...]]) -> list[Question]:
    """To predict, then reveal, about a digit.

    Args:
        name: of the digit, in words.
        maps: layer -> float32 (height, width, channels).
        kernels: layer -> (height, width, channels in, channels out).
    """
    layer = next(iter(maps))
    height, width, channels = maps[layer].shape
    means = statistics(maps[layer])["mean"]
    ranked = np.argsort(-means, kind="stable")
    places = np.linspace(0, 0.87 * len(ranked), 4).astype(int)[1:]
    others = [int(channel) for channel in ranked[places] if means[channel] < means[ranked[0]]]
    last = list(maps)[-1]
    rows, columns, reads, filters = kernels[last]
    weights = rows * columns * reads * filters
    values = height * width * channels
    found = [
        ask("values", values, [height * width, height * channels, values * 2], layer=layer, size=height, count=channels)
    ]
    if others:
        found.append(ask("strongest", int(ranked[0]), others, layer=layer, digit=name, mean=float(means[ranked[0]])))
    else:
        share = float((maps[layer] > 0).mean())
        found.append(ask("awake", share, [1 - share, share / 2, 1.0], layer=layer, digit=name, values=values))
    return [
        *found,
        ask(
            "weights", weights + filters, [weights, rows * columns * filters + filters, weights * 2],
            layer=last, rows=rows, columns=columns, reads=reads, filters=filters,
        ),
        ask("silent", "zeros", ["before", "digit"], layer=last, count=maps[last].shape[-1], values=maps[last].size),
    ]  # fmt: skip


def of_photo(network: Network, layer: str) -> list[Question]:
    """To predict, then reveal, about a layer of a network that sees photographs."""
    sizes = shapes(network.name)
    height, width, channels = sizes[layer]
    title, values, pixels = network.layer(layer).title, height * width * channels, network.size**2 * 3
    jump = network.size // height
    place = min(4, len(network.layers) - 1)
    later, earlier = network.layers[place], network.layers[place - 1]
    fields = [network.layers[other].field for other in (0, 2, len(network.layers) - 1)]
    return [
        ask("values", values, [height * width, height * channels, values * 2], layer=title, size=height,
            count=channels),
        ask("jump", jump, [height, jump * 2, network.size], layer=title, size=height, side=network.size),
        ask("ratio", values / pixels, [pixels / values, channels / 3, 1.0], layer=title, values=values, pixels=pixels,
            side=network.size),
        ask(
            "field", later.field, [2 * earlier.field, *fields], earlier=earlier.title, sees=earlier.field,
            later=later.title, jump=network.size // sizes[earlier.name][0],
        ),
    ]  # fmt: skip
