"""The questions of the normalization page: where the bowl bursts, what a step leaves, which rescaling helps."""

from __future__ import annotations

from cnndemo.normalization.descent import SCALINGS, condition_when_scaled, make
from cnndemo.questions import Question, about

ask = about("normalization")
Range = tuple[float, float]
STEPS = 10


def questions(first: Range, second: Range, rate: float) -> list[Question]:
    """To predict, then reveal, about the bowl of two features as they are; a flat bowl has no condition number."""
    problem = make(first, second)
    condition, steepest = problem.condition, float(problem.curvatures[-1])
    factor = 1 - rate * steepest
    after = abs(factor) ** STEPS
    better = min(SCALINGS, key=lambda key: make(first, second, key).condition)
    found = [
        ask("bursts", 2 / steepest, [1 / steepest, 4 / steepest, steepest], steepest=steepest),
        ask("step", factor, [1 - rate, rate * steepest, 1 + rate * steepest], rate=rate, steepest=steepest),
    ]
    if condition < 1e12:
        grown, slow = condition_when_scaled(first, second, 10), (condition - 1) / (condition + 1)
        found += [
            ask("ten", grown, [1.0, 10.0, 100.0], condition=condition),
            ask("slowest", slow, [1 / condition, 0.5, 1.0], condition=condition),
        ]
    else:
        found.append(
            ask("ten_steps", after, [abs(factor) * STEPS, abs(factor) / STEPS], factor=abs(factor), steps=STEPS)
        )
    roundest = make(first, second, better).condition
    return [*found, ask("roundest", better, [key for key in SCALINGS if key != better], roundest=roundest)]
