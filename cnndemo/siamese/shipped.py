"""What the networks make of the 5,000 shipped digits, none of which they were trained on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cnndemo import beforehand, images
from cnndemo.siamese.pairs import distances, draw_triplets, embedder, few_shot, prepare

AT_ONCE = 250  # digits that a network sees together: its maps of all at once are 300 MB
TRIPLETS = 2_000
SHOTS = (1, 2, 3, 5, 10)

Space = Callable[[], np.ndarray]
"""Gives embeddings of the shipped digits, (5000, d); asked only where they are needed."""


def embeddings(name: str) -> np.ndarray:
    """A network's embeddings of the shipped digits, float32 (5000, 128)."""
    predict, digits = embedder(name), images.digits()[0]
    return np.concatenate([predict(prepare(digits[i : i + AT_ONCE])) for i in range(0, len(digits), AT_ONCE)])


def pixels() -> np.ndarray:
    """The digits themselves as a space, float32 (5000, 784)."""
    digits = images.digits()[0]
    return prepare(digits).reshape(len(digits), -1)


def triplets() -> np.ndarray:
    """Random triplets of shipped digits: numbers of anchor, positive and negative, (3, `TRIPLETS`)."""
    return draw_triplets(images.digits()[1], TRIPLETS, seed=2)


def gaps(name: str, space: Space) -> np.ndarray:
    """d₁² − d₃² of these triplets in a network's space, (`TRIPLETS`,), known beforehand."""

    def compute() -> beforehand.Arrays:
        anchor, positive, negative = space()[triplets()]
        return {"gap": distances(anchor, positive) ** 2 - distances(anchor, negative) ** 2}

    return beforehand.known(f"triplets, {name}", [_card(name)], compute)["gap"]


def of_new_class(name: str, space: Space, new_class: int) -> np.ndarray:
    """Share of the digits of a new class that are named rightly after `SHOTS` examples, known beforehand.

    Args:
        name: of a network, or "raw pixels".
        space: its embeddings; half of them are used.
        new_class: which it has not seen in training.

    Returns:
        (5,), mean of ten draws each.
    """

    def compute() -> beforehand.Arrays:
        half, labels = space()[::2], images.digits()[1][::2]
        shares = [few_shot(half, labels, new_class, shots, draws=10).of_class.mean() for shots in SHOTS]
        return {"share": np.array(shares)}

    networks = [] if name == "raw pixels" else [_card(name)]
    return beforehand.known(f"few shots, {name}, new {new_class}", networks, compute)["share"]


def _card(name: str) -> str:
    """The network with whose card a network ships: the untrained one is the first state of another."""
    return "siamese" if name == "untrained" else name
