"""Pictures that fool a network, nonsense that it is sure about, and how far its certainty can be trusted."""

from cnndemo.calibration import softened
from cnndemo.fool_it.attacks import fast_gradient_sign, iterated, random_change
from cnndemo.fool_it.evolution import Pixels, Sticker, evolve
from cnndemo.fool_it.fooling import Fooled, fool_digit, fooled, thumbnail
from cnndemo.fool_it.readers import Reader, digit_reader, judge, photo_reader, small_reader
from cnndemo.fool_it.reliability import certainty, energy

__all__ = [
    "Fooled",
    "Pixels",
    "Reader",
    "Sticker",
    "certainty",
    "digit_reader",
    "energy",
    "evolve",
    "fast_gradient_sign",
    "fool_digit",
    "fooled",
    "iterated",
    "judge",
    "photo_reader",
    "random_change",
    "small_reader",
    "softened",
    "thumbnail",
]
