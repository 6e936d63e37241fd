"""Attacks that never look inside: a few pixels, or a sticker, found by evolution. The network is only asked.

Many candidates are tried; each child is made of the differences of its elders and takes the place of a worse one:
differential evolution (Storn and Price 1997), with which Su, Vargas and Sakurai 2019 changed single pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError

ROUND = 4  # generations between two looks at how far it is
VALUES = 1_200_000  # of pictures that are asked about at once: memory, and a Stop that is heard
CELLS = 3  # a sticker has so many coloured cells on each side


@dataclass(frozen=True)
class Found:
    """How far an evolution is.

    Attributes:
        generation, generations: of how many.
        asked: how many pictures the network was asked about.
        picture: the best so far, uint8 like the picture.
        probabilities: what the network says to it, (classes,).
        before: the class of the unchanged picture.
        wanted: the class to get to, or None for any other.
        course: after each round, the probability of the wanted class, or of the class to get away from.
    """

    generation: int
    generations: int
    asked: int
    picture: np.ndarray
    probabilities: np.ndarray
    before: int
    wanted: int | None
    course: tuple[float, ...]

    @property
    def fooled(self) -> bool:
        """Whether the network says what is wanted, or at least something else."""
        answer = int(self.probabilities.argmax())
        return answer != self.before if self.wanted is None else answer == self.wanted


@dataclass(frozen=True)
class Pixels:
    """Candidates that change some pixels: for each its row, its column and its colour.

    Attributes:
        picture: uint8 (height, width) or (height, width, 3).
        count: how many pixels.
    """

    picture: np.ndarray
    count: int

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Smallest and largest value of each number that a candidate consists of."""
        height, width = self.picture.shape[:2]
        return [(0, height - 1e-3), (0, width - 1e-3), *([(0, 255)] * self._colors)] * self.count

    @property
    def _colors(self) -> int:
        return 1 if self.picture.ndim == 2 else self.picture.shape[2]

    def drawn(self, candidates: np.ndarray) -> np.ndarray:
        """The pictures of candidates (n, numbers), uint8 (n, …)."""
        result = np.repeat(self.picture[None], len(candidates), axis=0)
        for row, candidate in zip(result, candidates.reshape(len(candidates), self.count, -1), strict=True):
            for y, x, *color in candidate:
                row[int(y), int(x)] = np.rint(color) if self.picture.ndim == 3 else np.rint(color[0])
        return result


@dataclass(frozen=True)
class Sticker:
    """Candidates that stick a square of coloured cells somewhere on the picture.

    Attributes:
        picture: uint8 (height, width, 3).
        side: of the sticker, in pixels; at least one a cell, at most the picture's.
    """

    picture: np.ndarray
    side: int

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """Smallest and largest value of each number: place, then the colours of the cells."""
        height, width = self.picture.shape[:2]
        return [(0, height - self.side), (0, width - self.side), *([(0, 255)] * (3 * CELLS * CELLS))]

    def drawn(self, candidates: np.ndarray) -> np.ndarray:
        """The pictures of candidates (n, numbers), uint8 (n, height, width, 3)."""
        result = np.repeat(self.picture[None], len(candidates), axis=0)
        cell = np.arange(self.side) * CELLS // self.side
        for row, (y, x, *colors) in zip(result, candidates, strict=True):
            cells = np.rint(np.reshape(colors, (CELLS, CELLS, 3))).astype(np.uint8)
            top, left = int(y), int(x)
            row[top : top + self.side, left : left + self.side] = cells[cell][:, cell]
        return result


def evolve(
    change: Pixels | Sticker,
    ask: Callable[[np.ndarray], np.ndarray],
    wanted: int | None = None,
    generations: int = 60,
    population: int = 40,
    seed: int = 0,
    waiting: Callable[[], None] = lambda: None,
) -> Iterator[Found]:
    """Look for a change that the network is fooled by, and stop when it is.

    Args:
        change: what may be changed.
        ask: uint8 pictures (n, …) -> probabilities (n, classes).
        wanted: class to get to; None for any but the present one.
        generations: at most so many.
        population: candidates that live at a time.
        waiting: called before each question; what it raises ends the search.

    Yields:
        How far it is, after each round of generations.

    Raises:
        VisitorError: no pixel to change, a sticker that does not fit, or the wanted class is the present one.
    """
    from scipy.optimize import differential_evolution  # 20 MB that only this needs

    if isinstance(change, Pixels) and change.count < 1:
        raise VisitorError("At least one pixel has to be changed.")
    if isinstance(change, Sticker) and not CELLS <= change.side <= min(change.picture.shape[:2]):
        raise VisitorError(f"A sticker has {CELLS} to {min(change.picture.shape[:2])} pixels on each side.")
    before = int(ask(change.picture[None])[0].argmax())
    if wanted == before:
        raise VisitorError("That is what it is taken for already. Choose another class to aim at.")
    watched, sign = (before, 1) if wanted is None else (wanted, -1)
    asked, course = 0, []
    batch = int(np.clip(VALUES // change.picture.size, 1, 50))

    def cost(candidates: np.ndarray) -> np.ndarray:
        """The probability to be lowered, or minus the one to be raised, for candidates as columns (numbers, n)."""
        nonlocal asked
        found = []
        for first in range(0, candidates.shape[1], batch):
            waiting()
            pictures = change.drawn(candidates.T[first : first + batch])
            found.append(sign * ask(pictures)[:, watched])
            asked += len(pictures)
        return np.concatenate(found)

    living: np.ndarray | str = "latinhypercube"
    each = max(1, round(population / len(change.bounds)))
    if each * len(change.bounds) != population:  # SciPy counts in multiples of the numbers; we count candidates
        low, high = np.array(change.bounds).T
        living = np.random.default_rng(seed).uniform(low, high, (max(5, population), len(low)))
    for start in range(0, generations, ROUND):
        result = differential_evolution(
            cost, change.bounds, maxiter=ROUND, popsize=each, init=living, mutation=(0.4, 0.9), recombination=0.8,
            tol=0, polish=False, vectorized=True, updating="deferred", rng=np.random.default_rng((seed, start)),
        )  # fmt: skip
        living = result.population
        course.append(float(sign * result.fun))
        picture = change.drawn(result.x[None])[0]
        done = min(start + ROUND, generations)
        found = Found(done, generations, asked, picture, ask(picture[None])[0], before, wanted, tuple(course))
        yield found
        if found.fooled:
            return
