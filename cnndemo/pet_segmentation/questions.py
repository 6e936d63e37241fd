"""The questions of the pet segmentation page: what worthless masks score, and how Jaccard and Dice belong together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnndemo.pet_segmentation import metrics
from cnndemo.pet_segmentation.segmenting import animal
from cnndemo.questions import Question, about

ask = about("pet_segmentation")


def questions(answers: Mapping[str, np.ndarray], name: str) -> list[Question]:
    """To predict, then reveal.

    Args:
        answers: network -> labels of the picture, (height, width).
        name: the network that is looked at.
    """
    masks = [animal(labels) for labels in answers.values()]
    dice = round(metrics.dice(masks[0], masks[-1]), 2) if masks else 0.0
    two_networks, dice = 0 < dice < 1, dice if 0 < dice < 1 else 0.85
    jaccard = metrics.jaccard_from_dice(dice)
    about_dice = ask(
        "jaccard_of_networks" if two_networks else "jaccard_of_masks",
        jaccard, [dice, metrics.dice_from_jaccard(dice), dice / 2], dice=dice, above=2 - dice,
    )  # fmt: skip
    if name not in answers:
        return [about_dice]
    truth = animal(answers[name])
    share = float(truth.mean())
    everything = np.ones_like(truth)
    of_all = metrics.jaccard(truth, everything), metrics.dice(truth, everything)
    return [
        ask("empty", 1 - share, [share, 0.0, 1.0], share=share),
        ask("everything", of_all[0], [1 - share, 1.0, share / 2], share=share, pixels=truth.size, pet=int(truth.sum())),
        about_dice,
        ask("dice_of_all", of_all[1], [of_all[0], of_all[0] / 2, 1.0], jaccard=of_all[0]),
    ]
