"""The questions of the Siamese networks page: losses of the present pair, both errors, and shared weights."""

from __future__ import annotations

from cnndemo.questions import Question, about
from cnndemo.siamese.pairs import Curve

ask = about("siamese")


def questions(distance: float, threshold: float, curve: Curve, base: int, margin: float = 1.0) -> list[Question]:
    """To predict, then reveal.

    Args:
        distance, threshold: of the pair, and as set.
        curve: both errors over the threshold.
        base: parameters of the base network.
        margin: of the contrastive loss, as set.
    """
    accept, reject = curve.at(threshold)
    stricter = curve.at(threshold * 0.7)
    missing = max(margin - distance, 0.0)
    return [
        ask("same", distance**2, [distance, 2 * distance, missing], distance=distance),
        ask("inputs", base, [2 * base, 3 * base], base=base),
        ask(
            "different", missing**2, [distance**2, missing, margin**2],
            distance=distance, margin=margin, missing=missing,
        ),
        ask(
            "lower", "rejects", ["accepts", "neither"], threshold=threshold,
            accept=accept, accept_then=stricter[0], reject=reject, reject_then=stricter[1],
        ),
    ]  # fmt: skip
