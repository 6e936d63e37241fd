"""The people who may enter: names and embeddings in memory, nearest first; nothing is ever written to disk."""

from __future__ import annotations

import base64
import binascii
import json
import unicodedata
from dataclasses import dataclass, field

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.models.face_embedding import DIMENSION

FORMAT = "faces of the gallery, dlib 128, version 1"
LONGEST_NAME = 60
MOST_PEOPLE = 20_000
MOST_PICTURES = 40_000
LARGEST_FILE = 32_000_000
LARGEST_VALUE = 10.0
IDENTICAL = 1e-3
"""Distance below which two embeddings come from one and the same picture."""


@dataclass(frozen=True)
class Match:
    """A person and the distance of his or her nearest picture."""

    name: str
    distance: float


@dataclass
class Gallery:
    """People with one or more embeddings each.

    Adding a person is adding one picture, removing one is deleting it (book 5.3): no network is trained.

    Attributes:
        people: name -> embeddings, float32 (128,) each, in the order of enrolment.
    """

    people: dict[str, list[np.ndarray]] = field(default_factory=dict)
    _matrix: np.ndarray | None = field(default=None, repr=False, compare=False)
    _owners: np.ndarray | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.people)

    def enrol(self, name: str, embedding: np.ndarray) -> str:
        """Add a person, or one more picture of a person.

        Args:
            name: 1 to 60 characters.
            embedding: float (128,).

        Returns:
            The name as it is kept: tidied, and as first written.

        Raises:
            VisitorError: bad name or embedding, gallery full, or the very picture is there already.
        """
        name = self._known(tidy(name))
        embedding = checked(embedding)
        if name not in self.people and len(self.people) >= MOST_PEOPLE:
            raise VisitorError(f"The gallery is full: it holds {MOST_PEOPLE:,} people. Please remove somebody first.")
        if sum(map(len, self.people.values())) >= MOST_PICTURES:
            raise VisitorError(f"The gallery is full: it holds {MOST_PICTURES:,} pictures. Please remove some first.")
        if any(match.distance < IDENTICAL for match in self.nearest(embedding, 1)):
            raise VisitorError("This very picture is enrolled already. Please take another one.")
        self.people.setdefault(name, []).append(embedding)
        self._matrix = None
        return name

    def remove(self, name: str) -> None:
        """Delete a person with all pictures.

        Raises:
            VisitorError: nobody has this name.
        """
        if name not in self.people:
            raise VisitorError("Nobody of this name is enrolled.")
        del self.people[name]
        self._matrix = None

    def rename(self, name: str, new: str) -> str:
        """Give a person another name, in the same place of the list; returns it as it is kept.

        Raises:
            VisitorError: nobody has the old name, somebody else has the new one, or it is not a name.
        """
        if name not in self.people:
            raise VisitorError("Nobody of this name is enrolled.")
        new = tidy(new)
        if self._known(new) not in (name, new) or (new in self.people and new != name):
            raise VisitorError("Somebody of this name is enrolled already. Please take another name.")
        self.people = {new if key == name else key: value for key, value in self.people.items()}
        self._matrix = None
        return new

    def nearest(self, embedding: np.ndarray, count: int = 5) -> list[Match]:
        """The nearest people, each at the distance of the nearest of his or her pictures.

        Args:
            embedding: float (128,).
            count: how many people at most.

        Returns:
            Matches, nearest first; empty when nobody is enrolled.
        """
        if not self.people:
            return []
        if self._matrix is None:
            self._owners = np.repeat(np.arange(len(self.people)), [len(rows) for rows in self.people.values()])
            self._matrix = np.stack([row for rows in self.people.values() for row in rows])
        apart = np.linalg.norm(self._matrix - np.asarray(embedding, np.float32), axis=1)
        closest = np.full(len(self.people), np.inf)
        np.minimum.at(closest, self._owners, apart)
        names = list(self.people)
        return [Match(names[index], float(closest[index])) for index in np.argsort(closest, kind="stable")[:count]]

    def export(self) -> bytes:
        """The people as a JSON file: names and embeddings (float32, base64), no pictures."""
        people = [
            {"name": name, "embeddings": [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in rows]}
            for name, rows in self.people.items()
        ]
        return json.dumps({"format": FORMAT, "dimension": DIMENSION, "people": people}, ensure_ascii=False).encode()

    @classmethod
    def load(cls, data: bytes) -> Gallery:
        """Read what `export` wrote; everything is checked, nothing is executed.

        Raises:
            VisitorError: too large, cut off, of another sort or dimension, or with values that no face gives.
        """
        if len(data) > LARGEST_FILE:
            raise VisitorError(f"This file is too large; a gallery has at most {LARGEST_FILE // 1_000_000} MB.")
        try:
            content = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError):
            raise VisitorError("This file is not a gallery, or it is cut off. Please export it again.") from None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise VisitorError("This file is not a gallery of this page. Please choose one that was exported here.")
        people = content.get("people")
        if not isinstance(people, list) or len(people) > MOST_PEOPLE:
            raise VisitorError(f"This gallery has no list of at most {MOST_PEOPLE:,} people. Please export it again.")
        gallery, folded, pictures = cls(), set(), 0
        for person in people:
            name, rows = _person(person)
            pictures += len(rows)
            if name.casefold() in folded:
                raise VisitorError("Two people in this gallery have the same name. Please export it again.")
            if pictures > MOST_PICTURES:
                raise VisitorError(f"This gallery has more than {MOST_PICTURES:,} pictures; that is too many.")
            folded.add(name.casefold())
            gallery.people[name] = rows
        return gallery

    def _known(self, name: str) -> str:
        """The name as it was first written, if only its capitals differ."""
        if name in self.people or not self.people:
            return name
        folded = name.casefold()
        return next((known for known in self.people if known.casefold() == folded), name)


