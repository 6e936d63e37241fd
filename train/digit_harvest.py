"""What the page's reading asks its second network about, with the answer it should get.

Generated scenes are read with the network as it is. What it is asked about in a scene without any digit is none,
whatever it looks like: pieces of scribbles, corners of frames, and the halves that a try to cut digits apart makes of
them. Where a scene has digits and just as many were found, most of them rightly, each is labelled with what was
written: that includes those that the network takes for another.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from cnndemo.digit_classifier import looking, reading
from cnndemo.digit_classifier.ink import NoInk
from train import common, digit_scenes

SCENES = digit_scenes.KINDS | digit_scenes.NOTHING
SIDES = (400, 640, 960)
"""Of the pictures, in pixels of the long side of the page; one by chance."""
MOST = 24
"""Examples of one scene without digits; it is looked at in several ways, and many of them are alike."""
RIGHT = 0.6
"""Of a scene's digits that were found, at least this part must be what was written."""


def scene(number: int, x: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    """A scene and what is written in it; the kinds take turns."""
    make = list(SCENES.values())[number % len(SCENES)]
    return make(digit_scenes.Scribe(x, y, np.random.default_rng([seed, number]), SIDES))


@lru_cache(maxsize=1)
def readers(folder: Path) -> tuple[reading.Predict, looking.Judge]:
    """The two networks that read, loaded once in each process; see `common.helper`."""
    return common.helper(reading.MODEL, folder), common.helper(looking.JUDGE, folder)


def harvest(number: int, x: np.ndarray, y: np.ndarray, seed: int, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Examples of one scene, uint8 (n, 28, 28), and their labels, (n,); there may be none.

    Args:
        number: of the scene.
        x, y: the digits of which it is made.
        seed: of all scenes.
        folder: of the networks that read it.
    """
    asked: list[np.ndarray] = []

    def judge(fields: np.ndarray) -> np.ndarray:
        asked.extend(fields[..., 0])
        return readers(folder)[1](fields)

    picture, written = scene(number, x, y, seed)
    try:
        found = reading.looked(picture, judge)[0]
    except NoInk:
        found = looking.Look(None, (), ())
    if not written:
        return _some(asked, np.random.default_rng([seed, number, 1]))
    read = [int(one.probabilities[: looking.NONE].argmax()) for one in found.digits]
    truth = [int(digit) for digit in written]
    if len(read) != len(truth) or np.mean(np.equal(read, truth)) < RIGHT:
        return _examples([], [])
    others = [one for one in found.others if not one.rule]
    return _examples(
        [looking.field(one.group) for one in (*found.digits, *others)], truth + [looking.NONE] * len(others)
    )


def _some(fields: list[np.ndarray], generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A few of the fields, no two of them the same, as none."""
    apart = list({field.tobytes(): field for field in fields}.values())
    chosen = generator.permutation(len(apart))[:MOST]
    return _examples([apart[number] for number in chosen], [looking.NONE] * len(chosen))


def _examples(fields: list[np.ndarray], labels: list[int]) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.round(255 * np.array(fields, np.float32).reshape(-1, 28, 28)).astype(np.uint8)
    return pixels, np.array(labels, int)
