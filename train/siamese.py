"""Train the book's siamese network (listing 5.6) on pairs of MNIST digits, with contrastive loss on the raw distance.

    python -m train.siamese                 # weights/siamese.*
    python -m train.siamese --hold-out 7    # weights/siamese_holdout.*: never sees a 7, for one-shot classification

Every batch is used for all of its pairs; same and different pairs weigh half each. The digits that ship with the
gallery are not trained on: they are the validation split, and what the page maps is new to the network.
"""

from __future__ import annotations

import argparse

import cv2
import keras
import numpy as np

from cnndemo import images, siamese
from cnndemo.models.siamese import build
from cnndemo.siamese import losses
from train import common, engine, intervals, schedules
from train.checkpoints import Stream
from train.datasets import mnist

PAIRS = 20_000
PAIR_SEED = 53  # the book's section; the test pairs are the same for every model


class Digits(Stream):
    """Shuffled batches of digits, uint8 (n, 28, 28, 1), with their labels; each is turned, scaled, sheared and shifted.

    With `positions`, each digit also comes turned by quarters and mirrored, and each of the eight positions counts as
    a class of its own: a network that learns 80 classes learns more about strokes than one that learns ten.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        batch_size: int,
        seed: int,
        augment: bool,
        positions: bool = False,
        **options,
    ):
        super().__init__(len(x), batch_size, seed, whole=True, **options)
        self.x, self.y, self.augment, self.positions = x, y, augment, positions

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows, generator = self.rows(index), self.chance(index)
        part = self.part(rows)
        x, y = self.x[rows[part]], self.y[rows[part]].astype(int)
        if self.augment:
            x = warp(x, matrices(len(rows), generator)[part])
        if self.positions:
            position = generator.integers(0, 8, len(rows))[part]
            x, y = place(x, position), 8 * y + position
        return x[..., None], y

    def on_epoch_end(self) -> None:
        if self.augment:  # what is only measured stays as it is
            super().on_epoch_end()


def augment(digits: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A small random affine map of each digit; uint8 (n, 28, 28)."""
    return warp(digits, matrices(len(digits), generator))


def matrices(count: int, generator: np.random.Generator) -> np.ndarray:
    """Small random affine maps: ±12°, ±12 % size, ±10 % shear, ±2 pixels; (count, 2, 3)."""
    angle = np.deg2rad(generator.uniform(-12, 12, count))
    size = generator.uniform(0.88, 1.12, (count, 2))
    shear = generator.uniform(-0.1, 0.1, count)
    shift = generator.uniform(-2, 2, (count, 2))
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    lean = np.zeros((count, 2, 2))
    lean[:, 0, 0], lean[:, 1, 1], lean[:, 0, 1] = size[:, 0], size[:, 1], shear
    linear = turn @ lean
    centre = np.full(2, (siamese.SIDE - 1) / 2)
    return np.concatenate([linear, (centre - linear @ centre + shift)[:, :, None]], axis=2)


