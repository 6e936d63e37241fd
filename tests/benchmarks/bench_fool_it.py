"""What fooling a network costs: a step on a digit and on a photo, and the questions of an evolution."""

from __future__ import annotations

import time

import numpy as np

from cnndemo import fool_it, images, worker
from cnndemo.fool_it import digit_gradient, evolution, readers
from cnndemo.resnet_transfer import teaching, uploads
from tests.benchmarks.timing import milliseconds


def main() -> None:
    five = images.digit(5, 0)
    gradient, one = digit_gradient.gradient(readers.DIGIT), np.array([5])
    step = milliseconds(lambda: gradient(five[None].astype(np.float32), one, False))
    print(f"a step on a digit                    {step:7.1f} ms")
    print(f"ten steps, from digit to digit       {milliseconds(lambda: fool_it.fool_digit(five)):7.1f} ms (goal 100)")

    cat, reader = readers.square(images.sample("cat")), readers.photo_reader()
    toaster = reader.labels.index("toaster")
    asked = ("cnndemo.fool_it.photo_gradient:attack", cat, toaster, 2, 10, True)
    started = time.perf_counter()
    worker.ask(*asked)
    print(f"the first attack on a photo          {1000 * (time.perf_counter() - started):7.0f} ms, Keras starts")
    whole = milliseconds(lambda: worker.ask(*asked), rounds=5)
    print(f"a step on a photo, asked for         {whole / 10:7.1f} ms (goal 100)")
    worker.end()

    for name, change, ask in (
        ("5 pixels of a digit", evolution.Pixels(five, 5), fool_it.digit_reader().ask),
        ("a sticker on a photo", evolution.Sticker(cat, 56), reader.ask),
    ):
        started = time.perf_counter()
        found = next(evolution.evolve(change, ask, population=24))
        each = 1000 * (time.perf_counter() - started) / found.asked
        print(f"{name:<36} {each:7.2f} ms a question")

    shots = uploads.ready_set("digits")
    classes = list(dict.fromkeys(shot.label for shot in shots))
    labels = teaching.numbers(shots, classes)
    rows = np.random.default_rng(0).normal(size=(len(shots), 1280)).astype(np.float32)
    fit = milliseconds(lambda: teaching.fit_head(rows[:, None], labels, classes))
    print(f"one of the three heads that cheat    {fit:7.1f} ms")


if __name__ == "__main__":
    main()
