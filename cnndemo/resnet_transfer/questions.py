"""The questions of the transfer page: how sure an answer is, what a new head costs, what the experiment shows."""

from __future__ import annotations

import numpy as np

from cnndemo import weights
from cnndemo.errors import VisitorError
from cnndemo.models.efficientnet_lite0 import FEATURES
from cnndemo.questions import Question, about
from cnndemo.resnet_transfer.resnet50 import listing_4_3

ask = about("resnet_transfer")


def questions(
    probabilities: np.ndarray | None, label: str, network: str, classes: int, pictures: int
) -> list[Question]:
    """To predict, then reveal.

    Args:
        probabilities: what a network says of the picture, (classes,); None if it was not asked.
        label, network: the likeliest class, and who says so.
        classes, pictures: of the set that a head is taught with.
    """
    found = []
    if probabilities is not None:
        sure, others = float(probabilities.max()), len(probabilities) - 1
        found.append(
            ask(
                "rest", 1 - sure, [sure, sure / 2, 1 / len(probabilities)],
                sure=sure, label=label, network=network, others=others,
            )
        )  # fmt: skip
    head = FEATURES * classes + classes
    found.append(
        ask(
            "head",
            head,
            [FEATURES * classes, FEATURES + classes, FEATURES * pictures],
            features=FEATURES,
            classes=classes,
        )
    )
    return [*found, *_of_the_cards(classes, head, pictures)]


def _of_the_cards(classes: int, head: int, pictures: int) -> list[Question]:
    """About weights and pictures, and about the book's experiment as `train/cifar10_transfer.py` measured it."""
    found = [
        ask(
            "per_picture", head / max(pictures, 1), [pictures / max(classes, 1), float(head), float(pictures)],
            head=head, pictures=pictures, classes=classes,
        )
    ]  # fmt: skip
    try:
        rows = weights.card("cifar10_transfer")["experiments"]
    except VisitorError:
        rows = []
    measured = {row["input"]: row["accuracy"] for row in rows if row["trained"] == "head"}
    scaled, padded = measured.get("scaled to 96"), measured.get("padded to 224")
    if scaled is not None and padded is not None and scaled != padded:
        right = "scaled" if scaled > padded else "padded"
        found.append(ask("padded", right, ["padded", "scaled"], scaled=scaled, padded=padded))
    train = {row["layer"]: row["train"] for row in listing_4_3() if row["train"]}
    right = max(train, key=train.get)
    found.append(ask("listing", right, list(train), backbone=train["resnet50"], dense=train["dense"]))
    return found
