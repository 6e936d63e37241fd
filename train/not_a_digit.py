"""Train the network that tells digits from what is none; measure it, and the reading of photographs, on scenes.

Digits are MNIST's, clean and distorted, and digits drawn from skeletons and fonts; what is none is symbols, letters,
scribbles, frames, smears, parts of digits and pairs of digits. All of it goes through the preparation of the page. To
them comes what the page itself asks about when it reads generated scenes.

    python -m train.not_a_digit --data-dir data
    python -m train.not_a_digit --data-dir data --measure     # the shipped network anew, after a change of the reading
"""

from __future__ import annotations

import argparse
from itertools import chain
from pathlib import Path

import cv2
import keras
import numpy as np

from cnndemo import weights
from cnndemo.digit_classifier import looking, preparation, reading
from cnndemo.errors import VisitorError
from cnndemo.models.not_a_digit import CLASSES, NONE, SEVERAL, build
from train import common, digit_scenes, digit_strokes, engine, intervals, processes, provenance, runs, schedules
from train.certainty import calibration
from train.datasets import mnist
from train.datasets.fetch import stored
from train.digit_augmentation import Augmentation
from train.digit_harvest import MOST, SCENES, harvest, readers, scene
from train.digit_lesson import as_input, full

SHARES = {
    "MNIST with another pen": 0.16,
    "skeletons": 0.17,
    "very bold, tightly cut": 0.08,
    "European ones": 0.05,
    "fonts": 0.06,
    "symbols": 0.12,
    "letters": 0.1,
    "scribbles": 0.05,
    "frames": 0.04,
    "smears": 0.02,
    "stains": 0.04,
    "several": 0.07,
    "parts": 0.04,
}
"""What the generated examples are."""
NEGATIVES = (
    "symbols, letters, scribbles, frames, smears, stains and parts of digits, one by one, from fonts and generators"
)
SCENE_SEED = 2026
"""Of the scenes that measure; those that examples are taken from have other seeds."""
DRAWINGS, READ = 6000, 1000
"""Drawings that measure the judge, and MNIST's digits that measure the reading of the page."""
AT_ONCE = 2000
"""Examples that are generated from one seed."""
EXAMPLE_BYTES = 28 * 28 + 8
"""Of a picture and its label on the disk."""


def field(ink: np.ndarray) -> np.ndarray:
    """Ink as the networks see it, uint8 (28, 28): the page's own steps from the stroke on."""
    strength, _, _ = preparation.normalize_stroke(ink)
    return np.round(255 * preparation.place(preparation.fit_box(strength))).astype(np.uint8)


