"""The questions of the face verification page: the distance, both errors, and what many comparisons do to them."""

from __future__ import annotations

import math

from cnndemo.face_verification.rates import Rates
from cnndemo.questions import Question, about

ask = about("face_verification")
PEOPLE = 50  # of a company, one picture each


def questions(measured: Rates, threshold: float, apart: float | None) -> list[Question]:
    """To predict, then reveal.

    Args:
        measured: distances of the card's pairs.
        threshold: as set.
        apart: distance of the two faces, None without.
    """
    friends, strangers = int(measured.same.sum()), int(measured.different.sum())
    let_in, also = measured.below(threshold)[1], measured.below(threshold)[0]
    stricter = round(threshold - 0.1, 2)
    fewer, kept_out = let_in - measured.below(stricter)[1], also - measured.below(stricter)[0]
    wrong = measured.false_accept(threshold)
    at_all = 1 - (1 - wrong) ** PEOPLE
    found = [
        ask(
            "strangers", let_in, [also, friends - also, strangers - let_in],
            threshold=threshold, of=strangers, share=wrong,
        ),
        ask(
            "stricter", "both_fewer", ["both_more", "strangers_only"],
            threshold=threshold, stricter=stricter,
            strangers=strangers, fewer=fewer, friends=friends, kept_out=kept_out,
        ),
        ask("joins", "nothing", ["last_layer", "all"], numbers=128),
        ask("many", at_all, [wrong, wrong / PEOPLE, min(1.0, wrong * PEOPLE)], people=PEOPLE, wrong=wrong),
    ]  # fmt: skip
    if apart is None:
        return found
    total = apart**2
    return [ask("distance", math.sqrt(total), [total, total / 2, total / 128], total=total), *found]
