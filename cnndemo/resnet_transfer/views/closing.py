"""The foot of the page: questions, of what is on the screen."""

from __future__ import annotations

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.questions import Question
from cnndemo.resnet_transfer.backbones import BACKBONES
from cnndemo.resnet_transfer.questions import questions
from cnndemo.resnet_transfer.views.lesson import lesson
from cnndemo.resnet_transfer.views.naming import look


def asked(square: np.ndarray, names: list[str]) -> list[Question]:
    """Predict, then reveal: of the first network's answer, and of the set that “Teach it” has.

    Args:
        square: what the networks were shown, uint8 (height, width, 3).
        names: of the networks that answered.
    """
    probabilities, label, title = None, "", ""
    for name in names[:1]:
        try:
            probabilities = look(name, BACKBONES[name].prepare(square)).probabilities
        except VisitorError:  # the page has said it above
            break
        label, title = BACKBONES[name].labels()[int(probabilities.argmax())], BACKBONES[name].title
    known = lesson()
    return questions(probabilities, label, title, len(known.classes), len(known.shots))
