"""Augmentation: sixteen variants here and by the Keras layers, and from a click to the new variants in the browser."""

from __future__ import annotations

import numpy as np

from cnndemo import images
from cnndemo.augmentation import BOOK, Pipeline
from tests.benchmarks.browser_timing import answers, click, gallery
from tests.benchmarks.timing import milliseconds


def main() -> None:
    pipeline = Pipeline(BOOK.steps)
    image = images.shrink(images.sample("cat"), 160)
    ours = milliseconds(lambda: [pipeline.sample(image, seed) for seed in range(16)])
    scope: dict = {}
    exec(pipeline.to_keras_code(), scope)
    batch = np.stack([image] * 16).astype(np.float32)
    theirs = milliseconds(lambda: np.asarray(scope["augment"](batch, training=True)))
    print(
        f"16 variants of {image.shape[1]} × {image.shape[0]}: {ours:.0f} ms here, {theirs:.0f} ms by the Keras layers"
    )
    with gallery() as visit:
        page = visit("augmentation")
        page.get_by_text("How far, and in which order").click()
        watched = page.get_by_test_id("stCaptionContainer").filter(has_text="turned").first
        plus = page.get_by_test_id("stNumberInput").filter(has_text="Seed").get_by_test_id("stNumberInputStepUp")
        print(f"seed: {answers(watched, click(plus)):.0f} ms from click to drawn parameters (median)")


if __name__ == "__main__":
    main()
