"""The shipped photographs' views nearest to a picture, in pixels and in an early, a middle and the last layer."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cnndemo import inference, weights
from cnndemo.activation_maps import library
from cnndemo.activation_maps.networks import NETWORKS, Network

PIXELS = "pixels"
GRID = 7  # a map is described by the means of so many fields each way, the last layer by the mean of all its places
SMALL = 16  # pixels of a picture that are compared


@dataclass(frozen=True)
class Near:
    """One of the nearest views.

    Attributes:
        view: its number in `library`.
        distance: Euclidean.
    """

    view: int
    distance: float


@dataclass(frozen=True)
class Measured:
    """What `train/near_pets.py` measured on photographs of pets, which do not ship.

    Attributes:
        pets, breeds: how many there were, as many of each breed.
        shares: space and "breed" or "species" -> how many of the pets have one of their own nearest, 0 to 1.
        source, licence: of the photographs.
        command: that measured it.
        seen: the network was trained on some of them.
    """

    pets: int
    breeds: int
    shares: dict[tuple[str, str], float]
    source: str
    licence: str
    command: str
    seen: bool


def measured(network: Network) -> Measured:
    """How often the nearest of other pets is alike, in pixels and by layer.

    Raises:
        WeightsError: there is no card.
    """
    card = weights.card(f"{network.name}.near")
    shares = {(figure["space"], figure["alike"]): figure["value"] for figure in card["metrics"]}
    data, pets = card["data"], card["metrics"][0]["samples"]
    source, seen = f"{data['name']}: {data['source']}", weights.card(network.name)["data"]["name"] == data["name"]
    return Measured(pets, card["breeds"], shares, source, data["licence"], card["command"], seen)


def depths(network: Network) -> dict[str, str]:
    """An early, a middle and the last layer: word -> name. Of a U the last is its bottom, where all comes together."""
    layers = [layer.name for layer in network.layers]
    last = layers.index("bottom_convolution2") if "bottom_convolution2" in layers else len(layers) - 1
    return {"early": layers[1], "middle": layers[last // 2], "last": layers[last]}


def described(network: Network, fitted: np.ndarray) -> dict[str, np.ndarray]:
    """A picture as points: `pixels`, `early`, `middle`, `last` -> float32 (size,).

    Args:
        fitted: as the network sees it, uint8 (size, size, 3).
    """
    names = depths(network)
    found = inference.predictor(network.name, list(names.values()))(network.batch(fitted))
    points = {PIXELS: cv2.resize(fitted, (SMALL, SMALL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()}
    for word, layer in names.items():
        maps = found[layer][0]
        side = 1 if word == "last" else min(GRID, maps.shape[0])
        points[word] = _means(maps, side).ravel()
    return points


def _means(maps: np.ndarray, side: int) -> np.ndarray:
    """Maps (height, width, channels) as the means of side × side fields; what is left over at the ends is dropped."""
    step = maps.shape[0] // side
    cut = maps[: step * side, : step * side]
    return cut.reshape(side, step, side, step, -1).mean(axis=(1, 3))


_building = threading.Lock()


def index(name: str) -> dict[str, np.ndarray]:
    """All views of the library as points, word -> float16 (views, size); made in about a second, once for all."""
    with _building:
        return _built(name)


@lru_cache(maxsize=len(NETWORKS))  # half a megabyte each
def _built(name: str) -> dict[str, np.ndarray]:
    network = NETWORKS[name]
    return gathered(network, (library.view(number, network.size) for number in range(library.count())), library.count())


def gathered(network: Network, pictures: Iterable[np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Pictures as points, word -> float16 (count, size).

    Each goes into its row at once: what stays of a picture must not lie between what goes, or the holes of some
    megabytes that each leaves in the memory are never filled.

    Args:
        pictures: `count` of them, as the network sees them.
    """
    result: dict[str, np.ndarray] = {}
    for row, fitted in enumerate(pictures):
        for word, values in described(network, fitted).items():
            if word not in result:
                result[word] = np.empty((count, values.size), np.float16)
            result[word][row] = values
    return result


def nearest(network: Network, fitted: np.ndarray, sample: str | None = None, count: int = 6) -> dict[str, list[Near]]:
    """The nearest views by word, the nearest first.

    Args:
        fitted: as the network sees it, uint8 (size, size, 3).
        sample: name of a shipped picture whose own views are left out.
    """
    points, result = described(network, fitted), {}
    own = np.array([library.sample_of(number).name == sample for number in range(library.count())])
    for word, others in index(network.name).items():
        away = np.where(own, np.inf, np.linalg.norm(others - points[word], axis=1))
        best = np.argsort(away, kind="stable")[:count]
        result[word] = [Near(int(view), float(away[view])) for view in best]
    return result
