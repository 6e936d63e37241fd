"""Is a network that says 90 % right nine times in ten? And what would an answer “none of these” cost?

The figures of the shipped networks stand on their cards; the training scripts put them there with `table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnndemo import weights
from cnndemo.calibration import Diagram, cross_entropy, diagram, softened
from cnndemo.errors import VisitorError

TEMPERATURES = (0.25, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)
SHARES = 100  # steps in which the card knows the energies of the test pictures


def energy(scores: np.ndarray) -> np.ndarray:
    """The energy score of Liu et al. 2020, −log Σ exp(scores): low for what is like the training pictures.

    The softmax forgets how high the scores are, and only keeps how they differ; this is the part that it forgets.

    Args:
        scores: logits (…, classes).

    Returns:
        (…,).
    """
    scores = np.asarray(scores, np.float64)
    top = scores.max(axis=-1)
    return -(top + np.log(np.exp(scores - top[..., None]).sum(axis=-1)))


def table(scores: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What a card says of a network's certainty.

    Args:
        scores: logits of test pictures, (n, classes).
        labels: their classes, (n,).

    Returns:
        For each of `TEMPERATURES` the diagram and the mean negative log-likelihood; quantiles of the energies and of
        the highest probabilities, in `SHARES` steps.
    """
    rows = []
    for temperature in TEMPERATURES:
        probabilities = softened(scores, temperature)
        found = diagram(probabilities, labels)
        rows.append(
            {
                "temperature": temperature,
                "loss": round(cross_entropy(probabilities, labels), 5),
                "count": found.count.tolist(),
                "confidence": found.confidence.round(4).tolist(),
                "accuracy": found.accuracy.round(4).tolist(),
            }
        )
    steps = np.linspace(0, 1, SHARES + 1)
    return {
        "samples": len(labels),
        "split": "test",
        "temperatures": rows,
        "energy": np.quantile(energy(scores), steps).round(4).tolist(),
        "surest": np.quantile(softened(scores).max(axis=1), steps).round(6).tolist(),
    }


@dataclass(frozen=True)
class Certainty:
    """What a card says of a network's certainty, see `table`."""

    samples: int
    diagrams: dict[float, Diagram]
    losses: dict[float, float]
    energies: np.ndarray
    surest: np.ndarray

    @property
    def best(self) -> float:
        """The temperature at which its probabilities fit best: the lowest negative log-likelihood."""
        return min(self.losses, key=self.losses.get)

    def threshold(self, cost: float) -> float:
        """The energy above which an answer is refused, if a share `cost` of the real pictures may be lost."""
        return float(np.interp(1 - cost, np.linspace(0, 1, len(self.energies)), self.energies))

    def least(self, cost: float) -> float:
        """The same for the highest probability: below it an answer is refused."""
        return float(np.interp(cost, np.linspace(0, 1, len(self.surest)), self.surest))


def certainty(name: str) -> Certainty:
    """From the card of a network.

    Raises:
        VisitorError: the card does not say it.
    """
    about = weights.card(name).get("calibration")
    if not about:
        raise VisitorError(
            f"The card of “{name}” does not say how far its certainty can be trusted. "
            f"Let it be measured: {weights.command(name).removesuffix(' --publish')} --measure"
        )
    rows = about["temperatures"]
    return Certainty(
        about["samples"],
        {r["temperature"]: Diagram(*(np.array(r[key]) for key in ("count", "confidence", "accuracy"))) for r in rows},
        {row["temperature"]: row["loss"] for row in rows},
        np.array(about["energy"]),
        np.array(about["surest"]),
    )
