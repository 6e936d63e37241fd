"""Finding faces: Haar-like features, the cascade built from them, and a small convolutional network (book 5.1)."""

from cnndemo.face_detection.detectors import (
    CASCADES,
    SEARCH_SIDE,
    Box,
    Search,
    confirmed,
    cut,
    decode,
    detect,
    eyes,
    first_face,
    locate,
    merge,
    search,
    suppress,
    thumbnail,
)

__all__ = [
    "CASCADES",
    "SEARCH_SIDE",
    "Box",
    "Search",
    "confirmed",
    "cut",
    "decode",
    "detect",
    "eyes",
    "first_face",
    "locate",
    "merge",
    "search",
    "suppress",
    "thumbnail",
]
