"""The questions of the convolution page: area, mean and width of the result, from those of the two curves."""

from __future__ import annotations

import math

from cnndemo.convolution.curves import Curve, convolve_curves, describe, moments
from cnndemo.questions import Question, about

ask = about("convolution")


def questions(f: Curve, g: Curve, flip: bool) -> list[Question]:
    """To predict, then reveal, about two curves; of a curve without area only the area can be asked."""
    of_f, of_g = describe(f), describe(g)
    t, values = convolve_curves(f, g, flip)
    both = moments(t, values)
    areas = of_f["area"], of_g["area"]
    found = [ask("area", both["area"], [sum(areas), 0.0, max(areas) / 2], first=areas[0], second=areas[1])]
    if not all(math.isfinite(of["mean"]) for of in (of_f, of_g, both)):
        return found
    first, second = of_f["mean"], of_g["mean"]
    wide = of_f["deviation"], of_g["deviation"]
    twice = math.hypot(wide[0], wide[1], wide[1])
    return [
        *found,
        ask(
            "mean_flipped" if flip else "mean_kept", both["mean"],
            [first - second if flip else first + second, first, second], first=first, second=second,
        ),
        ask("width", both["deviation"], [sum(wide), *wide], first=wide[0], second=wide[1]),
        ask(
            "twice", twice, [both["deviation"], both["deviation"] + wide[1], 2 * both["deviation"]],
            width=both["deviation"], second=wide[1],
        ),
    ]  # fmt: skip
