"""Which ink to believe: several guesses at the ink, and a small network that says which of their strokes are digits.

The book's classifier has ten answers and no eleventh; asked about a plus, it says 4. So a second network, trained on
digits and on what is none, stands before it. It also decides which guess at the ink is the best, and where digits that
touch are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import cv2
import numpy as np

from cnndemo.digit_classifier.ink import Ink, NoInk, calm, find_ink
from cnndemo.digit_classifier.preparation import Box, as_input, stroke_width
from cnndemo.digit_classifier.segmentation import MAX_DIGITS, Group, cut, cuts, digits, reading_order, shrunk
from cnndemo.digit_classifier.strokes import best_channels, bold_ink, contrast, thin_ink

JUDGE = "not_a_digit"
NONE, SEVERAL = 10, 11
"""Indices of the judge's answers “not a digit” and “several digits that touch”."""
THRESHOLD = 0.3
"""Something is a digit if the judge gives all ten together more than this."""
STROKES, BOLDLY, WHOLE = "strokes", "bold strokes", "all that is dark or light"
"""What a guess takes for ink: what is narrow; one of two tones; what differs from the light of the whole picture."""
BOLD, TWO_TONES = 0.2, 3.0
"""Where each of two tones covers more than this part of a picture, its strokes may be very bold; half where it has no
other tones, that is, where the two are further apart than this many times their spread."""
DOUBTFUL = 0.05
"""Among many digits, it is one from this on."""
BOLDLY_DIGIT = 0.2
"""A bold stroke that is all there is in the picture is a digit from this on."""
SURE = 0.9
"""A guess is taken at once, if the judge is so sure of each of its digits and there is nothing else."""

Judge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Judged:
    """A group of strokes and what the judge thinks of it: probabilities of ten digits, `NONE`, `SEVERAL`, (12,).

    A `rule` runs through the whole picture, maybe with digits on it.
    """

    group: Group
    probabilities: np.ndarray
    rule: bool = False

    @property
    def is_digit(self) -> bool:
        return self.certainty > max(THRESHOLD, float(self.probabilities[SEVERAL]))

    @property
    def certainty(self) -> float:
        """The probability that it is one of the ten."""
        return float(self.probabilities[:NONE].sum())

    @property
    def is_several(self) -> bool:
        return float(self.probabilities[SEVERAL]) > 0.4

    @property
    def quality(self) -> float:
        """The probability of the likeliest digit."""
        return float(self.probabilities[:NONE].max())

    @property
    def height(self) -> int:
        return self.group.box[2]

    @cached_property
    def depth(self) -> float:
        """How strong its ink is on average, 0 to 1."""
        strength = self.group.strength
        return float(strength[strength > 0.15].mean()) if (strength > 0.15).any() else 0.0

    @cached_property
    def ink(self) -> float:
        """How much ink it has, in pixels."""
        return float(self.group.strength.sum())


