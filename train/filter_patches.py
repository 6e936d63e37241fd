"""Real patches that excite filters: of the pictures that ship the best nine, of pets how much the best does.

What took long is kept in a run folder, with the seconds that it took.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from cnndemo import images, weights
from cnndemo.activation_maps import NETWORKS, library, wanted
from train import pet_library
from train.datasets.fetch import stored


def kept(file: Path, lengths: dict[str, int], make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of a file of the run folder, made if it is not there; `seconds` says how long that took.

    Args:
        lengths: array -> its length; a file with others is of other filters, and made anew.
    """
    if file.is_file():
        content = stored(file, "Begin anew: --fresh.", tuple(lengths))
        if all(len(content[key]) == length for key, length in lengths.items()):
            return content
    started = time.time()
    arrays = make()
    arrays["seconds"] = np.array(time.time() - started)
    with weights.whole(file) as scratch:
        np.savez_compressed(scratch, **arrays)
    return arrays


def searched(name: str, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """The most exciting patches of the shipped pictures for the channels of a layer.

    No two of one picture are kept, and of one photograph no more than three.

    Returns:
        Values, float32 (channels, BEST), the highest first, and picture, row and column, int16 (channels, BEST, 3).
    """
    own = wanted.channels(name, layer)
    values, places = [], []
    for batch in shipped(name):
        maps = wanted.answers(name, layer, batch)[..., own]
        highest, where = wanted.peaks(maps, wanted.inside(name, layer, maps.shape[1]))
        values.append(highest)
        places.append(where)
    values, places = np.concatenate(values), np.concatenate(places)
    best, where = np.zeros((len(own), wanted.BEST), np.float32), np.zeros((len(own), wanted.BEST, 3), np.int16)
    for channel in range(len(own)):
        numbers, of = [], {}
        for number in np.argsort(-values[:, channel], kind="stable"):
            photograph = number if name == wanted.DIGITS else library.sample_of(number).name
            if of.get(photograph, 0) < (1 if name == wanted.DIGITS else 3):
                of[photograph] = of.get(photograph, 0) + 1
                numbers.append(number)
            if len(numbers) == wanted.BEST:
                break
        best[channel], where[channel, :, 0] = values[numbers, channel], numbers
        where[channel, :, 1:] = places[numbers, channel]
    return best, where


def patches(name: str, layer: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """What `searched` gives, looked for once a run."""
    file, names = folder / f"{name}.{layer}.patches.npz", ("best", "where")
    lengths = dict.fromkeys(names, len(wanted.channels(name, layer)))
    known = kept(file, lengths, lambda: dict(zip(names, searched(name, layer), strict=True)))
    return known["best"], known["where"]


def shipped(name: str) -> Iterator[np.ndarray]:
    """The shipped pictures as a network's input, in batches."""
    if name == wanted.DIGITS:
        x = images.digits()[0]
        for first in range(0, len(x), 100):
            yield x[first : first + 100, ..., None].astype(np.float32) / 255
    else:
        network = NETWORKS[name]
        for number in range(library.count()):
            yield network.batch(library.view(number, network.size))


def searched_in_pets(name: str, data_dir: Path) -> dict[str, np.ndarray]:
    """The most that any patch of a pet excites each channel, layer -> float32 (channels,); `pets` is their number.

    They are looked at in the same views as the shipped photographs.
    """
    pets, network = pet_library.load(data_dir), NETWORKS[name]
    own = {layer: wanted.channels(name, layer) for layer in wanted.PARTS[name]}
    best = {layer: np.full(len(channels), -np.inf, np.float32) for layer, channels in own.items()}
    for image in pets.pictures:
        views = [library.square(image, place, network.size) for place in range(len(library.PLACES))]
        for layer, maps in wanted.all_answers(name, list(own), network.batch(np.stack(views))).items():
            inside = wanted.inside(name, layer, maps.shape[1])
            np.maximum(best[layer], wanted.peaks(maps[..., own[layer]], inside)[0].max(axis=0), out=best[layer])
    return best | {"pets": np.array([len(pets)])}


def in_pets(name: str, folder: Path, data_dir: Path) -> dict[str, np.ndarray]:
    """What `searched_in_pets` gives, looked for once a run."""
    lengths = {layer: len(wanted.channels(name, layer)) for layer in wanted.PARTS[name]}
    return kept(folder / f"{name}.pets.npz", lengths, lambda: searched_in_pets(name, data_dir))