def example(kind: str, x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """One example of a kind of `SHARES`, as ink and label."""
    size = generator.uniform(36, 150)
    pen = size * generator.choice([generator.uniform(0.025, 0.12), generator.uniform(0.08, 0.27)], p=[0.75, 0.25])
    digit = int(generator.integers(10))
    if kind == "MNIST with another pen":
        number = generator.integers(len(x))
        return digit_strokes.mnist_ink(x[number], generator, size, generator.uniform(-0.035, 0.12)), int(y[number])
    if kind == "skeletons":
        return digit_strokes.skeleton(digit, generator, size, pen), digit
    if kind == "very bold, tightly cut":
        ink = digit_strokes.skeleton(digit, generator, size, size * generator.uniform(0.15, 0.28), 0.012)
        first = (generator.uniform(0, 0.13, 2) * ink.shape).astype(int)
        last = ((1 - generator.uniform(0, 0.13, 2)) * ink.shape).astype(int)
        return ink[first[0] : last[0], first[1] : last[1]], digit
    if kind == "European ones":
        lines = digit_strokes.shaken(digit_strokes.european_one(generator), generator, 0.012, 0.3)
        return digit_strokes.draw(lines, size, min(pen, 0.2 * size)), 1
    if kind == "fonts":
        return digit_strokes.typed(str(digit), generator, size), digit
    if kind == "symbols":
        name = digit_strokes.SYMBOLS[generator.integers(len(digit_strokes.SYMBOLS))]
        if generator.random() < 0.5:
            name = ("plus", "minus", "equals", "slash")[generator.integers(4)]
        return digit_strokes.symbol(name, generator, size, min(pen, 0.16 * size)), NONE
    if kind == "letters":
        return digit_strokes.typed(generator.choice(list(digit_strokes.LETTERS)), generator, size), NONE
    if kind == "scribbles":
        return digit_strokes.scribble(generator, size, min(pen, 0.12 * size)), NONE
    if kind == "frames":
        return digit_strokes.frame(generator, size, min(pen, 0.12 * size)), NONE
    if kind == "smears":
        return digit_strokes.blob(generator, size), NONE
    if kind == "stains":
        return digit_strokes.stain(generator, size), NONE
    ink = _any_digit(x, generator, size)
    if kind == "parts":
        return digit_strokes.part(ink, generator), NONE
    for _ in range(int(generator.choice([1, 2], p=[0.8, 0.2]))):
        ink = digit_strokes.pair(ink, _any_digit(x, generator, size), generator)
    return ink, SEVERAL


def _any_digit(x: np.ndarray, generator: np.random.Generator, size: float) -> np.ndarray:
    if generator.random() < 0.6:
        return digit_strokes.mnist_ink(x[generator.integers(len(x))], generator, size)
    return digit_strokes.skeleton(int(generator.integers(10)), generator, size, size * generator.uniform(0.03, 0.12))


def generated(
    x: np.ndarray, y: np.ndarray, count: int, seed: int, folder: Path = weights.WEIGHTS_DIR
) -> tuple[np.ndarray, np.ndarray]:
    """Examples of all kinds, uint8 (n, 28, 28) and labels; parts of digits that look like digits are left out.

    Args:
        x, y: the digits of which they are made.
        count, seed: how many, and of which chance.
        folder: of the network that says what looks like a digit.
    """
    generator = np.random.default_rng(seed)
    kinds = np.array(list(SHARES))[generator.choice(len(SHARES), count, p=list(SHARES.values()))]
    fields, labels = [], []
    for kind in kinds:
        ink, label = example(kind, x, y, generator)
        if generator.random() < 0.5:
            ink = cv2.GaussianBlur(ink, (0, 0), generator.uniform(0.3, 0.3 + 0.03 * max(ink.shape)))
        fields.append(field(ink))
        labels.append(label)
    fields, labels = np.stack(fields), np.array(labels)
    keep = np.ones(count, bool)
    parts = np.nonzero(np.isin(kinds, ["parts", "stains"]))[0]
    keep[parts] = readers(folder)[0](as_input(fields[parts])).max(axis=1) < 0.8
    return fields[keep], labels[keep]


def _generated(
    number: int, x: np.ndarray, y: np.ndarray, count: int, seed: int, folder: Path
) -> tuple[np.ndarray, np.ndarray]:
    """One of the parts that `many` is made of."""
    return generated(x, y, min(AT_ONCE, count - number * AT_ONCE), [seed, number], folder)


def many(x: np.ndarray, y: np.ndarray, arguments, count: int, scenes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` generated examples, and what the reading asks about in a number of scenes."""
    parts = [(np.zeros((0, 28, 28), np.uint8), np.zeros(0, int))]
    for what, function, jobs, shared in (
        ("generated", _generated, range(-(-count // AT_ONCE)), (x, y, count, seed, arguments.weights_dir)),
        ("of scenes", harvest, range(scenes), (x, y, SCENE_SEED + seed, arguments.weights_dir)),
    ):
        before = sum(len(labels) for _, labels in parts)
        parts += processes.spread(function, jobs, shared, arguments.workers)
        print(f"{sum(len(labels) for _, labels in parts) - before:,} {what}", flush=True)
    return np.concatenate([fields for fields, _ in parts]), np.concatenate([labels for _, labels in parts])


def distorted(x: np.ndarray, seed: int) -> np.ndarray:
    """Digits as the book's network was trained on them, uint8."""
    layer = Augmentation(seed)
    batches = [np.asarray(layer(as_input(x[i : i + 500]), training=True)) for i in range(0, len(x), 500)]
    return np.round(255 * np.concatenate(batches)[..., 0]).astype(np.uint8)


def dataset(arguments):
    """Training and validation examples, and MNIST's test split; made once and kept in the run folder."""
    (x, y), validation, test = full(arguments.data_dir, arguments.limit)
    file = arguments.run_dir / "examples.npz"
    if not file.exists():
        count, scenes = arguments.generated or 4 * len(x), arguments.harvest
        most = 2 * len(x) + len(validation[0]) + (count + MOST * scenes) * 41 // 40  # the last for validation
        runs.room(arguments.run_dir, most * EXAMPLE_BYTES, "--run-dir")
        fields, labels = many(x, y, arguments, count, scenes, arguments.seed + 1)
        held = many(*validation, arguments, max(500, count // 40), scenes // 40, arguments.seed + 2)
        with weights.whole(file) as half:
            np.savez(
                half,
                x=np.concatenate([x, distorted(x, arguments.seed), fields]),
                y=np.concatenate([y, y, labels]),
                held_x=np.concatenate([validation[0], held[0]]),
                held_y=np.concatenate([validation[1], held[1]]),
            )
    made = stored(file, "Begin anew: --fresh.", ("x", "y", "held_x", "held_y"))
    return (made["x"], made["y"]), (made["held_x"], made["held_y"]), test


def read(picture: np.ndarray, folder: Path) -> str:
    """The digits that the page reads with the networks of a folder; none where it says that there is none."""
    predict, judge = readers(folder)
    try:
        return "".join(str(found.digit) for found in reading.read_number(picture, predict, judge=judge))
    except VisitorError:
        return ""


def scenes(test: tuple[np.ndarray, np.ndarray], arguments) -> dict[str, list[tuple[str, str]]]:
    """What is written and what is read in `SCENES` pictures, by kind; each is noted in the run folder at once."""
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in SCENES}
    network = weights.card(arguments.name, arguments.weights_dir)["sha256"]
    log = arguments.run_dir / f"scenes.{network[:8]}.csv"  # what another network has read is not gone on with
    done = [line.split(",") for line in log.read_text().splitlines()] if arguments.resume and log.exists() else []
    todo, shared = range(min(len(done), arguments.scenes), arguments.scenes), (*test, arguments.weights_dir)
    with open(log, "w", encoding="utf-8") as notes:
        pairs = chain(done[: arguments.scenes], processes.spread(one_scene, todo, shared, arguments.workers))
        for number, (written, got) in enumerate(pairs):
            found[list(SCENES)[number % len(SCENES)]].append((written, got))
            print(written, got, sep=",", file=notes, flush=True)
    return found


def one_scene(number: int, x: np.ndarray, y: np.ndarray, folder: Path, seed: int = SCENE_SEED) -> tuple[str, str]:
    """What is written in a scene of the test set, and what is read with the networks of a folder."""
    picture, written = scene(number, x, y, seed)
    return written, read(picture, folder)


def share(name: str, hits: list[bool] | np.ndarray, **more) -> dict:
    """A figure of the card: how many of some were right."""
    return intervals.metric(name, np.mean(hits), len(hits), intervals.wilson(int(np.sum(hits)), len(hits)), **more)


def measure(test: tuple[np.ndarray, np.ndarray], arguments) -> list[dict]:
    """The figures of the card, from the network as it is served: of drawings one by one, and of scenes by kind."""
    folder = arguments.weights_dir
    judge = readers(folder)[1]
    fields, labels = generated(*test, DRAWINGS, SCENE_SEED, folder)
    accepted = judge(as_input(fields))[:, :NONE].sum(axis=1) > looking.THRESHOLD
    clean = judge(as_input(test[0]))
    rows = [
        share("taken for a digit, of what is none", accepted[labels == NONE], note=NEGATIVES),
        share("taken for a digit, of generated digits", accepted[labels < NONE]),
        share("taken for a digit, of MNIST's digits", clean[:, :NONE].sum(axis=1) > looking.THRESHOLD),
        share("accuracy of its own digits on MNIST", clean[:, :NONE].argmax(axis=1) == test[1]),
        share(
            "MNIST's digits read by the page",
            [read(x, folder) == str(y) for x, y in zip(test[0][:READ], test[1], strict=False)],
        ),
    ]
    found = scenes(test, arguments)
    nothing = [not got for name in digit_scenes.NOTHING for _, got in found[name]]
    for name, pairs in found.items():
        what = "read exactly: " if name in digit_scenes.KINDS else "read as no digit: "
        rows.append(share(what + name, [written == got for written, got in pairs]))
        if name == "thirty on a sheet":
            digits = [a == b for written, got in pairs for a, b in zip(written, got.ljust(30)[:30], strict=True)]
            rows.append(share("thirty on a sheet, digit by digit", digits))
    rows.append(share("read as no digit: all scenes without", nothing))
    return rows


def certain(test: tuple[np.ndarray, np.ndarray], arguments) -> dict:
    """How far its certainty can be trusted, on the drawings and digits that `measure` generates, too."""
    fields, labels = generated(*test, 6000, SCENE_SEED)
    return calibration(weights.load(arguments.name, arguments.weights_dir), as_input(fields), labels)


def measure_again(arguments) -> None:
    """Put the figures of the published network on the card; what is read on the way has a run folder of its own."""

    def facts(_: common.Served) -> dict:
        test = full(arguments.data_dir)[2]
        common.prepare(arguments)
        return {"metrics": measure(test, arguments), "calibration": certain(test, arguments)}

    arguments.run_dir = arguments.run_dir.with_name(f"{arguments.run_dir.name}_measured")
    common.measure(arguments.name, arguments, facts)
    runs.published(arguments.run_dir)


def train(arguments, training, validation, start: list[np.ndarray] | None = None) -> tuple[keras.Model, list[dict]]:
    """The network and the log of its training, on examples uint8 (n, 28, 28) with labels (n,).

    Args:
        start: weights to go on from.
    """
    with engine.precision(arguments):
        network = build()
    if start is not None:
        network.set_weights(start)
    batches = -(-len(training[0]) // arguments.batch_size)
    rate, _ = schedules.cosine(arguments.learning_rate, arguments.epochs, batches)
    model = engine.trainee(network, 1 / 255)
    model.compile(
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.01),
        optimizer=keras.optimizers.AdamW(rate, weight_decay=0.01, **engine.optimizer_options(arguments)),
        metrics=["accuracy"],
    )
    history = common.fit(
        model,
        (training[0][..., None], keras.utils.to_categorical(training[1], CLASSES)),
        (validation[0][..., None], keras.utils.to_categorical(validation[1], CLASSES)),
        arguments,
        reduce=False,
    )
    return network, history


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "not_a_digit", epochs=14, batch_size=256)
    count, kinds = common.at_least(0), len(SCENES)
    parser.add_argument("--generated", type=count, default=0, help="generated examples; default four for each digit")
    parser.add_argument(
        "--harvest", type=count, default=0, help="scenes to take examples from, as the reading meets them"
    )
    parser.add_argument(
        "--scenes", type=common.at_least(kinds), default=2000, help=f"pictures to measure on, of {kinds} kinds"
    )
    parser.add_argument("--start", action="store_true", help="go on from the published weights")
    parser.add_argument("--learning-rate", type=common.above_zero, default=1.5e-3, help="first rate of the schedule")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.measure:
        measure_again(arguments)
        return
    start, origin = None, {}
    if arguments.start:
        start = weights.load(arguments.name, arguments.weights_dir).get_weights()
        origin = provenance.origin(arguments.name, arguments.weights_dir)
    common.prepare(arguments)
    training, validation, test = dataset(arguments)
    print(f"{len(training[0])} training, {len(validation[0])} validation", flush=True)
    network, history = train(arguments, training, validation, start)
    data = mnist.SOURCE | {
        "name": "MNIST, and generated drawings",
        "splits": {"training": len(training[0]), "validation": len(validation[0]), "test": len(test[0])},
        "note": "two copies of MNIST's digits, clean and distorted; drawings of the kinds "
        + ", ".join(SHARES)
        + f"; and what the reading asks about in {arguments.harvest:,} generated scenes",
    }
    card = {"builder": "cnndemo.models.not_a_digit:build", "data": data, "history": history}
    card |= {"classes": [*map(str, range(10)), "not a digit", "several digits"], "threshold": looking.THRESHOLD}
    common.publish(network, arguments, metrics=[], **card, **origin)
    print("Next, with the weights in their place: python -m train.not_a_digit --measure")


if __name__ == "__main__":
    main()