@dataclass(frozen=True)
class Look:
    """A guess at the ink, and what was found in it.

    Attributes:
        ink: where the ink is.
        digits: in reading order.
        others: strokes that are no digits, of some size.
    """

    ink: Ink
    digits: tuple[Judged, ...]
    others: tuple[Judged, ...]

    @property
    def clear(self) -> bool:
        """Sure digits, and what else there is, is surely none and little."""
        sure = [one.quality for one in self.digits] + [1 - one.quality for one in self.others]
        if any(one.rule for one in self.others):
            return False
        return bool(self.digits) and min(sure) >= SURE and len(self.others) <= len(self.digits) + 1

    def whole(self, image: np.ndarray) -> bool:
        """All that is in the picture is in this ink, and nothing in it is so large that it may be a rule or a frame."""
        side = 0.6 * min(image.shape[:2])
        small = all(max(one.group.box[2:]) < side for one in self.others)
        return small and unexplained(image, self.ink) < 0.1

    def bold(self, image: np.ndarray) -> bool:
        """Nothing but digits that nearly fill the picture."""
        if self.others or not 0 < len(self.digits) < 4:
            return False
        width = [stroke_width(one.group.strength) / one.height for one in self.digits]
        least = min(one.quality for one in self.digits)
        if self.fills(image.shape):
            sure = least > BOLDLY_DIGIT and 0.15 < max(width) < 0.48
        else:
            sure = least > 0.85 and max(width) < 0.4
        if not sure or min(width) < 0.1:  # thinner than bold, or a half of the picture
            return False
        tall = min(one.height for one in self.digits) > 0.45 * image.shape[0]
        all_ink = sum(one.ink for one in self.digits) > 0.9 * float(self.ink.strength.sum())
        return tall and all_ink and unexplained(image, self.ink) < 0.1

    def fills(self, shape: tuple[int, ...]) -> bool:
        """One digit, cut off at all four edges of the picture, or nearly so."""
        top, left, height, width = self.digits[0].group.box
        return len(self.digits) == 1 and height > 0.95 * shape[0] and width > 0.95 * shape[1]

    @property
    def unknown(self) -> float:
        """How much ink was not recognised; rules apart."""
        return self.ink.contrast * sum(one.ink for one in self.others if not one.rule)

    @property
    def score(self) -> float:
        """How much ink was recognised: sure digits count for it, other strokes and doubtful digits against it."""
        known = sum(one.ink * (2 * one.quality - 1) for one in self.digits)
        return self.ink.contrast * (known - 0.3 * sum(one.ink for one in self.others))


@lru_cache(maxsize=1)
def shipped_judge() -> Judge:
    """The second network: float32 (n, 28, 28, 1) -> (n, 12)."""
    from cnndemo import inference

    return inference.predictor(JUDGE)


def look(image: np.ndarray, judge: Judge | None = None) -> Look:
    """Find the digits of a picture.

    Args:
        image: uint8 (height, width) or (height, width, 3), at most `WORKING_SIDE` pixels long.
        judge: float32 (n, 28, 28, 1) -> (n, 12); default the shipped network.

    Returns:
        The best look; it may have no digits, but then it has others.

    Raises:
        NoInk: there is no ink at all.
    """
    judge = judge or shipped_judge()
    best, refusal, settled = None, None, None
    for some, kind in guesses(image):
        found = []
        for guess in some:
            try:
                found.append(judged(guess(), judge, kind))
            except NoInk as error:
                refusal = refusal or error
        if kind == BOLDLY:
            if bold := _bold(found, image):
                return bold
            continue
        for one in found:
            if settled in (None, one.ink.dark) and (
                best is None or one.score > max(1.2 * best.score, 0.25 * best.unknown)
            ):
                best = one
        if best is not None and (best.clear or (kind == STROKES and best.whole(image))):
            break
        if kind == STROKES and settled is None and best is not None and unexplained(image, best.ink) < 0.1:
            settled = best.ink.dark  # all edges are those of its strokes: what lies between them is paper
    if best is not None and best.digits and not best.clear:
        best = _read_otherwise(best, image, judge)
    if best is None or not (best.digits or best.others):
        raise refusal or NoInk("There is nothing to read yet: draw a digit.")
    return best


def _bold(sides: list[Look], image: np.ndarray) -> Look | None:
    """Of the two sides of a threshold, that which is a bold digit and has none written in it."""
    for number, side in enumerate(sides):
        written = [one.quality for other in sides[:number] + sides[number + 1 :] for one in other.digits]
        if side.bold(image) and max(written, default=0) <= min(one.quality for one in side.digits):
            return side
    return None


def _read_otherwise(doubtful: Look, image: np.ndarray, judge: Judge) -> Look:
    """The same digits in the ink of `find_ink`, if it has them: on that ink the book's network was measured."""
    try:
        other = judged(find_ink(image), judge)
    except NoInk:
        return doubtful
    sure, before = (sum(one.quality for one in found.digits) for found in (other, doubtful))
    return other if len(other.digits) == len(doubtful.digits) and sure > 0.8 * before else doubtful


