"""Where the faces of shipped pictures are, known beforehand; in any other picture they are looked for."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from cnndemo import beforehand
from cnndemo.face_detection import checking, detectors
from cnndemo.face_detection.checking import Check, Predictor, Upright, turned
from cnndemo.face_detection.detectors import Box

BOX, CHECK = 6, 3  # numbers of each


def upright(image: np.ndarray, detector: Predictor, checker: Predictor) -> Upright:
    """As `checking.upright`."""

    def compute() -> beforehand.Arrays:
        found = checking.upright(image, detector, checker)
        rows = [(*astuple(box), *astuple(check)) for box, check in zip(found.boxes, found.checks, strict=True)]
        return {"turn": np.array(found.turn), "faces": np.array(rows, float).reshape(-1, BOX + CHECK)}

    found = beforehand.known("faces upright", ["tiny_face_detector", "face_check"], compute, image)
    turn, faces = int(found["turn"]), found["faces"].tolist()
    return Upright(turn, turned(image, turn), [_box(row) for row in faces], [Check(*row[BOX:]) for row in faces])


def first_face(image: np.ndarray) -> Box | None:
    """As `detectors.first_face`."""

    def compute() -> beforehand.Arrays:
        box = detectors.first_face(image)
        return {"faces": np.array([astuple(box)] if box else [], float).reshape(-1, BOX)}

    faces = beforehand.known("first face", (), compute, image)["faces"].tolist()
    return _box(faces[0]) if faces else None


def _box(row: list[float]) -> Box:
    return Box(*row[: BOX - 1], network=bool(row[BOX - 1]))
