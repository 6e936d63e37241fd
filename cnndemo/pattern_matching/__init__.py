"""Slide a pattern over an image and find where it fits: the dot product as a detector (book, 1.3)."""

from cnndemo.pattern_matching.matching import (
    EDGE,
    FLAT,
    METHODS,
    SAME_PLACE,
    SMALL_PATTERN,
    SMALLEST,
    WORKED_EXAMPLES,
    Match,
    Method,
    WorkedExample,
    checked,
    correlate,
    find,
    peaks,
    resize,
    response,
)
from cnndemo.pattern_matching.pictures import thumbnail

__all__ = [
    "EDGE",
    "FLAT",
    "METHODS",
    "Match",
    "Method",
    "SAME_PLACE",
    "SMALLEST",
    "SMALL_PATTERN",
    "WORKED_EXAMPLES",
    "WorkedExample",
    "checked",
    "correlate",
    "find",
    "peaks",
    "resize",
    "response",
    "thumbnail",
]
