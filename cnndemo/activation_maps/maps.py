"""What each filter of the digit classifier answers to, and what the network loses without it (book 7.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cnndemo import beforehand, chain, images, inference, weights

NAME = "digit_classifier"
LAYERS = ("conv2d_1", "conv2d_2")
FIELD = 28
COLORS = cv2.COLORMAP_VIRIDIS
SORTS: dict[str, str] = {"number": "Number", "mean": "Mean", "peak": "Peak", "active": "Active area"}
TWINS = 0.9
"""Maps that correlate above this are twins, at first."""
COUNTS = (1000, 5000)
"""Shipped digits that can be read again."""
AT_ONCE = 50
"""Digits whose maps are in memory at a time: 7 MB."""
DEAD = 1e-3
"""A map whose highest value over a whole batch stays below this part of its layer's highest is called dead."""

Predict = Callable[[np.ndarray], Mapping[str, np.ndarray]]


def feature_maps(model, image: np.ndarray) -> dict[str, np.ndarray]:
    """The feature maps of both convolutions for one digit, after the activation.

    Args:
        model: the digit classifier as a `keras.Model`, or a network's function whose outputs are its convolutions.
        image: what the network sees, float32 (28, 28) in [0, 1] or uint8 (28, 28), bright ink on black.

    Returns:
        Layer name -> float32 (height, width, channels): (26, 26, 32) and (24, 24, 64).

    Raises:
        ValueError: the image is not (28, 28).
    """
    if image.shape != (FIELD, FIELD):
        raise ValueError(f"The network sees (28, 28); got {image.shape}. Use digit_classifier.preparation first.")
    batch = image.astype(np.float32)[None, :, :, None] / (255.0 if image.dtype == np.uint8 else 1.0)
    predict = model if not hasattr(model, "layers") else _predictor(model)
    return {name: maps[0] for name, maps in predict(batch).items()}


@lru_cache(maxsize=2)
def _predictor(model) -> Predict:
    return inference.traced(model, LAYERS)