def guesses(image: np.ndarray) -> Iterator[tuple[list[Callable[[], Ink]], str]]:
    """Ways to find the ink, the most usual first: functions that may raise `NoInk`, and what they take for ink."""
    if min(image.shape[:2]) < 40:
        yield [lambda: find_ink(image)], WHOLE
    if min(image.shape[:2]) < 8:
        return
    color = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    color = calm(color)
    apart, covered, inks = bold_ink(color)
    if covered > (BOLD if apart < TWO_TONES else BOLD / 2):
        yield [lambda ink=ink: ink for ink in inks], BOLDLY
    window = max(7, round(0.25 * min(color.shape[:2]))) | 1
    for channel, dark in best_channels(color):
        found = contrast(channel, window)
        yield [partial(thin_ink, found, dark)], STROKES
        yield [partial(thin_ink, found, dark, level=0.68)], STROKES
        yield [partial(thin_ink, found, dark, level=0.3, rules=True)], STROKES
    yield [lambda: find_ink(image)], WHOLE


def unexplained(image: np.ndarray, ink: Ink) -> float:
    """Part of a picture's edges, weighted by their strength, that are not at the edge of its ink."""
    scale = min(1.0, 300 / max(image.shape[:2]))
    small, strength = (
        cv2.resize(a, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for a in (image, ink.picture)
    )
    edges = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    edges = edges.max(axis=2) if edges.ndim == 3 else edges
    edges = cv2.subtract(edges, max(20.0, 0.2 * float(edges.max()))).astype(np.float32)
    near = cv2.dilate(strength, np.ones((5, 5), np.uint8)) > 60
    return float(edges[~near].sum() / max(1.0, edges.sum()))


def judged(ink: Ink, judge: Judge, kind: str = WHOLE) -> Look:
    """What the strokes of an ink are.

    Of strokes, what runs from one edge of the picture to the other is a rule; bold ones are taken as they are.
    """
    groups = digits(ink.strength)
    if not groups:
        raise NoInk("Only specks were found, no digit. Please draw larger or move closer.")
    found = []
    for one in ask(groups, judge):
        if kind == STROKES and runs_through(one.group.box, ink.strength.shape):
            found.append(Judged(one.group, np.eye(12, dtype=np.float32)[NONE], rule=True))
        else:
            found += [one] if one.is_digit or kind == BOLDLY else taken_apart(one, judge)
    rings = [one for one in found if any(around(one.group.box, other.group.box) for other in found)]
    found = [one for one in found if not any(one is ring for ring in rings)]
    accepted = _beside_each_other(_with_company(found, kind), ink.strength.shape)
    tallest = max((one.height for one in accepted), default=0)
    rest = [one for one in found if not any(one is other for other in accepted)]
    others = [one for one in rest if not one.is_digit and max(one.group.box[2:]) >= 0.35 * tallest]
    named = {id(one.group): one for one in accepted}
    return Look(ink, tuple(named[id(group)] for group in reading_order([one.group for one in accepted])), tuple(others))


def _with_company(found: list[Judged], kind: str) -> list[Judged]:
    """The digits; and what is doubtful, but as high as the many sure ones around it: it is one of them.

    Twice as many must be sure; five times for what may be a 1, since a slash may be, too. One bold stroke that fills
    the picture is rather a digit than not: cut off on all sides, a 0 looks like a box.
    """
    if kind == BOLDLY and len(found) == 1 and found[0].certainty > BOLDLY_DIGIT:
        return found
    accepted = [one for one in found if one.is_digit]
    doubtful = [one for one in found if not one.is_digit and one.certainty > DOUBTFUL]
    usual = float(np.median([one.height for one in accepted])) if accepted else 0.0
    for one in doubtful:
        many = 5 if one.probabilities[:NONE].argmax() == 1 else 2
        if len(accepted) >= many * len(doubtful) and 0.7 * usual < one.height < 1.4 * usual:
            accepted.append(one)
    return accepted


def _beside_each_other(found: list[Judged], shape: tuple[int, ...]) -> list[Judged]:
    """Digits that go together: not much smaller or paler than the others, or cut off by the edge of the picture."""
    if not found:
        return found
    tallest, darkest = max(one.height for one in found), max(one.depth for one in found)
    kept = []
    for one in found:
        top, left, height, width = one.group.box
        at_edge = min(top, left) <= 1 or top + height >= shape[0] - 1 or left + width >= shape[1] - 1
        line = at_edge and len(found) > 1 and one.probabilities[:NONE].argmax() == 1  # the edge of the sheet, a finger
        if height >= (0.7 if at_edge else 0.35) * tallest and one.depth > 0.6 * darkest and not line:
            kept.append(one)
    return sorted(kept, key=lambda one: -one.height)[:MAX_DIGITS]


def runs_through(box: Box, shape: tuple[int, ...]) -> bool:
    """Whether a box reaches from one edge of a picture to the opposite one."""
    top, left, height, width = box
    return (left <= 1 and left + width >= shape[1] - 1) or (top <= 1 and top + height >= shape[0] - 1)


def around(box: Box, other: Box) -> bool:
    """Whether a box holds another of at least a quarter of its height: then its ink is a ring, cut off by the edge."""
    rows = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    columns = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    inside = rows > 0.95 * other[2] and columns > 0.95 * other[3]
    return inside and 0.25 * box[2] < other[2] < 0.9 * box[2] and other[3] < 0.9 * box[3]


def field(group: Group) -> np.ndarray:
    """A group of strokes as the judge sees it, float32 (28, 28) in [0, 1]."""
    return as_input(shrunk(group, 80).strength)


def ask(groups: list[Group], judge: Judge) -> list[Judged]:
    """The judge's opinion of each group, in one batch."""
    if not groups:
        return []
    fields = np.stack([field(group) for group in groups])[..., None]
    return [Judged(group, row) for group, row in zip(groups, judge(fields), strict=True)]


def taken_apart(whole: Judged, judge: Judge, depth: int = 2) -> list[Judged]:
    """What is no digit as it is: its loose strokes one by one, or digits that touch, cut; else the whole."""
    parts = ask(list(whole.group.parts), judge)
    if any(part.is_digit and part.quality > 0.8 for part in parts):
        return [piece for part in parts for piece in ([part] if part.is_digit else taken_apart(part, judge, depth))]
    if not whole.is_several:
        return [whole]
    small = shrunk(whole.group, 100)
    tried = [(where, pair) for where in cuts(small) if (pair := cut(small, where))]
    opinions = ask([half for _, pair in tried for half in pair], judge)
    rated = [
        (where, *both) for (where, _), both in zip(tried, zip(opinions[::2], opinions[1::2], strict=True), strict=True)
    ]
    if not rated:
        return [whole]
    where, left, right = max(rated, key=lambda entry: entry[1].quality * entry[2].quality)
    if left.quality * right.quality > 0.6 and (pair := cut(whole.group, where)):
        return ask(list(pair), judge)
    for where, left, right in sorted(rated, key=lambda entry: -max(entry[1].quality, entry[2].quality))[: 2 * depth]:
        if max(left.quality, right.quality) > 0.8 and (pair := cut(whole.group, where)):
            first, second = ask(list(pair), judge)
            sure, rest = (first, second) if left.quality > right.quality else (second, first)
            pieces = taken_apart(rest, judge, depth - 1)
            if len(pieces) > 1 and all(piece.is_digit for piece in pieces):
                return [sure, *pieces] if sure is first else [*pieces, sure]
    return [whole]
