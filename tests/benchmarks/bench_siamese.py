"""Siamese networks: one pair, the 5,000 shipped digits, 20,000 pairs with their error curve, few-shot, the page."""

from __future__ import annotations

import statistics
import time

import numpy as np

from cnndemo import images, siamese


def median_ms(function, rounds: int = 15) -> float:
    """Median milliseconds of a call, after one call to warm up."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


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
    print(f"embedding of one pair: {median_ms(lambda: embed(one)):.2f} ms")
    print(f"embedding of 5,000 digits: {median_ms(lambda: embed(every)):.0f} ms")
    vectorised, loop = (
        median_ms(lambda: siamese.draw_pairs(y, 20_000, 1)),
        median_ms(lambda: pairs_one_by_one(y, 20_000), 3),
    )
    print(f"20,000 pairs: {vectorised:.1f} ms, {loop / vectorised:.0f} times faster than one by one")
    print(f"error curve of 20,000 pairs: {median_ms(lambda: siamese.curve(distance, pairs.same)):.1f} ms")
    print(f"plane of 600 embeddings (PCA): {median_ms(lambda: siamese.principal_components(space[:600])):.1f} ms")
    print(f"5-shot, 10 draws: {median_ms(lambda: siamese.few_shot(space, y, 7, 5, draws=10)):.0f} ms")

    from tests.pages.conftest import run_page

    start = time.perf_counter()
    page = run_page("siamese")
    print(f"page, first time: {time.perf_counter() - start:.2f} s")
    print(f"page again: {median_ms(page.run, 5):.0f} ms")


if __name__ == "__main__":
    main()
