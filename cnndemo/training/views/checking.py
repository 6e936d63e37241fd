"""The questions of the training page, computed from what is on it."""

from __future__ import annotations

from cnndemo.training.settings import Settings
from cnndemo.training.views.callbacks import history
from cnndemo.ui.panels import Question

SHOWN = 5  # epochs of which the question tells the loss


def questions(settings: Settings | None) -> list[Question]:
    """How many updates the run makes, and which epoch's weights are kept."""
    found = [updates(settings)] if settings else []
    rows, whose = history()
    kept = which_is_kept([row["val_loss"] for row in rows], whose)
    return found + ([kept] if kept else [])


def updates(settings: Settings) -> Question:
    """How often the weights are updated."""
    digits, each = settings.known, settings.updates()
    total = each * settings.epochs
    return Question(
        f"{digits:,} digits, batches of {settings.batch_size}, {settings.epochs} epochs: how often are "
        "the weights updated?",
        [f"{number:,}" for number in sorted({total, settings.epochs, digits * settings.epochs})],
        f"{total:,}",
        f"An epoch is one pass over all digits: ⌈{digits:,} / {settings.batch_size}⌉ = {each:,} updates. The book says "
        "an epoch is one batch.",
    )


def which_is_kept(losses: list[float], whose: str) -> Question | None:
    """Which of some epochs ModelCheckpoint keeps; the losses have as many digits as tell the lowest from the others."""
    if len(losses) < 3:
        return None
    best = min(range(len(losses)), key=losses.__getitem__)
    first = max(0, min(best - SHOWN // 2, len(losses) - SHOWN))
    epochs = range(first, min(first + SHOWN, len(losses)))
    told = apart([losses[epoch] for epoch in epochs])
    if told.count(min(told, key=float)) > 1:
        return None
    listed = ", ".join(f"epoch {epoch + 1}: {text}" for epoch, text in zip(epochs, told, strict=True))
    return Question(
        f"Validation losses of {whose}: {listed}. Which of these networks does ModelCheckpoint keep as the best?",
        [f"epoch {epoch + 1}" for epoch in epochs],
        f"epoch {best + 1}",
        f"{told[best - first]} is the lowest of these, and of all {len(losses)} epochs. Networks of "
        "later epochs do not take its place.",
    )


def apart(values: list[float]) -> list[str]:
    """Numbers with as many digits as tell the lowest from the others, at most eight behind the point."""
    for digits in range(2, 9):
        told = [f"{value:.{digits}f}" for value in values]
        if told.count(min(told, key=float)) == 1:
            break
    return told
