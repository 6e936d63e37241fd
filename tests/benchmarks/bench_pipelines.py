"""What each script's pipeline delivers, pictures a second on one core, beside the training step that it feeds.

The streams and the networks are the scripts' own: their training is begun on invented pictures of the right size, and
caught where it would fit. An accelerator that makes the step a hundred times quicker than this processor is fed by one
core where the ratio is above a hundred.

    make bench ARGS="pipelines"
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import cv2
import keras
import numpy as np

from tests.benchmarks.timing import milliseconds
from train import common, provenance

SECONDS = 1.0
"""How long each pipeline is watched."""


class Caught(Exception):
    """A training that was about to begin: its model and its stream."""


def catch(model, training, validation, arguments, *_, **__):
    """In place of `common.fit`."""
    if isinstance(training, tuple):
        training = common.Arrays(*training, batch_size=arguments.batch_size, seed=arguments.seed)
    raise Caught(model, training)


def begun(begin: Callable[[], object]) -> tuple[keras.Model, common.Arrays]:
    """The model and the stream of a training."""
    fit, common.fit = common.fit, catch
    try:
        begin()
    except Caught as caught:
        return caught.args
    finally:
        common.fit = fit
    raise AssertionError("it did not train")


def some(count: int, *shape: int) -> np.ndarray:
    """Invented pictures."""
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)


def pets(count: int = 64) -> list[tuple[np.ndarray, np.ndarray]]:
    """Invented pictures of the size that the pets have here, with trimaps."""
    trimaps = 1 + some(count, 160, 213) % 3
    return list(zip(some(count, 160, 213, 3), trimaps, strict=True))


def trainings(folder: str) -> dict[str, Callable[[], object]]:
    """Name -> what begins the training of a script, with its own defaults."""
    from cnndemo.siamese import losses
    from train import (
        cifar10_transfer,
        digit_classifier,
        face_check,
        not_a_digit,
        pet_breeds,
        pet_presence,
        pet_segmentation,
        resnet20,
        robust_digits,
        siamese,
        triplet,
    )
    from train import pet_segmentation_pretrained as pretrained
    from train.schedules import Clock

    def given(script, *words: str):
        return script.options().parse_args([*words, "--run-dir", folder])

    digits = some(2048, 28, 28), np.arange(2048) % 10
    small = some(2048, 32, 32, 3), np.arange(2048) % 10
    squares = some(1024, 48, 48, 3), np.zeros((1024, 3), np.float32)
    features = some(1024, 1280).astype(np.float32)
    breeds, cells = (features, np.arange(1024) % 37), (features, features[:, :1] // 128)

    def unet(script, network: Callable[[int], keras.Model], size: int, scale: float) -> object:
        arguments = given(script)
        return pet_segmentation.train_stage(
            network(size), (pets(), pets(8)), size, scale, arguments, "", 10, 1e-3, Clock(None)
        )

    return {
        "digit_classifier": lambda: digit_classifier.train(
            digit_classifier.build(), digits, digits, given(digit_classifier), 10
        ),
        "siamese": lambda: siamese.train(given(siamese), lambda _, x: keras.ops.mean(x), digits, digits, []),
        "triplet": lambda: siamese.train(given(triplet), losses.semi_hard_triplet_loss, digits, digits, []),
        "robust_digits": lambda: robust_digits.train(
            robust_digits.build(), digits, digits, given(robust_digits), 0.3, ""
        ),
        "not_a_digit": lambda: not_a_digit.train(given(not_a_digit), digits, digits),
        "resnet20": lambda: resnet20.train(given(resnet20, "--batch-size", "128"), small, small),
        "cifar10_transfer, all layers": lambda: cifar10_transfer.train_all(
            "scratch", cifar10_transfer.whole_network(96, False), 1e-3, small, small, given(cifar10_transfer), 96
        ),
        "face_check": lambda: face_check.fit(squares, given(face_check), ""),
        "pet_breeds, features": lambda: pet_breeds.train(given(pet_breeds), 37, breeds, breeds),
        "pet_presence, features": lambda: pet_presence.fit(cells, cells, given(pet_presence)),
        "pet_segmentation, 128 px": lambda: unet(pet_segmentation, pet_segmentation.unet.build, 128, 1 / 255),
        "pet_segmentation_pretrained, 256 px": lambda: unet(pretrained, pretrained.build, 256, 1.0),
    }


def delivered(stream) -> float:
    """Pictures that one core prepares in a second."""
    stream[0]
    began, batches, pictures = time.process_time(), 0, 0
    while (spent := time.process_time() - began) < SECONDS:
        pictures += len(stream[batches % len(stream)][1])
        batches += 1
    return pictures / spent


def weight(batch) -> float:
    """Bytes of a batch for each picture of it."""
    return sum(array.nbytes for array in keras.tree.flatten(batch)) / len(batch[1])


def main() -> None:
    cv2.setNumThreads(1)
    print(f"{provenance.hardware()}, Keras {keras.__version__}")
    print(f"{'pipeline':38} {'pictures/s a core':>18} {'kB a picture':>13} {'step, pictures/s':>17} {'ratio':>8}")
    with TemporaryDirectory() as folder:
        for name, begin in trainings(folder).items():
            if sys.argv[2:] and not any(word in name for word in sys.argv[2:]):
                continue
            keras.utils.clear_session()
            model, stream = begun(begin)
            rate, batch = delivered(stream), stream[0]
            step = milliseconds(lambda model=model, batch=batch: model.train_on_batch(*batch), rounds=3)
            trained = 1000 * len(batch[1]) / step
            size = weight(batch) / 1000
            print(f"{name:38} {rate:18,.0f} {size:13.1f} {trained:17,.0f} {rate / trained:8,.0f}", flush=True)


if __name__ == "__main__":
    main()
