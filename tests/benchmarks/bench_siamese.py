"""Siamese networks: one pair, the 5,000 shipped digits, 20,000 pairs with their error curve, few-shot, the page."""

from __future__ import annotations

import time

import numpy as np

from cnndemo import images, siamese
from tests.benchmarks.timing import milliseconds
from tests.pages.conftest import run_page


def pairs_one_by_one(labels: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The plain loop that `draw_pairs` replaces."""
    generator, members = np.random.default_rng(0), [np.flatnonzero(labels == digit) for digit in range(10)]
    pairs = []
    for number in range(count):
        a = int(generator.integers(len(labels)))
        other = labels[a] if number < count // 2 else (labels[a] + generator.integers(1, 10)) % 10
        pairs.append((a, int(generator.choice(members[other]))))
    return pairs


def main() -> None:
    x, y = images.digits()
    embed = siamese.embedder("siamese")
    one, every = siamese.prepare(x[:2]), siamese.prepare(x)
    space = embed(every)
    pairs = siamese.draw_pairs(y, 20_000, 1)
    distance = siamese.distances(space[pairs.a], space[pairs.b])
    print(f"embedding of one pair: {milliseconds(lambda: embed(one)):.2f} ms")
    print(f"embedding of 5,000 digits: {milliseconds(lambda: embed(every)):.0f} ms")
    vectorised, loop = (
        milliseconds(lambda: siamese.draw_pairs(y, 20_000, 1)),
        milliseconds(lambda: pairs_one_by_one(y, 20_000), 3),
    )
    print(f"20,000 pairs: {vectorised:.1f} ms, {loop / vectorised:.0f} times faster than one by one")
    print(f"error curve of 20,000 pairs: {milliseconds(lambda: siamese.curve(distance, pairs.same)):.1f} ms")
    print(f"plane of 600 embeddings (PCA): {milliseconds(lambda: siamese.principal_components(space[:600])):.1f} ms")
    print(f"5-shot, 10 draws: {milliseconds(lambda: siamese.few_shot(space, y, 7, 5, draws=10)):.0f} ms")

    start = time.perf_counter()
    page = run_page("siamese")
    print(f"page, first time: {time.perf_counter() - start:.2f} s")
    print(f"page again: {milliseconds(page.run, 5):.0f} ms")


if __name__ == "__main__":
    main()
