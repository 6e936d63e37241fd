"""The questions of the augmentation page: mixed labels, batches, masks, and uneven classes."""

from __future__ import annotations

from collections.abc import Mapping

from cnndemo.augmentation.data_sets import balance
from cnndemo.augmentation.pipeline import Pipeline
from cnndemo.questions import Question, about

ask = about("augmentation")


def questions(pipeline: Pipeline, weight: float, size: int, batch: int, counts: Mapping[str, int]) -> list[Question]:
    """To predict, then reveal.

    Args:
        pipeline: of the page.
        weight: of the first of two pictures that are mixed.
        size, batch: side and number of the pictures that the data generator hands out.
        counts: class -> pictures, of the uneven classes.
    """
    steps = len(pipeline.steps)
    moving = sum(step.operation.mask == "moves" for step in pipeline.steps)
    values = batch * size * size * 3
    most, few, every = max(counts.values()), min(counts.values()), sum(counts.values())
    repeated = min(balance(counts, "oversample"), key=lambda row: row.originals)
    return [
        ask("label", 1 - weight, [weight, 0.5, 0.0], weight=weight),
        ask("batch", values, [batch * size * size, size * size * 3, batch * size * 3], batch=batch, size=size),
        ask("masks", moving, [steps - moving, steps, moving + 1], steps=steps, rest=steps - moving),
        ask("always", most / every, [1 / len(counts), few / every, 1.0 - few / most], most=most, every=every),
        ask(
            "copies", repeated.copies, [1.0, repeated.copies / len(counts), float(repeated.shown)],
            most=most, few=few, shown=repeated.shown,
        ),
    ]  # fmt: skip
