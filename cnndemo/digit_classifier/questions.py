"""The questions of the digit page: the ten probabilities, and where the parameters are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnndemo.questions import Question, about

ask = about("digit_classifier")


def questions(probabilities: np.ndarray, rows: Sequence[dict[str, Any]], kernel: np.ndarray) -> list[Question]:
    """To predict, then reveal.

    Args:
        probabilities: of the digits, float32 (classes,).
        rows: of the network's summary, with `layer` and `parameters`.
        kernel: of its last layer, float32 (inputs, classes).
    """
    first, second, *others = np.argsort(-probabilities, kind="stable").tolist()
    sure = float(probabilities[first])
    inputs, classes = kernel.shape
    last = inputs * classes + classes
    largest = max(rows, key=lambda row: row["parameters"])
    total = sum(row["parameters"] for row in rows)
    rest = [row["layer"] for row in rows if row["parameters"] < largest["parameters"]]
    return [
        ask("rest", 1 - sure, [sure, sure / 9, 0.1], digit=first, sure=sure),
        ask(
            "second", str(second), [str(digit) for digit in others[:2]],
            digit=first, share=float(probabilities[second]), next=float(probabilities[others[0]]),
        ),
        ask("last", last, [inputs * classes, inputs + classes, inputs * inputs], inputs=inputs, classes=classes),
        ask(
            "largest", largest["layer"], rest or ["input"],
            most=largest["parameters"], total=total, share=largest["parameters"] / max(total, 1),
        ),
    ]  # fmt: skip
