"""The questions of the page on fooling a network: how far, in which steps, and why so little is enough."""

from __future__ import annotations

import math

import numpy as np

from cnndemo.fool_it.fooling import Fooled
from cnndemo.questions import Question, about

ask = about("fool_it")
GRAY, WEIGHT = 200, 0.01  # a grey level, and the mean size of a weight of a score that only adds up


def questions(values: int, epsilon: int, steps: int, result: Fooled | None) -> list[Question]:
    """To predict, then reveal.

    Args:
        values: numbers of the picture.
        epsilon: grey levels that each may move by.
        steps: of the attack.
        result: what came of it, once it is there.
    """
    step = epsilon if steps == 1 else 2.5 * epsilon / steps
    pulled, thrown = values * WEIGHT * epsilon, math.sqrt(values) * WEIGHT * epsilon
    found = [
        ask("most", min(GRAY + epsilon, 255), [GRAY, GRAY + epsilon // 2, 255], gray=GRAY, epsilon=epsilon),
        ask("step", float(step), [epsilon / steps, float(epsilon), epsilon * 2.5], epsilon=epsilon, steps=steps),
    ]
    if result is not None:
        found += _of(result)
    return [
        *found,
        ask("pulled", pulled, [WEIGHT * epsilon, thrown, pulled / 2], values=values, epsilon=epsilon, weight=WEIGHT),
        ask("thrown", thrown, [pulled, WEIGHT * epsilon, 0.0], values=values, pulled=pulled, root=math.sqrt(values)),
    ]


def _of(result: Fooled) -> list[Question]:
    """How much of the picture was changed, and what the reversed change would do."""
    before, after, _ = result.classes
    first, second = result.pictures[:2].astype(int)
    moved = int((first != second).sum())
    share = moved / first.size
    part = "few" if share < 0.1 else "some" if share <= 0.5 else "most"
    found = [ask("part", part, ["few", "some", "most"], moved=moved, values=first.size, share=share)]
    if after != before:
        other = np.clip(2 * first - second, 0, 255).astype(np.uint8)
        answer = result.reader.ask(other[None])[0]
        labels = result.reader.labels
        read, not_read = (before, after) if answer[before] >= answer[after] else (after, before)
        found.append(
            ask("reversed", labels[read], [labels[not_read]], sure=float(answer[read]), unsure=float(answer[not_read]))
        )
    return found
