"""The questions of the training page: updates, losses, rates, and which network is kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cnndemo.questions import Question, about
from cnndemo.training.settings import Settings

ask = about("training")
SHOWN = 5  # epochs of which the question tells the loss
FALLS = 3  # how often the rate is lowered


def questions(
    settings: Settings, losses: Sequence[float], probability: float = 0.6, factor: float = 0.2
) -> list[Question]:
    """To predict, then reveal.

    Args:
        settings: of the run.
        losses: on the validation digits, epoch by epoch.
        probability: of the right class, as set under “How it works”.
        factor: of ReduceLROnPlateau, as set under “Callbacks”.
    """
    loss = -math.log(probability)
    rate = settings.rate * factor**FALLS
    found = [
        updates(settings),
        ask("loss", loss, [1 - probability, probability, 2 * loss], probability=probability),
        ask(
            "rate", rate, [settings.rate * factor, settings.rate / FALLS, settings.rate * factor / FALLS],
            rate=settings.rate, factor=factor, falls=FALLS,
        ),
    ]  # fmt: skip
    if kept := which_is_kept(losses):
        found.append(kept)
    if losses:
        last = losses[-1]
        sure = math.exp(-last)
        found.append(ask("sure", sure, [last, max(0.0, 1 - 2 * last), sure / 2], last=last, epochs=len(losses)))
    return found


def updates(settings: Settings) -> Question:
    """How often the weights are updated."""
    digits, each = settings.known, settings.updates()
    return ask(
        "updates", each * settings.epochs, [settings.epochs, digits * settings.epochs, each],
        digits=digits, batch=settings.batch_size, epochs=settings.epochs, each=each,
    )  # fmt: skip


def which_is_kept(losses: Sequence[float]) -> Question | None:
    """Which of some epochs ModelCheckpoint keeps; the losses have as many digits as tell the lowest from the others."""
    if len(losses) < 3:
        return None
    best = min(range(len(losses)), key=losses.__getitem__)
    first = max(0, min(best - SHOWN // 2, len(losses) - SHOWN))
    epochs = range(first, min(first + SHOWN, len(losses)))
    told = [losses[epoch] for epoch in epochs]
    digits = apart(told)
    if digits is None:
        return None
    return ask(
        "kept", best + 1, [epoch + 1 for epoch in epochs if epoch != best],
        epochs=[epoch + 1 for epoch in epochs], losses=told, digits=digits, lowest=losses[best], all=len(losses),
    )  # fmt: skip


def apart(values: Sequence[float]) -> int | None:
    """How many digits behind the point, two to eight, tell the lowest from the others; None if not even eight do."""
    for digits in range(2, 9):
        told = [f"{value:.{digits}f}" for value in values]
        if told.count(min(told, key=float)) == 1:
            return digits
    return None
