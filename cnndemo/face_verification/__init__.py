"""Verifying faces: align, describe with 128 numbers, compare by distance (book 5.2–5.6)."""

from cnndemo.face_verification.faces import Face, Networks, describe, distance, naive_embedding, networks, thumbnail
from cnndemo.face_verification.gallery import Answer, Gallery, Match, decide
from cnndemo.face_verification.rates import Rates

__all__ = [
    "Answer",
    "Face",
    "Gallery",
    "Match",
    "Networks",
    "Rates",
    "decide",
    "describe",
    "distance",
    "naive_embedding",
    "networks",
    "thumbnail",
]
