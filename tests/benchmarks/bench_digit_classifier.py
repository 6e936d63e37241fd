"""Preparing and reading a digit, and the time from a stroke to new bars."""

from __future__ import annotations

from contextlib import suppress
from statistics import median
from time import perf_counter

import numpy as np

from cnndemo import digit_classifier, images, inference
from cnndemo.digit_classifier import preparation as digit_preparation
from cnndemo.errors import VisitorError
from tests.benchmarks.browser_timing import answer, gallery
from tests.benchmarks.timing import in_turn
from train import digit_scenes

STROKES = [
    [(70, 60), (205, 60)],
    [(205, 60), (125, 235)],
    [(100, 150), (200, 148)],
    [(70, 60), (72, 110)],
    [(125, 235), (60, 240)],
    [(60, 240), (58, 150)],
    [(205, 60), (215, 150)],
    [(215, 150), (190, 230)],
    [(120, 90), (160, 120)],
    [(80, 200), (110, 170)],
    [(150, 200), (180, 190)],
    [(90, 90), (110, 120)],
]
# What the visitor sees after a stroke: the labels of the bars and the prepared picture.
SEEN = """() => [...document.querySelectorAll('.bartext')].map(e => e.textContent).join()
  + [...document.querySelectorAll('[data-testid=stImage] img')].slice(0, 5).map(e => e.src).join()"""


def stroke_to_bars() -> float:
    """Median milliseconds from the last movement of a stroke, and its end, to new bars and pictures in the browser."""
    spent = []
    with gallery() as visit:
        page = visit(digit_classifier.MODEL)
        canvas = page.locator("canvas[role=application]").first
        for stroke in STROKES:
            box = canvas.bounding_box()
            first, *rest, last = [(box["x"] + x, box["y"] + y) for x, y in stroke]
            page.mouse.move(*first)
            page.mouse.down()
            for point in rest:
                page.mouse.move(*point, steps=5)

            def finish(last: tuple[float, float] = last) -> None:
                page.mouse.move(*last)
                page.mouse.up()

            spent.append(answer(page, finish, SEEN))
    return median(spent[2:])


def photos(rounds: int = 7) -> dict[str, float]:
    """Median milliseconds to read a photo of each kind, three pictures of each."""
    spent = {}
    for name, make in (digit_scenes.KINDS | digit_scenes.NOTHING).items():
        scribe, times = digit_scenes.Scribe(*images.digits(), np.random.default_rng(1), (1600,)), []
        for _ in range(3):
            picture = images.shrink(make(scribe)[0], images.MAX_SIDE)
            for _ in range(rounds):
                start = perf_counter()
                with suppress(VisitorError):
                    digit_classifier.read_number(picture)
                times.append(perf_counter() - start)
        spent[name] = 1000 * median(times)
    return spent


def main() -> None:
    ours = inference.predictor(digit_classifier.MODEL)
    drawing = np.full((280, 280), 255, np.uint8)
    drawing[40:240, 120:150] = 0
    prepare, whole = in_turn(
        lambda: digit_preparation.prepare(drawing), lambda: digit_classifier.read_number(drawing, ours), rounds=60
    )
    print(f"prepare a drawing: {prepare:.2f} ms; find, prepare and read: {whole:.2f} ms")
    print("read a photo of 1600 pixels (goal 40 ms): " + ", ".join(f"{name} {ms:.0f}" for name, ms in photos().items()))
    print(f"stroke to bars in the browser: median {stroke_to_bars():.0f} ms (goal 150)")


if __name__ == "__main__":
    main()
