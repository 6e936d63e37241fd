"""The questions of the book index: what the search shows, and four places where the book's numbers do not fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnndemo.book_index.entries import Entry
from cnndemo.book_index.errata.layers import OUTPUTS, softmax
from cnndemo.pet_segmentation.metrics import dice_from_jaccard
from cnndemo.questions import Question, about

ask = about("book_index")


def questions(found: Sequence[Entry], all_entries: int) -> list[Question]:
    """To predict, then reveal, about the entries that are shown, and about the errata."""
    listings = sum(entry.kind == "listing" for entry in found)
    share = float(softmax(OUTPUTS)[2])
    jaccard, weight, layers = 0.88, 0.8, 100
    left = float(np.float32(weight) ** np.float32(layers))
    return [
        ask(
            "listings", listings, [len(found) - listings, len(found), all_entries],
            shown=len(found), figures=len(found) - listings,
        ),
        ask("percent", share, [share / 100, 1 - share, share / 10], output=float(OUTPUTS[2]), share=share),
        ask("dice", dice_from_jaccard(jaccard), [0.85, jaccard, jaccard / 2], jaccard=jaccard),
        ask("vanished", left, [0.0, weight / layers, weight * layers], weight=weight, layers=layers),
    ]  # fmt: skip
