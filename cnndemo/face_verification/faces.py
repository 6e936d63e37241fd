"""From a picture to its faces: find, align, describe; and the distance between two descriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from cnndemo import images
from cnndemo.face_detection import Box, Check, Upright, cut, face_square, first_face, upright
from cnndemo.face_verification import alignment
from cnndemo.models import face_embedding

Predictor = Callable[[np.ndarray], np.ndarray]

MISFIT = 12.0
"""Distance from the mean face, in pixels of the aligned face, beyond which a detector's hit is not a face.

Faces lie near 4, chance hits mostly at 12 to 40."""

DOUBTFUL = 9.0
"""Misfit from which a face's landmarks are doubted: few photographs of faces reach it."""

PROFILE = 0.28
"""Turn of a head, see `alignment.turn_of_head`, from which one half of the face hides the other."""

COVERED = 0.5
"""Probability from which the mouth or the eyes count as covered."""

MOST_FACES = 40
"""At most so many faces of a picture are described, the largest first."""

SMALLEST = 36
"""Width in pixels below which a face has too little detail to be recognised."""

DARKEST = 35
"""Mean grey of the aligned face below which it is too dark."""

EMBEDDING_BATCH = 16


@dataclass(frozen=True)
class Networks:
    """The four networks as functions of a batch, see `cnndemo.inference.predictor`."""

    detector: Predictor
    landmarks: Predictor
    embedding: Predictor
    checker: Predictor


NAMES = ("tiny_face_detector", "face_landmarks", "face_embedding", "face_check")
"""Their weights, in the order of `Networks`."""


def networks(checker: Predictor | None = None) -> Networks:
    """The shipped networks, loaded on first use.

    Args:
        checker: another one for the second look, as training measures it.

    Raises:
        WeightsError: a file is missing or broken.
    """
    from cnndemo import inference

    shipped = map(inference.predictor, NAMES[:3])
    return Networks(*shipped, checker or inference.predictor(NAMES[3]))


@dataclass(frozen=True)
class Face:
    """One face of a picture.

    Attributes:
        box: where the detector found it, in pixels of the picture, turned by `turn`.
        landmarks: float64 (68, 2), x and y in pixels of the picture, turned by `turn`.
        chip: the aligned face, uint8 (150, 150, 3).
        embedding: float32 (128,), mean of the aligned face's and its mirror image's.
        misfit: how far the landmarks are from the mean face, root mean square in pixels of the chip.
        turn: quarters, counter-clockwise, by which the picture was turned until the face stood upright
            (`cnndemo.face_detection.turned`).
        check: what the second look says: a face? mouth or eyes covered?
    """

    box: Box
    landmarks: np.ndarray = field(repr=False)
    chip: np.ndarray = field(repr=False)
    embedding: np.ndarray = field(repr=False)
    misfit: float
    turn: int = 0
    check: Check = Check(1.0, 0.0, 0.0)

    @property
    def doubt(self) -> str | None:
        """Why this face should not be trusted, in a sentence for the visitor; None when it is good."""
        if min(self.box.width, self.box.height) < SMALLEST:
            return f"This face is only {self.box.width:.0f} pixels wide; at least {SMALLEST} are needed. Come closer."
        if self.chip.mean() < DARKEST:
            return "This face is too dark. More light, please."
        covered = [part for part, share in (("mouth", self.check.mouth), ("eyes", self.check.eyes)) if share >= COVERED]
        if covered:
            seem = "seems" if covered == ["mouth"] else "seem"
            return (
                f"The {' and the '.join(covered)} of this face {seem} to be covered by a mask, dark glasses or a hand. "
                "Covered faces look more alike than they are."
            )
        if abs(alignment.turn_of_head(self.landmarks)) >= PROFILE:
            return "This face looks to the side. It should look at the camera."
        if self.misfit >= DOUBTFUL:
            return "The landmarks hardly fit this face. It should look at the camera, with nothing before it."
        return None


def describe(image: np.ndarray, using: Networks | None = None, look: Callable[..., Upright] = upright) -> list[Face]:
    """Find, align and describe the faces of a picture (book 5.2–5.6).

    Boxes come from `cnndemo.face_detection.upright`, which turns the picture where it must; 68 landmarks turn each face
    onto the mean face, and a hit whose landmarks do not fit it is dropped; the network then sees the face and its
    mirror image.

    Args:
        image: uint8 (height, width, 3), RGB.
        using: the networks; default the shipped ones.
        look: finds the boxes, as `upright` does.

    Returns:
        The faces, largest first, at most `MOST_FACES`; empty when there is none.
    """
    using = using or networks()
    found = look(image, using.detector, using.checker)
    looks = dict(zip(found.boxes, found.checks, strict=True))
    aligned = fit(found.image, found.boxes[:MOST_FACES], using.landmarks)
    if not aligned:
        return []
    embeddings = embed(np.stack([chip for _, _, chip, _ in aligned]), using.embedding)
    return [
        Face(box, points, chip, embedding, misfit, found.turn, looks[box])
        for (box, points, chip, misfit), embedding in zip(aligned, embeddings, strict=True)
    ]


def fit(image: np.ndarray, boxes: list[Box], predict: Predictor) -> list[tuple[Box, np.ndarray, np.ndarray, float]]:
    """Find the landmarks in each box and align; leaves out what does not look like the mean face.

    Returns:
        Box, landmarks (68, 2), aligned face (150, 150, 3) and misfit, in the order of the boxes.
    """
    if not boxes:
        return []
    every = alignment.landmarks(image, [face_square(box) for box in boxes], predict)
    misfits = [alignment.misfit(points) for points in every]
    return [
        (box, points, alignment.align(image, points), misfit)
        for box, points, misfit in zip(boxes, every, misfits, strict=True)
        if misfit <= MISFIT
    ]


def embed(chips: np.ndarray, predict: Predictor) -> np.ndarray:
    """Describe aligned faces: the mean of the network's answers to each face and to its mirror image.

    Args:
        chips: uint8 (faces, 150, 150, 3).
        predict: `inference.predictor` of `face_embedding`.

    Returns:
        float32 (faces, 128).
    """
    both = np.concatenate([chips, chips[:, :, ::-1]]).astype(np.float32)
    parts = [predict(both[start : start + EMBEDDING_BATCH]) for start in range(0, len(both), EMBEDDING_BATCH)]
    answers = np.concatenate(parts).reshape(2, len(chips), face_embedding.DIMENSION)
    return answers.mean(axis=0).astype(np.float32)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Euclidean distance of two embeddings (128,): below about 0.6 they are of one person."""
    return float(np.linalg.norm(np.asarray(a, np.float64) - np.asarray(b, np.float64)))


def naive_embedding(image: np.ndarray, box: Box, predict: Predictor) -> tuple[np.ndarray, np.ndarray]:
    """What one would get without alignment: the detector's box cut out and scaled, nothing else.

    Returns:
        The face as cut out, uint8 (150, 150, 3), and its embedding, float32 (128,).
    """
    chip = alignment.square_chip(image, box, factor=1.0, down=0.0)
    return chip, predict(chip[None].astype(np.float32))[0]


def thumbnail() -> np.ndarray:
    """Two photographs of one person, their faces found and cut out, for the front page: uint8 (180, 320, 3)."""
    pictures = [images.shrink(images.sample(name), 360) for name in ("obama_1", "obama_3")]
    faces = [cut(image, first_face(image), long_side=200) for image in pictures]
    return np.hstack([cv2.resize(face, (160, 180), interpolation=cv2.INTER_AREA) for face in faces])