def tidy(name: str) -> str:
    """A name without needless blanks and with its accents in one form.

    Raises:
        VisitorError: empty, too long, or with characters that cannot be seen.
    """
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if not name:
        raise VisitorError("Please type a name.")
    if len(name) > LONGEST_NAME:
        raise VisitorError(f"This name has {len(name)} characters; at most {LONGEST_NAME} fit.")
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise VisitorError("This name has characters that cannot be seen. Please type it anew.")
    return name


def checked(embedding: np.ndarray) -> np.ndarray:
    """An embedding as float32 (128,).

    Raises:
        VisitorError: another shape, or values that no face gives.
    """
    embedding = np.asarray(embedding, np.float32)
    if embedding.shape != (DIMENSION,):
        raise VisitorError(f"An embedding has {DIMENSION} numbers; this one has shape {embedding.shape}.")
    if not (np.abs(embedding) <= LARGEST_VALUE).all():  # also false for NaN
        raise VisitorError("An embedding has values that no face gives (not a number, or far too large).")
    return embedding


def _person(person: object) -> tuple[str, list[np.ndarray]]:
    """Name and embeddings of one entry of a file."""
    if not isinstance(person, dict) or not isinstance(person.get("name"), str):
        raise VisitorError("A person in this gallery has no name. Please export it again.")
    codes = person.get("embeddings")
    if not isinstance(codes, list) or not codes or not all(isinstance(code, str) for code in codes):
        raise VisitorError("A person in this gallery has no embedding. Please export it again.")
    rows = []
    for code in codes:
        try:
            values = np.frombuffer(base64.b64decode(code, validate=True), "<f4")
        except (binascii.Error, ValueError):
            raise VisitorError("An embedding in this gallery is damaged. Please export it again.") from None
        rows.append(checked(values))
    return tidy(person["name"]), rows


@dataclass(frozen=True)
class Answer:
    """What the entrance says to one face.

    Attributes:
        admitted: whether the door opens.
        name: of the nearest person, if anybody is enrolled.
        reason: one sentence.
        nearest: the nearest people.
    """

    admitted: bool
    name: str | None
    reason: str
    nearest: list[Match]


def decide(gallery: Gallery, embedding: np.ndarray, threshold: float, doubt: str | None = None) -> Answer:
    """Admit or refuse a face.

    Args:
        gallery: who may enter.
        embedding: float (128,).
        threshold: distance below which two pictures count as one person.
        doubt: why the face should not be trusted, see `Face.doubt`.
    """
    nearest = gallery.nearest(embedding)
    if doubt:
        return Answer(False, None, doubt, nearest)
    if not nearest:
        return Answer(False, None, "Nobody is enrolled yet.", nearest)
    best = nearest[0]
    if best.distance < threshold:
        return Answer(True, best.name, f"{best.distance:.2f} is below the threshold of {threshold:.2f}.", nearest)
    return Answer(
        False, best.name, f"The nearest person is {best.distance:.2f} away, not below {threshold:.2f}.", nearest
    )