def aligned(feature_map: np.ndarray) -> np.ndarray:
    """A map on the digit's own grid: a "valid" 3×3 convolution answers for the middle of its window, so the map of
    layer 1 starts one pixel inside the digit, that of layer 2 two; one behind a pooling answers for several pixels.
    float32 (h, w) -> (28, 28), zero around."""
    jump = max(1, FIELD // (feature_map.shape[0] + 3))
    spread = feature_map.repeat(jump, axis=0).repeat(jump, axis=1)
    before = (FIELD - spread.shape[0]) // 2
    return np.pad(spread, (before, FIELD - spread.shape[0] - before))


def overlay(feature_map: np.ndarray, image: np.ndarray, top: float | None = None, size: int = 224) -> np.ndarray:
    """A feature map as a heat map over the digit, each value at the place that it answers for.

    The book's heat maps run from blue to red; these run through viridis, dark to yellow, in which more also looks more.

    Args:
        feature_map: float32 (height, width), not negative.
        image: the digit, float32 (28, 28) in [0, 1].
        top: value of the brightest colour; default the map's own highest.
        size: side of the result in pixels.

    Returns:
        uint8 (size, size, 3), RGB.
    """
    top = float(feature_map.max()) if top is None else top
    level = np.clip(aligned(feature_map) / max(top, 1e-9), 0, 1)
    heat = cv2.applyColorMap((level * 255).astype(np.uint8), COLORS)[..., ::-1].astype(np.float32)
    digit = 255.0 * image[..., None]
    mixed = np.clip(0.72 * heat + 0.28 * digit, 0, 255).astype(np.uint8)
    return cv2.resize(mixed, (size, size), interpolation=cv2.INTER_NEAREST)


def statistics(maps: np.ndarray) -> dict[str, np.ndarray]:
    """Mean, peak and active part (above zero) of each map: (height, width, channels) -> three float32 (channels,)."""
    flat = maps.reshape(-1, maps.shape[-1])
    return {"mean": flat.mean(axis=0), "peak": flat.max(axis=0), "active": (flat > 0).mean(axis=0)}


def order(maps: np.ndarray, by: str = "number") -> np.ndarray:
    """Channels, the strongest first, by a key of `SORTS`; int (channels,)."""
    if by == "number":
        return np.arange(maps.shape[-1])
    return np.argsort(-statistics(maps)[by], kind="stable")


def sheet(maps: np.ndarray, channels: np.ndarray, columns: int, image: np.ndarray | None = None, cell: int = 56):
    """All maps on one sheet, each scaled to its own highest value.

    Args:
        maps: float32 (height, width, channels).
        channels: which maps, in which order.
        columns: maps a row.
        image: the digit, float32 (28, 28); if given, each map is laid over it.
        cell: side of a map in pixels.

    Returns:
        uint8 (rows * (cell + 2), columns * (cell + 2), 3), RGB; unused cells and gaps are mid-grey.
    """
    rows = -(-len(channels) // columns)
    result = np.full((rows * (cell + 2), columns * (cell + 2), 3), 128, np.uint8)
    back = np.zeros((FIELD, FIELD), np.float32) if image is None else image
    for place, channel in enumerate(channels):
        top, left = (place // columns) * (cell + 2) + 1, (place % columns) * (cell + 2) + 1
        picture = overlay(maps[..., channel], back, size=cell)
        result[top : top + cell, left : left + cell] = picture
    return result


@dataclass(frozen=True)
class Redundancy:
    """What a batch says about the maps of one layer.

    Attributes:
        dead: channels that never answer, whatever the digit.
        correlation: float32 (channels, channels), of the maps' values over all places of all digits; dead maps 0.
        digits: size of the batch.
    """

    dead: tuple[int, ...]
    correlation: np.ndarray
    digits: int

    def twins(self, threshold: float) -> list[tuple[int, int, float]]:
        """Pairs of channels that correlate above `threshold`, the most alike first."""
        first, second = np.nonzero(np.triu(self.correlation, 1) > threshold)
        pairs = [(int(i), int(j), float(self.correlation[i, j])) for i, j in zip(first, second, strict=True)]
        return sorted(pairs, key=lambda pair: -pair[2])

    def spare(self, threshold: float) -> list[int]:
        """Channels to do without: the dead, and of each pair of twins the one that is not kept already."""
        kept: list[int] = []
        for channel in range(len(self.correlation)):
            alike = any(self.correlation[channel, other] > threshold for other in kept)
            if channel not in self.dead and not alike:
                kept.append(channel)
        return [channel for channel in range(len(self.correlation)) if channel not in kept]


def redundancy(batches: Iterable[np.ndarray]) -> Redundancy:
    """Find dead and near-duplicate maps of a layer.

    Args:
        batches: of its maps, float32 (digits, height, width, channels); one after another, as all together are large.
    """
    digits = places = 0
    origin, peak, total, product = 0.0, -np.inf, 0.0, 0.0
    for maps in batches:
        flat = maps.reshape(-1, maps.shape[-1]).astype(np.float64)
        if not places:
            origin = flat.mean(axis=0)  # near the mean, so that nothing cancels out below
        peak = np.maximum(peak, flat.max(axis=0))
        flat -= origin
        total, product = total + flat.sum(axis=0), product + flat.T @ flat
        digits, places = digits + len(maps), places + len(flat)
    dead = np.nonzero(peak <= DEAD * max(float(peak.max()), 1e-9))[0]
    mean = total / places
    covariance = product / places - np.outer(mean, mean)
    deviation = np.sqrt(np.diag(covariance).clip(0))
    scale = np.outer(deviation, deviation)
    correlation = np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0).astype(np.float32)
    correlation[dead] = correlation[:, dead] = 0.0
    return Redundancy(tuple(int(d) for d in dead), correlation, digits)


def alike(network: chain.Reader, count: int = 200) -> dict[str, Redundancy]:
    """What shipped digits say about the maps of each convolution of a network.

    Args:
        network: reads digits.
        count: digits, an even choice of the 5,000.
    """

    def compute() -> beforehand.Arrays:
        found = {}
        for layer in network.named("Conv2D"):
            predict = network.predictor((layer,))
            batches = (predict(digits[i : i + AT_ONCE])[layer] for i in range(0, len(digits), AT_ONCE))
            seen = redundancy(batches)
            found |= {f"{layer} correlation": seen.correlation, f"{layer} dead": np.array(seen.dead, int)}
        return found

    digits = validation_digits(count)[0]
    known = _known(network, f"how alike the maps of {count} digits are", compute)
    return {
        layer: Redundancy(tuple(known[f"{layer} dead"].tolist()), known[f"{layer} correlation"], count)
        for layer in network.named("Conv2D")
    }


def _known(network: chain.Reader, name: str, compute: Callable[[], beforehand.Arrays]) -> beforehand.Arrays:
    """Looked up for the network that ships, computed for any other."""
    return beforehand.known(name, (NAME,), compute) if network.key == NAME else compute()


def validation_digits(count: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """An even choice of the shipped 5,000 digits, on which the network was not trained.

    Returns:
        Inputs float32 (count, 28, 28, 1) in [0, 1] and labels (count,), the same number of each digit.
    """
    x, y = images.digits()
    step = max(1, len(x) // count)
    return x[::step, ..., None].astype(np.float32) / 255.0, y[::step]


def silenced(
    digits: np.ndarray, off: Mapping[str, tuple[int, ...]] | None = None, network: chain.Reader | None = None
) -> np.ndarray:
    """A network's answers when some maps are switched off: their values become zero.

    Args:
        digits: float32 (n, 28, 28, 1).
        off: layer -> channels that are silent.
        network: default the one that ships.

    Returns:
        Probabilities, float32 (n, 10).
    """
    network = network or chain.shipped(NAME)
    channels = {layer.name: layer.shape[-1] for layer in network.layers}
    switches = {}
    for name in network.named("Conv2D"):
        switches[f"on_{name}"] = on = np.ones((1, channels[name]), np.float32)
        on[0, list((off or {}).get(name, ()))] = 0.0
    predict = network.predictor()
    return np.concatenate([predict(digits[i : i + 100], **switches) for i in range(0, len(digits), 100)])


def accuracy(
    off: Mapping[str, tuple[int, ...]], count: int = COUNTS[0], network: chain.Reader | None = None
) -> tuple[float, np.ndarray]:
    """Accuracy on the shipped digits with channels off, over all and for each digit (10,)."""
    network, (x, y) = network or chain.shipped(NAME), validation_digits(count)

    def compute() -> beforehand.Arrays:
        return {"right": np.argmax(silenced(x, off, network), axis=1) == y}

    silent = {layer: tuple(channels) for layer, channels in sorted(off.items()) if channels}
    hits = _known(network, f"which of {count} digits are read right without {silent}", compute)["right"]
    return float(hits.mean()), np.array([hits[y == digit].mean() for digit in range(10)])


def kernels(layer: str = LAYERS[0]) -> np.ndarray:
    """The raw kernels of a layer, float32 (3, 3, channels before, channels)."""
    return weights.arrays(NAME, layer)[0]


def thumbnail() -> np.ndarray:
    """The topic's picture on the home page, uint8 (180, 320, 3): a digit under eight edge filters.

    The home page loads no network, so these are the eight directions of a Sobel kernel, much what layer 1 learns.
    """
    x, y = images.digits()
    digit = x[y == 5][7].astype(np.float32) / 255.0
    across, down = cv2.Sobel(digit, cv2.CV_32F, 1, 0), cv2.Sobel(digit, cv2.CV_32F, 0, 1)
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    maps = np.stack([np.maximum(0, np.cos(a) * across + np.sin(a) * down)[1:-1, 1:-1] for a in angles], axis=-1)
    return cv2.resize(sheet(maps, np.arange(8), 4, digit, cell=80), (320, 180), interpolation=cv2.INTER_AREA)


def random_off(off: Mapping[str, tuple[int, ...]], channels: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
    """As many channels of each layer as in `off`, but by chance (always the same ones); channels: layer -> number."""
    chance = np.random.default_rng(7)
    return {
        layer: tuple(sorted(chance.permutation(channels[layer])[: len(chosen)].tolist()))
        for layer, chosen in off.items()
    }


def study_table(networks: list[dict]) -> list[dict[str, str]]:
    """The narrower networks of the model card (`study.networks`) as rows of words."""
    return [
        {
            "network": row["name"].removeprefix("accuracy: "),
            "kernels": " + ".join(map(str, row["filters"])),
            "parameters": f"{row['parameters']:,}",
            "test accuracy": f"{row['value']:.2%}",
            "95 % interval": " – ".join(f"{end:.2%}" for end in row["interval"]),
        }
        for row in networks
    ]
