"""Ink told from everything that is wider than a stroke, and from the rules of the paper.

A morphological closing with a window wider than the pen paints over all dark strokes, and leaves the table, the shadow
and the finger as they are, for they are wider than the window: what the closing changes is the ink. This is done in the
colour channel that shows the strokes best, so that red on green is seen when both are equally bright.
"""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo.digit_classifier.ink import Ink, NoInk
from cnndemo.digit_classifier.preparation import stroke_width

FAINTEST = 22
"""Contrast, of 255, below which nothing is ink."""


def contrast(channel: np.ndarray, window: int) -> np.ndarray:
    """How much darker each pixel is than the ground that a closing finds around it.

    Args:
        channel: uint8 (height, width), dark strokes.
        window: side of the closing's square in pixels; wider than any stroke.

    Returns:
        uint8 (height, width), 255 for black on white; relative to the ground, so that it is the same in a shadow.
    """
    ground = cv2.morphologyEx(channel, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    return cv2.divide(cv2.subtract(ground, channel), cv2.max(ground, 60), scale=255)


def best_channels(color: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """The colour channel in which dark strokes stand out most, and the one for light strokes; the clearer first.

    In one channel by itself the strokes are either darker or lighter than the paper, whatever their colours.

    Args:
        color: uint8 (height, width, 3).

    Returns:
        For each a channel, uint8 (height, width), turned so that its strokes are dark, and whether they were.
    """
    scale = min(1.0, 200 / max(color.shape[:2]))
    small = cv2.resize(color, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    window = max(5, round(0.4 * min(small.shape[:2]))) | 1
    ranked = []
    for dark in (True, False):
        weights = []
        for channel in cv2.split(small if dark else 255 - small):
            paper = cv2.medianBlur(channel, window)  # strokes are the smaller part of what is around them
            weights.append(float((cv2.subtract(cv2.subtract(paper, channel), 15).astype(np.float32) ** 2).sum()))
        best = int(np.argmax(weights))
        channel = np.ascontiguousarray(color[..., best])
        ranked.append((weights[best], channel if dark else 255 - channel, dark))
    ranked.sort(key=lambda entry: -entry[0])
    return [(channel, dark) for _, channel, dark in ranked]


def thin_ink(found: np.ndarray, dark: bool, level: float = 0.42, rules: bool = False) -> Ink:
    """Strokes as ink.

    Args:
        found: what `contrast` gave.
        dark: whether the strokes are darker than the paper.
        level: part of the strongest strokes' contrast from which on a pixel is ink.
        rules: take long straight lines out (see `without_rules`).

    Raises:
        NoInk: nothing stands out, or there are no rules to take out.
    """
    histogram = cv2.calcHist([found], [0], None, [256], [0, 256]).ravel()
    counts = np.cumsum(histogram)
    median = int(np.searchsorted(counts, counts[-1] / 2))
    spread = max(1, int(np.searchsorted(counts, 0.84 * counts[-1])) - median) if median else 1
    peak = strongest(histogram)
    if peak - median < FAINTEST or peak < median + 3.5 * min(spread, 12):
        raise NoInk("There is nothing to read yet: draw a digit, or choose a picture with more contrast.")
    threshold = median + max(level * (peak - median), 0.75 * FAINTEST)
    mask = (found > threshold).astype(np.uint8)
    if rules:
        mask = without_rules(mask, found)
    halo = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    low, high = median + 0.4 * (threshold - median), median + 1.5 * (threshold - median)
    table = np.clip((np.arange(256, dtype=np.float32) - low) / (high - low), 0, 1)
    return Ink(cv2.LUT(found, table) * halo, dark, float(peak))


def strongest(histogram: np.ndarray) -> float:
    """Contrast of the strongest strokes: the median of the upper half of the strongest hundredth of all pixels."""
    above = np.cumsum(histogram[::-1])[::-1]
    many = max(12.0, 0.01 * above[0])
    top = int(np.nonzero(above >= min(many / 8, above[0]))[0][-1])
    strong = histogram.copy()
    strong[: top // 2] = 0
    strong[: int(np.nonzero(above >= many)[0][-1])] = 0
    total = np.cumsum(strong)
    return float(np.searchsorted(total, total[-1] / 2))


def bold_ink(color: np.ndarray) -> tuple[float, float, list[Ink]]:
    """What is on the one side and on the other of the best threshold (Otsu 1979); for very wide strokes.

    Returns:
        How far apart the two tones are, by their spread; the share of the picture that the smaller side covers; and the
        inks: dark strokes, light strokes, none where the picture has not two tones.
    """
    apart, best = 0.0, None
    for channel in cv2.split(color):
        level, mask = cv2.threshold(channel, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        (low, spread_low), (high, spread_high) = (
            (float(value[0, 0]) for value in cv2.meanStdDev(channel, mask=side)) for side in (255 - mask, mask)
        )
        clear = (high - low) / (spread_low + spread_high + 8)
        if high - low > 2 * FAINTEST and clear > apart:
            apart, best = clear, (channel, low, high, float((mask > 0).mean()))
    if best is None:
        return 0.0, 0.0, []
    channel, low, high, light = best
    table = np.clip(1.5 * (np.arange(256, dtype=np.float32) - low) / (high - low) - 0.25, 0, 1)
    strength = cv2.LUT(channel, table)
    inks = [Ink(1 - strength, True, high - low), Ink(strength, False, high - low)]
    return apart, min(light, 1 - light), inks


# --- the rules of the paper ---


def without_rules(mask: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Take ruled lines, squares and long straight lines out, and leave the strokes that cross them.

    A rule is a run of ink of more than half of the picture in one of two directions, that runs out of the picture and
    is thinner than the pen. Of a rule, that is kept which is thicker than the rule, or much darker: the pen crossing
    it (as in reading music by machine, Dalitz et al. 2008).

    Args:
        mask: uint8 (height, width), 1 is ink.
        found: the contrast it was made of.

    Raises:
        NoInk: there is no such line.
    """
    slope = tilt(mask)
    straight = sheared(sheared(mask, slope), -slope, across=True) if slope else mask
    level = sheared(sheared(found, slope), -slope, across=True) if slope else found
    removed = np.zeros_like(straight)
    for _ in range(2):
        removed |= _rules(straight, level)
        straight, level, removed = (np.ascontiguousarray(array.T) for array in (straight, level, removed))
    if not removed.any():
        raise NoInk("There are no rules in this picture.")
    result = straight & ~removed & 1
    thick = _thickness(removed) + 3
    for shape in ((thick, 1), (1, thick)):  # mend the strokes where a rule went through
        closed = cv2.morphologyEx(result, cv2.MORPH_CLOSE, np.ones(shape, np.uint8))
        result |= closed & removed
    if slope:
        result = sheared(sheared(result, slope, across=True), -slope)
    return result


def _rules(mask: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Horizontal rules of a mask, without what crosses them; uint8, 1 is rule."""
    height, width = mask.shape
    thick = cv2.dilate(mask, np.ones((3, 1), np.uint8))  # a line that climbs by a pixel now and then is one line
    joined = cv2.morphologyEx(thick, cv2.MORPH_CLOSE, np.ones((1, 5), np.uint8))
    lines = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, max(24, round(0.55 * width))), np.uint8)) & mask
    lines = _reaching_the_edge(lines)
    if not lines.any():
        return lines
    run = _thickness(lines)
    rest = mask & ~cv2.dilate(lines, np.ones((3, 3), np.uint8)) & 1
    if run > 0.8 * stroke_width(rest):  # as wide as the pen: the stem of a digit
        return np.zeros_like(lines)
    pen = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((round(1.5 * run) + 2, 1), np.uint8))
    alone = lines & ~pen & 1
    if not alone.any():
        return alone
    usual = float(np.median(found[alone > 0]))
    darker = (found > usual + max(25.0, 0.3 * usual)).astype(np.uint8)
    darker = cv2.morphologyEx(darker, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    near = cv2.dilate(alone, np.ones((5, 1), np.uint8)) & mask & ~pen & ~darker & 1
    return near


def _reaching_the_edge(lines: np.ndarray) -> np.ndarray:
    """The lines that run out of the picture, to the left or to the right."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    left, right = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_LEFT] + stats[:, cv2.CC_STAT_WIDTH]
    width = lines.shape[1]
    keep = (left < 0.04 * width) | (right > 0.96 * width)
    keep[0] = False
    return keep[labels].astype(np.uint8)


def _thickness(lines: np.ndarray) -> int:
    """Median height of the runs in columns, pixels."""
    starts = lines[1:] & ~lines[:-1] & 1
    ends = max(1, int(starts.sum()))
    return max(1, round(float(lines.sum()) / ends))


def tilt(mask: np.ndarray, most: float = 0.11) -> float:
    """The slope at which the rows of a mask are sharpest, where that is clear; else 0."""
    scale = 400 / max(mask.shape)
    small = cv2.resize(255 * mask, None, fx=min(1, scale), fy=min(1, scale), interpolation=cv2.INTER_AREA)
    slopes = np.linspace(-most, most, 23)

    def sharpness(slope: float) -> float:
        profile = cv2.reduce(sheared(small, slope), 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel()
        return float((np.diff(profile) ** 2).sum())

    values = np.array([sharpness(slope) for slope in slopes])
    best = int(values.argmax())
    return float(slopes[best]) if values[best] > 1.3 * values[len(slopes) // 2] else 0.0


def sheared(image: np.ndarray, slope: float, across: bool = False) -> np.ndarray:
    """An image whose columns (rows, if `across`) are moved so that lines of a slope become level."""
    height, width = image.shape
    matrix = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    if across:
        matrix[0, 1], matrix[0, 2] = -slope, slope * height / 2
    else:
        matrix[1, 0], matrix[1, 2] = -slope, slope * width / 2
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_NEAREST)
