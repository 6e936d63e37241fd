"""What each filter wants: the pictures that gradient ascent found for it, and the shipped pictures that excite it.

`train/filter_images.py` makes both: `weights/<network>.filters.webp` holds the pictures side by side,
`<network>.filters.npz` says how much they excite their filters, where in the shipped pictures the most exciting patches
lie, and how much photographs of pets that do not ship excite them; `<network>.filters.json` is the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from cnndemo import images, inference, weights
from cnndemo.activation_maps import library
from cnndemo.activation_maps.fields import Box, Step, Window, clipped, seen, width
from cnndemo.activation_maps.networks import NETWORKS
from cnndemo.models import efficientnet_lite0
from cnndemo.weights import WeightsError

EQUAL = 1e-4  # values of which none is higher than the other
BEST = 9
"""Patches that are kept of a filter."""
DIGITS, PHOTOS = "digit_classifier", "efficientnet_lite0"
REGULARISERS = (
    "the picture is a sum of pictures from a few pixels to its full size, so that large shapes grow as easily as fine "
    "noise",
    "it is moved around by a few pixels in each step, so that nothing depends on one exact place",
    "its colours are mixed as those of photographs are",
    "a sigmoid keeps every value between black and white",
    "it is repeated side by side, or seen at twice its size, so that it has neither edges nor the finest grain",
)


@dataclass(frozen=True)
class Part:
    """How the pictures of one layer were made, and how the network sees them.

    Attributes:
        size: side of a picture, pixels.
        enlarge: how many times larger the network sees it.
        repeat: how often it lies side by side in what the network sees, across and down.
        repeat_while_made: the same while it climbs; fewer, for speed.
        jitter: pixels by which it is moved around in a step, each way.
        steps, rate: of Adam.
        contrast: how steep the sigmoid is; small filters see a few pixels and need all of it.
        exact: its few pixels in the middle were made for that place alone, as dark or bright as can be.
        limit: channels of which there is a picture.
        batch: pictures that climb side by side; they do not touch each other.
    """

    size: int
    enlarge: int = 1
    repeat: int = 1
    repeat_while_made: int = 1
    jitter: int = 0
    steps: int = 128
    rate: float = 0.02
    contrast: float = 1.4
    exact: bool = False
    limit: int = 16
    batch: int = 16


_SMALL = {"steps": 160, "rate": 0.05, "contrast": 2.0, "exact": True}
PARTS = {
    DIGITS: {
        "conv2d_1": Part(28, jitter=2, limit=32, **_SMALL),
        "conv2d_2": Part(28, jitter=2, limit=64, **_SMALL),
        "dense_2": Part(28, jitter=1, limit=10, steps=160, rate=0.05, contrast=4.0),
    },
    PHOTOS: {
        "stem_normalization": Part(28, repeat=8, repeat_while_made=2, jitter=2, limit=32, **_SMALL),
        "stage1": Part(28, repeat=8, repeat_while_made=2, jitter=4, **_SMALL),
        "stage2": Part(56, repeat=4, repeat_while_made=2, jitter=8, limit=24, batch=8, **_SMALL | {"exact": False}),
        "stage3": Part(112, repeat=2, jitter=8, limit=24, contrast=2.0),
        "stage4": Part(112, enlarge=2, jitter=8, limit=24),
        "stage5": Part(112, enlarge=2, jitter=8, limit=24),
        "stage6": Part(112, enlarge=2, jitter=8, limit=24),
        "stage7": Part(112, enlarge=2, jitter=8, limit=24),
        "logits": Part(112, enlarge=2, jitter=8, limit=24),
    },
}
"""Network -> layer -> how its pictures are made."""
CLASSES = ("goldfish", "ostrich", "flamingo", "peacock", "tiger", "zebra", "tabby", "golden retriever", "dalmatian",
           "ladybug", "monarch", "espresso", "pizza", "banana", "strawberry", "daisy", "toaster", "computer keyboard",
           "teapot", "volcano", "space shuttle", "castle", "volleyball", "motor scooter")  # fmt: skip
TITLES = {"conv2d_1": "conv2d_1", "conv2d_2": "conv2d_2", "dense_2": "the ten answers", "logits": "the answers"}
COLUMNS = 16  # pictures side by side on a sheet
CELL = {DIGITS: 28, PHOTOS: 112}  # their side there, pixels


def channels(name: str, layer: str) -> list[int]:
    """The channels of a layer of which there is a picture; of the answers, those of `CLASSES`."""
    limit = PARTS[name][layer].limit
    if layer == "logits":
        return [efficientnet_lite0.labels().index(word) for word in CLASSES[:limit]]
    return list(range(limit))


def steps(name: str, layer: str) -> tuple[Step, ...] | None:
    """The way from the picture to a layer, along one axis; None where every place looks at all of the picture."""
    if layer in ("dense_2", "logits"):
        return None
    if name == DIGITS:
        return (Window(3),) * (1 if layer == "conv2d_1" else 2)
    return NETWORKS[name].layer(layer).steps


def size(name: str) -> int:
    """Side of a network's input in pixels."""
    return 28 if name == DIGITS else NETWORKS[name].size


