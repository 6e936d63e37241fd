"""Many visitors at once: whatever they ask for, each gets the answer that one alone would get."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnndemo import (
    book_index,
    digit_classifier,
    face_verification,
    images,
    pattern_matching,
    pet_segmentation,
    resnet_transfer,
)

VISITORS, SECONDS = 16, 8.0


def questions() -> dict[str, Callable[[], Any]]:
    """What visitors ask for, each answer as a NumPy array or something that can be compared."""
    photos = [digit_classifier.sample_photo(number)[0] for number in range(3)]
    cat, face = images.shrink(images.sample("cat"), 320), images.sample("obama_1")
    pattern = pattern_matching.scenes.shape_pattern("star", 40)
    scene = pattern_matching.scenes.make_scene(seed=3).image
    asked: dict[str, Callable[[], Any]] = {
        f"read_number {number}": lambda photo=photo: [r.probabilities for r in digit_classifier.read_number(photo)]
        for number, photo in enumerate(photos)
    }
    asked |= {
        "segment": lambda: pet_segmentation.segment(cat),
        "describe": lambda: [found.embedding for found in face_verification.describe(face)],
        "classify": lambda: resnet_transfer.classify(cat),
        "breed": lambda: resnet_transfer.breed(cat),
        "find": lambda: pattern_matching.find(scene, pattern),
    }
    asked |= {
        f"search {words}": lambda words=words: book_index.search(words) for words in ("kernel", "2.11", "triplet")
    }
    return asked


def same(one: Any, other: Any) -> bool:
    """Equal, numbers to the rounding of a sum in another order."""
    if isinstance(one, np.ndarray):
        return one.shape == other.shape and np.allclose(one, other, atol=1e-5)
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return abs(one - other) < 1e-5
    return bool(one == other)


@pytest.mark.timeout(300)
def test_sixteen_visitors_at_once():
    asked = questions()
    alone = {name: ask() for name, ask in asked.items()}
    wrong: list[str] = []
    answered = dict.fromkeys(asked, 0)
    end = time.monotonic() + SECONDS

    def visit(seed: int) -> None:
        dice = random.Random(seed)
        while time.monotonic() < end and not wrong:
            name = dice.choice(list(asked))
            try:
                if not same(asked[name](), alone[name]):
                    wrong.append(f"{name}: another answer than alone")
            except Exception as error:
                wrong.append(f"{name}: {type(error).__name__}: {error}")
            answered[name] += 1

    visitors = [threading.Thread(target=visit, args=(seed,)) for seed in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(SECONDS + 200)
    assert not wrong, wrong
    assert all(answered.values()), answered
