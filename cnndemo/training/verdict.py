"""What the curves of a run say, in a sentence with their numbers."""

from __future__ import annotations

import numpy as np

from cnndemo.training.run import Run


def verdict(run: Run) -> str:
    """Overfitting, underfitting, a rate that is too high or too low, or all well."""
    last, held = run.history[-1], [row["val_loss"] for row in run.history]
    best = int(np.argmin(held)) + 1
    classes = len(run.own.classes) if run.own else 10
    guessing = last["val_accuracy"] < 2 / classes
    if not last["loss"] < 100 or (guessing and len(held) > 1 and last["loss"] > 0.85 * np.log(classes)):
        return (
            "**It does not learn.** A rate that is too high throws the weights about; one that is too low hardly moves "
            f"them. Guessing is right one time in {classes}."
        )
    if run.settings.wrong and len(held) > 3 and best < len(held) / 2:
        return (
            f"**It has begun to learn the lies.** After epoch {best} the validation loss rose, because it learns the "
            f"{run.settings.wrong:.0%} wrong labels by heart. The best network is the one before that."
        )
    gap = last["accuracy"] - last["val_accuracy"]
    if gap > 0.08 and best < len(held):
        return (
            f"**Overfitting.** {last['accuracy']:.0%} of its own digits are right, {last['val_accuracy']:.0%} of new "
            f"ones. After epoch {best} the validation loss was never as low again: there one would have stopped."
        )
    if last["accuracy"] < 0.9 and gap < 0.05 and len(held) > 4 and held[-3] - held[-1] < 0.1:
        return (
            f"**Underfitting.** It reads only {last['accuracy']:.0%} of the very digits that it learns from: this "
            "network is too small for them."
        )
    rates = [row["learning_rate"] for row in run.history]
    if cut := next((at for at in range(1, len(rates)) if rates[at] < rates[at - 1]), 0):
        before, after = min(held[:cut]), min(held[cut:])
        if after < before:
            return (
                f"**Rescued from a plateau.** The rate fell after epoch {cut}, and the validation loss from "
                f"{before:.4f} to {after:.4f}."
            )
    if run.history[0]["val_loss"] > held[-1] and best == len(held):
        return "**Still learning.** The last epoch is the best so far; more of them may help."
    return f"**Settled.** The validation loss was lowest after epoch {best}: {min(held):.3f}."