def answers(name: str, layer: str, batch: np.ndarray) -> np.ndarray:
    """What a layer says to pictures, before a softmax; a layer without maps has one place.

    Args:
        batch: as the network takes it, float32 (n, size, size, channels).

    Returns:
        float32 (n, height, width, channels).
    """
    if name == DIGITS and layer == "dense_2":
        kernel, bias = weights.arrays(name, layer)
        return _with_places(inference.predictor(name, ["dense_1"])(batch)["dense_1"] @ kernel + bias)
    return all_answers(name, [layer], batch)[layer]


def all_answers(name: str, layers: list[str], batch: np.ndarray) -> dict[str, np.ndarray]:
    """What several layers say at once, layer -> as `answers`; not for `dense_2`, of which the file has the softmax."""
    found = inference.predictor(name, layers)(batch)
    return {layer: _with_places(values) for layer, values in found.items()}


def _with_places(found: np.ndarray) -> np.ndarray:
    return found if found.ndim == 4 else found[:, None, None, :]


def inside(name: str, layer: str, places: int) -> np.ndarray:
    """Which rows or columns of a map look at nothing outside the picture; where all do, all. bool (places,)."""
    way, side = steps(name, layer), size(name)
    if way is None or width(way) > side // 2:
        return np.ones(places, bool)
    ends = np.array([seen(way, place) for place in range(places)])
    return (ends[:, 0] >= 0) & (ends[:, 1] < side)