def warp(digits: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Each digit (n, 28, 28) under its affine map (n, 2, 3)."""
    side = (siamese.SIDE, siamese.SIDE)
    return np.stack([cv2.warpAffine(digit, matrix, side) for digit, matrix in zip(digits, maps, strict=True)])


def place(digits: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Digits in one of eight positions: turned by 0 to 3 quarters, mirrored from 4 on; (n, 28, 28) in and out."""
    placed = np.empty_like(digits)
    for each in range(8):
        some = position == each
        turned = np.rot90(digits[some], each % 4, axes=(1, 2))
        placed[some] = turned[:, :, ::-1] if each >= 4 else turned
    return placed


def load(arguments: argparse.Namespace) -> tuple[tuple, tuple, tuple]:
    """Training split without the shipped digits, the shipped digits as validation split, and the test split."""
    (x, y), _, test = mnist.load(arguments.data_dir, validation=0)
    validation = images.digits()
    shipped = {digit.tobytes() for digit in validation[0]}
    keep = np.array([digit.tobytes() not in shipped for digit in x])
    x, y = x[keep], y[keep]
    return (x[: arguments.limit or None], y[: arguments.limit or None]), validation, test


def train(
    arguments: argparse.Namespace, loss, training: tuple, validation: tuple, watch: list
) -> tuple[keras.Model, list]:
    """The base network trained with a loss on (labels, embeddings); the learning rate falls along a cosine."""
    with engine.precision(arguments):
        network = build()
    model = engine.trainee(network, 1 / 255)
    options = {"augment": True, "positions": arguments.positions, "workers": 4, "max_queue_size": 32}
    batches = Digits(*training, arguments.batch_size, arguments.seed, **options)
    held = Digits(*validation, arguments.batch_size, arguments.seed, augment=False)
    rate, _ = schedules.cosine(arguments.learning_rate, arguments.epochs, len(batches))
    model.compile(
        keras.optimizers.Adam(rate, **engine.optimizer_options(arguments)),
        loss,
        metrics=watch,
        jit_compile=keras.backend.backend() == "jax",
    )
    history = common.fit(model, batches, held, arguments, reduce=False)
    return common.as_stored(network), history


def embed(model, digits: np.ndarray) -> np.ndarray:
    """Embeddings of uint8 digits, (n, 128) float32."""
    return model.predict(siamese.prepare(digits), batch_size=1000, verbose=0)


def judge(model, validation: tuple, test: tuple) -> tuple[float, list[dict]]:
    """The threshold with the fewest errors on validation pairs, and how the test pairs fare at it."""
    pairs = siamese.draw_pairs(validation[1], PAIRS, PAIR_SEED)
    embeddings = embed(model, validation[0])
    threshold = siamese.curve(siamese.distances(embeddings[pairs.a], embeddings[pairs.b]), pairs.same).best_threshold()

    pairs = siamese.draw_pairs(test[1], PAIRS, PAIR_SEED)
    embeddings = embed(model, test[0])
    distance = siamese.distances(embeddings[pairs.a], embeddings[pairs.b])
    right = int(round(siamese.accuracy(distance, pairs.same, threshold) * PAIRS))
    both = np.stack([distance, pairs.same], axis=1)

    def interval(figure: str) -> list[float]:
        return intervals.bootstrap(both, lambda rows: getattr(siamese.curve(rows[:, 0], rows[:, 1] > 0), figure), 300)

    curve = siamese.curve(distance, pairs.same)
    accept, reject = curve.at(threshold)
    half = PAIRS // 2
    return threshold, [
        intervals.metric("pair accuracy", right / PAIRS, PAIRS, intervals.wilson(right, PAIRS)),
        intervals.metric("false accept rate", accept, half, intervals.wilson(round(accept * half), half)),
        intervals.metric("false reject rate", reject, half, intervals.wilson(round(reject * half), half)),
        intervals.metric("equal error rate", curve.equal_error_rate, PAIRS, interval("equal_error_rate")),
        intervals.metric("ROC-AUC", curve.area, PAIRS, interval("area")),
    ]


def judge_few_shot(model, test: tuple, new_class: int) -> list[dict]:
    """One-shot and five-shot classification of the test split, beside raw pixels as the embedding."""
    rooms = {"": embed(model, test[0]), ", raw pixels": siamese.prepare(test[0]).reshape(len(test[0]), -1)}
    metrics = []
    for room, embeddings in rooms.items():
        for shots in (1, 5):
            result = siamese.few_shot(embeddings, test[1], new_class, shots)
            new, all_ten = int(np.sum(test[1] == new_class)) - shots, len(test[1]) - 10 * shots
            for what, values, samples in (
                (f"new class {new_class}", result.of_class, new),
                ("all ten classes", result.overall, all_ten),
            ):
                interval = [float(end) for end in np.quantile(values, [0.025, 0.975])]
                name = f"{shots}-shot accuracy, {what}{room}"
                note = f"mean of {len(values)} draws of the examples; the interval holds 95 % of the draws"
                metrics.append(intervals.metric(name, values.mean(), samples, interval, note=note))
    return metrics


def arguments_of(description: str, name: str) -> argparse.ArgumentParser:
    parser = common.parser(description, name, epochs=200, batch_size=512, loss_over="the pairs of a batch")
    positive = common.above_zero
    parser.add_argument("--learning-rate", type=positive, default=2e-3, help="at the start; falls to 0 along a cosine")
    parser.add_argument("--margin", type=positive, default=1.0, help="α of the book")
    parser.add_argument("--hold-out", type=int, choices=range(10), help="train without this digit, for one-shot tests")
    parser.add_argument("--positions", action="store_true", help="turned and mirrored digits as classes of their own")
    return parser


def data_card(training: tuple, validation: tuple, test: tuple) -> dict:
    splits = {"train": len(training[0]), "validation": len(validation[0]), "test": len(test[0])}
    return mnist.SOURCE | {"splits": splits, "test pairs": f"{PAIRS:,} of the test split, half same, seed {PAIR_SEED}"}


def run(arguments: argparse.Namespace, loss, words: str, watch: list | None = None) -> None:
    """Train with a loss on (labels, embeddings), judge on the test split, write weights and card.

    Args:
        words: the loss in words, for the card.
        watch: figures of (labels, embeddings) for the log.
    """
    new_class = arguments.hold_out
    name = arguments.name if new_class is None else f"{arguments.name}_holdout"
    if arguments.run_dir.name == arguments.name:
        arguments.run_dir = arguments.run_dir.with_name(name)
    training, validation, test = load(arguments)
    if new_class is not None:
        training, validation = (tuple(part[y != new_class] for part in (x, y)) for x, y in (training, validation))

    def facts(model) -> dict:
        threshold, metrics = judge(model, validation, test)
        if new_class is not None:
            metrics = judge_few_shot(model, test, new_class) + [m | {"note": "all ten digits"} for m in metrics]
        return {"threshold": threshold, "metrics": metrics}

    if arguments.measure:
        common.measure(name, arguments, facts)
        return
    common.prepare(arguments)
    model, history = train(arguments, loss, training, validation, watch or [])
    found = facts(model)
    for metric in found["metrics"]:
        print(f"{metric['name']}: {metric['value']:.4f} {metric['interval']}")
    common.publish(
        model,
        arguments,
        "cnndemo.models.siamese:build",
        data_card(training, validation, test),
        history=history,
        name=name,
        **found,
        margin=arguments.margin,
        loss=words + "; turned and mirrored digits are further classes" * arguments.positions,
        hold_out=new_class,
        positions=arguments.positions,
        notes="Threshold chosen on 20,000 pairs of the validation split, which is the digits that ship with the "
        "gallery. Test pairs were looked at once.",
    )


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    return arguments_of(__doc__.splitlines()[0], "siamese")


@common.script
def main() -> None:
    arguments = options().parse_args()

    def loss(labels, embeddings):
        return losses.all_pairs_contrastive_loss(labels, embeddings, arguments.margin)

    run(
        arguments, loss, "contrastive, on the raw Euclidean distance, over all pairs of a batch", [losses.pair_accuracy]
    )


if __name__ == "__main__":
    main()