def peaks(maps: np.ndarray, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest value of each map, and where.

    Args:
        maps: float32 (n, side, side, channels).
        kept: rows and columns that count, bool (side,).

    Returns:
        float32 (n, channels), and rows and columns, int (n, channels, 2).
    """
    held = np.where((kept[:, None] & kept)[None, :, :, None], maps, -np.inf)
    flat = held.reshape(len(maps), -1, maps.shape[-1])
    best = flat.argmax(axis=1)
    return flat.max(axis=1), np.stack(np.divmod(best, maps.shape[2]), axis=-1)


def shown_to(name: str, layer: str, pictures: np.ndarray) -> np.ndarray:
    """The pictures of a sheet as the network's input: repeated or enlarged, float32 (n, side, side, channels).

    Args:
        pictures: uint8 (n, size, size, 1 or 3).
    """
    part, side = PARTS[name][layer], size(name)
    batch = np.tile(pictures.astype(np.float32), (1, part.repeat, part.repeat, 1))
    if part.enlarge > 1:
        batch = np.stack([cv2.resize(each, (side, side), interpolation=cv2.INTER_LINEAR) for each in batch])
    return batch / 255.0 if name == DIGITS else batch


def excited(name: str, layer: str, pictures: np.ndarray, own: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """How much each picture excites its own channel where it excites it most, float32 (n,), and where, int16 (n, 2)."""
    values, places = [], []
    for picture, channel in zip(pictures, own, strict=True):
        maps = answers(name, layer, shown_to(name, layer, picture[None]))
        highest, where = peaks(maps, inside(name, layer, maps.shape[1]))
        values.append(highest[0, channel])
        places.append(where[0, channel])
    return np.array(values, np.float32), np.array(places, np.int16)


@dataclass(frozen=True)
class Patch:
    """A piece of a shipped picture.

    Attributes:
        picture: uint8, grey or RGB.
        value: how much it excites the filter.
        title: what it is a piece of.
    """

    picture: np.ndarray
    value: float
    title: str


@dataclass(frozen=True)
class Wanted:
    """What one filter wants.

    Attributes:
        picture: found by gradient ascent, uint8 (size, size, 3).
        value: how much it excites the filter.
        patch: the part of what the network sees of it that excites the filter most, uint8.
        patches: the most exciting pieces of shipped pictures, the best first; none where nothing excites it.
        in_pets: the most that any patch of the pets' photographs excites it, which do not ship; None for digits.
    """

    picture: np.ndarray
    value: float
    patch: np.ndarray
    patches: tuple[Patch, ...]
    in_pets: float | None


def wanted_by(name: str, layer: str, channel: int) -> Wanted | None:
    """What a filter wants, None where no picture was made for it.

    Raises:
        WeightsError: a file of the sheet is missing or damaged.
    """
    if layer not in PARTS.get(name, {}) or channel not in channels(name, layer):
        return None
    place = channels(name, layer).index(channel)
    known = table(name)
    best, where = known[f"{layer}/best"][place], known[f"{layer}/where"][place]
    patches = tuple(_patch(name, layer, at, float(value)) for value, at in zip(best, where, strict=True) if value > 0)
    picture, value = pictures(name, layer)[place], float(known[f"{layer}/excited"][place])
    patch = _most_exciting(name, layer, picture, known[f"{layer}/peak"][place])
    in_pets = None if name == DIGITS else float(known[f"{layer}/pets"][place])
    return Wanted(picture, value, patch, patches, in_pets)


def _most_exciting(name: str, layer: str, picture: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """The pixels that the most excited place (row, column) looks at, of a picture as the network sees it."""
    batch = shown_to(name, layer, picture[None, ..., :1] if name == DIGITS else picture[None])
    top, left, height, wide = looks_at(steps(name, layer), *map(int, peak), size(name))
    part = batch[0, top : top + height, left : left + wide] * (255.0 if name == DIGITS else 1.0)
    return np.broadcast_to(np.round(part).astype(np.uint8), (height, wide, 3))


@lru_cache(maxsize=4)  # a page shows two layers of a network; at most 1.2 MB each, where the whole sheet has 10
def pictures(name: str, layer: str) -> np.ndarray:
    """The pictures that the filters of a layer want, read-only uint8 (n, size, size, 3), in the order of `channels`.

    Raises:
        WeightsError: the sheet is missing or damaged.
    """
    result = cut(name, layer, np.asarray(Image.open(file(name, "webp")).convert("RGB")))
    result.flags.writeable = False
    return result


def cut(name: str, layer: str, whole: np.ndarray) -> np.ndarray:
    """The pictures of a layer, cut out of a sheet; see `sheet`."""
    top, cell = 0, CELL[name]
    for other in PARTS[name]:
        count = len(channels(name, other))
        rows = -(-count // COLUMNS)
        if other == layer:
            band = whole[top : top + rows * cell].reshape(rows, cell, COLUMNS, cell, 3).swapaxes(1, 2)
            cells, size = band.reshape(-1, cell, cell, 3)[:count], PARTS[name][layer].size
            if size == cell:
                return cells
            fields = cells.reshape(count, size, cell // size, size, cell // size, 3)
            return np.round(fields.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
        top += rows * cell
    raise KeyError(layer)


def sheet(name: str, made: dict[str, np.ndarray]) -> np.ndarray:
    """All pictures of a network on one sheet, layer under layer, as `cut` finds them; uint8 (h, w, 3).

    Small ones are enlarged to the others' size, or the compression would take their pixels' colours for one.
    """
    bands, cell = [], CELL[name]
    for layer, pictures in made.items():
        factor, rows = cell // PARTS[name][layer].size, -(-len(pictures) // COLUMNS)
        full = np.full((rows * COLUMNS, cell, cell, 3), 128, np.uint8)
        full[: len(pictures)] = pictures.repeat(factor, axis=1).repeat(factor, axis=2)
        band = full.reshape(rows, COLUMNS, cell, cell, 3).swapaxes(1, 2)
        bands.append(band.reshape(rows * cell, COLUMNS * cell, 3))
    return np.concatenate(bands)


def _patch(name: str, layer: str, at: np.ndarray, value: float) -> Patch:
    """The piece that place (row, column) of a layer looks at, in a shipped digit or a view of a shipped photograph."""
    number, row, column = map(int, at)
    side, way = size(name), steps(name, layer)
    whole = images.digits()[0][number] if name == DIGITS else library.view(number, side)
    title = f"a {images.digits()[1][number]}" if name == DIGITS else library.title(number)
    top, left, height, wide = looks_at(way, row, column, side)
    return Patch(whole[top : top + height, left : left + wide], value, title)


def looks_at(way: tuple[Step, ...] | None, row: int, column: int, side: int) -> Box:
    """The pixels that a place looks at; all, where it has no way of its own."""
    if way is None:
        return 0, 0, side, side
    (top, height), (left, wide) = clipped(way, row, side), clipped(way, column, side)
    return top, left, height, wide


def file(name: str, kind: str) -> Path:
    """A file of the sheet, "webp" or "npz", verified against the card.

    Raises:
        WeightsError: it is missing or damaged, or the card is.
    """
    about = weights.card(f"{name}.filters")
    found = weights.WEIGHTS_DIR / f"{name}.filters.{kind}"
    try:
        right = weights.sha256(found) == about["sha256" if kind == "webp" else "table_sha256"]
    except OSError:
        right = False
    if not right:
        raise WeightsError(f"The sheet of what filters want is missing or damaged. Make it with: {about['command']}")
    return found


def pets() -> int:
    """In how many photographs of pets `Wanted.in_pets` was looked for; they do not ship."""
    return next(figure["pets"] for figure in weights.card(f"{PHOTOS}.filters")["metrics"] if "pets" in figure)


@lru_cache(maxsize=2)
def table(name: str) -> dict[str, np.ndarray]:
    """What is known of each picture and of what excites its filter besides.

    `<layer>/excited` (n,) and `/peak` (n, 2): how much the picture excites its filter, and at which place; `/best` and
    `/where`: of the best shipped patches; of photographs `/pets` (n,): the most that any patch of a pet does.
    """
    with np.load(file(name, "npz")) as content:
        return {key: content[key] for key in content.files}
