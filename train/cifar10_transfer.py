"""The book's experiment of listing 4.2: CIFAR-10 on a network that learned ImageNet.

    KERAS_BACKEND=jax python -m train.cifar10_transfer --mixed

First the backbone is frozen and only a softmax layer is trained, on pictures padded with zeros as in the book and on
pictures scaled up. Then all layers are trained for some epochs with a small rate, and for comparison the same network
from random weights for as many epochs. The card holds the table; the heads of the best and of the padded input ship.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np

from cnndemo import weights
from cnndemo.models import efficientnet_lite0, feature_head, resnet20
from cnndemo.resnet_transfer import small_pictures
from train import common, engine, features, intervals, provenance, schedules
from train.certainty import calibration
from train.datasets import cifar10
from train.resnet20 import Pictures

PADDED = "padded to 224"
VALIDATION = 2000  # pictures held out from the training split
NAMES = ("cifar10_transfer", "cifar10_transfer_padded")
PARTS = {"heads": "head", "tuned": "all layers", "scratch": "from scratch"}


class Enlarged(Pictures):
    """Shifted small pictures, scaled up for the backbone."""

    def __init__(self, x, y, batch_size, size, seed=None):
        super().__init__(x, y, batch_size, seed)
        self.size = size

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return small_pictures.enlarge(x, self.size), y


def whole_network(
    size: int, pretrained: bool, head: keras.Model | None = None, folder: Path = weights.WEIGHTS_DIR
) -> keras.Model:
    """Backbone and head in one functional model, float32 probabilities at its end."""
    network = efficientnet_lite0.build(size)
    if pretrained:
        network.set_weights(features.imagenet(folder).get_weights())
        for layer in network.layers:
            # Averages over a few small batches would spoil what ImageNet's million pictures have measured.
            layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    else:
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.9  # 0.99 would still remember the random start after a thousand steps
    pooled = network.get_layer("average_pool").output
    x = keras.layers.Dense(len(resnet20.CLASSES), name="scores")(pooled)
    model = keras.Model(network.input, keras.layers.Softmax(dtype="float32")(x))
    if pretrained:
        model.get_layer("scores").set_weights(head.get_layer("scores").get_weights())
    return model


def train_head(name, train, validation, arguments) -> tuple[keras.Model, list[dict]]:
    """Fits the softmax layer on features."""
    keras.utils.set_random_seed(arguments.seed)
    with engine.precision(arguments):
        head = feature_head.build(len(resnet20.CLASSES))
    optimizer = keras.optimizers.Adam(arguments.learning_rate, **engine.optimizer_options(arguments))
    head.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = common.fit(
        head, train, validation, arguments, "val_accuracy", "max", patience=12, stage=name.replace(" ", "_")
    )
    return head, history


def train_all(name, model, rate, split, validation, arguments, size) -> None:
    """Trains every layer, with a cosine down to zero."""
    batches, epochs = Enlarged(*split, arguments.tune_batch_size, size, seed=arguments.seed), arguments.tune_epochs
    schedule, callbacks = schedules.cosine(rate, epochs, len(batches), 1, schedules.Clock(arguments.tune_minutes))
    model = engine.trainee(model, before=[keras.layers.RandomFlip("horizontal", seed=arguments.seed)])
    optimizer = keras.optimizers.Adam(schedule, **engine.optimizer_options(arguments))
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"])
    common.fit(
        model, batches, Enlarged(*validation, 250, size), arguments, "val_accuracy", "max", reduce=False,
        stage=name, epochs=epochs, callbacks=callbacks,
    )  # fmt: skip


def parts_of(text: str) -> list[str]:
    """The type of `--parts`."""
    parts = text.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return parts


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("CIFAR-10 on a pretrained network.", "cifar10_transfer", epochs=40, batch_size=512)
    count, positive = common.at_least(1), common.above_zero
    parser.add_argument("--learning-rate", type=positive, default=1e-3, help="of the heads, at the start")
    sizes = [small_pictures.size_of(name) for name in small_pictures.INPUTS if name != PADDED]
    parser.add_argument("--tune-size", type=int, choices=sizes, default=96, help="side of the pictures in tuning")
    parser.add_argument("--tune-epochs", type=count, default=5, help="epochs with all layers")
    parser.add_argument("--tune-batch-size", type=count, default=256, help="pictures a step with all layers")
    parser.add_argument("--tune-learning-rate", type=positive, default=3e-4, help="highest, of the unfrozen network")
    parser.add_argument("--tune-minutes", type=positive, help="end each of the two trainings after so many minutes")
    parser.add_argument(
        "--parts", type=parts_of, default="heads,tuned,scratch", help="what to do; the published card keeps the rest"
    )
    return parser


def row_of(hits: np.ndarray) -> dict:
    """What the table says of the test pictures that were named right; bool (n,)."""
    right, samples = int(hits.sum()), len(hits)
    return {"accuracy": right / samples, "interval": intervals.wilson(right, samples), "samples": samples}


@common.script
def main() -> None:
    arguments = options().parse_args()
    started, folder = time.time(), arguments.weights_dir
    train, validation, test = cifar10.load(arguments.data_dir, VALIDATION)
    if arguments.measure:
        measure(arguments, test)
        return
    parts = arguments.parts
    rows, heads, histories, certain, origin = earlier(arguments) if "heads" not in parts else ([], {}, {}, {}, {})
    common.prepare(arguments)
    if arguments.limit:
        chosen = np.random.default_rng(0).permutation(len(train[0]))[: arguments.limit]
        train = train[0][chosen], train[1][chosen]
    splits = {"train": len(train[0]), "validation": len(validation[0]), "test": len(test[0])}

    def report(name: str, trained: str, probabilities: np.ndarray, seconds: float) -> None:
        row = row_of(probabilities.argmax(axis=1) == test[1])
        more = {"training_pictures": len(train[0]), "seconds": round(seconds, 1)}
        more |= {"command": common.command(arguments), "hardware": provenance.hardware()}
        rows.append({"input": name, "trained": trained} | row | more)
        print(
            f"{name}, {trained}: {row['accuracy']:.4f} on {row['samples']} test pictures, {seconds:.0f} s", flush=True
        )

    for name, prepare in small_pictures.INPUTS.items() if "heads" in parts else ():
        clock = time.time()
        network = features.backbone(small_pictures.size_of(name), folder)
        x = [features.extract(network, split[0], prepare) for split in (train, validation, test)]
        pairs = [(part, split[1]) for part, split in zip(x, (train, validation, test), strict=True)]
        heads[name], histories[name] = train_head(name, pairs[0], pairs[1], arguments)
        answers = common.as_stored(heads[name]).predict(x[2], batch_size=500, verbose=0)
        report(name, "head", answers, time.time() - clock)
        certain[name] = calibration(heads[name], x[2], test[1])

    name = f"scaled to {arguments.tune_size}"
    prepare = small_pictures.INPUTS[name]
    if name not in heads and "tuned" in parts:
        clock = time.time()
        network = features.backbone(arguments.tune_size, folder)
        pairs = [(features.extract(network, x, prepare), y) for x, y in (train, validation, test)]
        heads[name], _ = train_head(f"{name} again", pairs[0], pairs[1], arguments)
        if arguments.limit:
            answers = engine.exact(heads[name]).predict(pairs[2][0], verbose=0)
            report(name, "head, fewer pictures", answers, time.time() - clock)
    for part, rate in (("tuned", arguments.tune_learning_rate), ("scratch", 1e-3)):
        if part not in parts:
            continue
        clock = time.time()
        keras.utils.set_random_seed(arguments.seed)
        with engine.precision(arguments):
            model = whole_network(arguments.tune_size, part == "tuned", heads.get(name), folder)
        train_all(part, model, rate, train, validation, arguments, arguments.tune_size)
        exact = whole_network(arguments.tune_size, False)
        exact.set_weights(model.get_weights())
        batches = features.Batches(test[0], prepare)
        report(name, PARTS[part], exact.predict(batches, verbose=0), time.time() - clock)
    origin = origin or {"total_seconds": round(time.time() - started, 1), "data": cifar10.SOURCE | {"splits": splits}}
    publish(rows, heads, histories, certain, arguments, origin)


def earlier(arguments) -> tuple[list[dict], dict, dict, dict, dict]:
    """Rows, heads, logs, certainties and origin of the published run, so that a part can be done by itself."""
    folder = arguments.weights_dir
    about = {name: weights.card(name, folder) for name in NAMES}
    again = [PARTS[part] for part in arguments.parts]
    again += ["head, fewer pictures"] if "tuned" in arguments.parts else []
    rows = [row for row in about[NAMES[0]]["experiments"] if row["trained"] not in again]
    heads = {card["input"]: weights.load(name, folder) for name, card in about.items()}
    histories = {card["input"]: weights.history(name, folder) for name, card in about.items()}
    certain = {card["input"]: card["calibration"] for card in about.values()}
    # Where the heads come from; the rows of the table name their own commands.
    facts = ("command", "commit", "arguments", "hardware", "versions", "date", "total_seconds", "data")
    origin = {key: about[NAMES[0]][key] for key in facts if key in about[NAMES[0]]}
    return rows, heads, histories, certain, origin | {"resumed": about[NAMES[0]].get("resumed", False)}


def figures(shown: list[dict]) -> list[dict]:
    """The metrics of a card from rows of the table, its own network's first."""
    names = ["accuracy"] + [f"accuracy, {row['input']}, {row['trained']}" for row in shown[1:]]
    return [
        intervals.metric(name, row["accuracy"], row["samples"], row["interval"])
        for name, row in zip(names, shown, strict=True)
    ]


def measure(arguments, test) -> None:
    """Measures both published heads anew; the networks of the other rows are not kept."""
    folder, found, certain = arguments.weights_dir, {}, {}
    for card in [weights.card(name, folder) for name in NAMES]:
        network = features.backbone(small_pictures.size_of(card["input"]), folder)
        seen = features.extract(network, test[0], small_pictures.INPUTS[card["input"]])
        answers = common.Served(card["name"], folder).predict(seen)
        found[card["input"]] = row_of(answers.argmax(axis=1) == test[1])
        certain[card["name"]] = calibration(weights.load(card["name"], folder), seen, test[1])
    for name in NAMES:
        about = weights.card(name, folder)
        rows = [row | found.get(row["input"], {}) if row["trained"] == "head" else row for row in about["experiments"]]
        own = next(row for row in rows if row["trained"] == "head" and row["input"] == about["input"])
        metrics = figures([own, *(row for row in rows if row is not own)])
        facts = {"metrics": metrics, "experiments": rows, "calibration": certain[name]}
        common.measure(name, arguments, lambda _, facts=facts: facts)


def publish(rows, heads, histories, certain, arguments, origin) -> None:
    """Writes the heads of the best frozen input (by validation accuracy) and of the padded one, with their cards."""
    frozen = [row for row in rows if row["trained"] == "head" and row["input"] != PADDED]
    best = max(frozen, key=lambda row: best_validation(histories.get(row["input"], [])))
    padded = next(row for row in rows if row["trained"] == "head" and row["input"] == PADDED)
    for row, name in ((best, NAMES[0]), (padded, NAMES[1])):
        shown = [row] + ([other for other in rows if other is not row] if row is best else [])
        card = {"data": origin["data"]} | {
            "builder": "cnndemo.models.feature_head:build",
            "builder_arguments": {"classes": len(resnet20.CLASSES)},
            "metrics": figures(shown),
            "history": histories[row["input"]],
            "calibration": certain[row["input"]],
            "name": name,
            "classes": list(resnet20.CLASSES),
            "backbone": "efficientnet_lite0",
            "input": row["input"],
            "experiments": rows if row is best else [row],
            "tuning": {
                "epochs": arguments.tune_epochs,
                "rate": arguments.tune_learning_rate,
                "batch_size": arguments.tune_batch_size,
            },
        }
        common.publish(heads[row["input"]], arguments, **(card | origin))


def best_validation(history: list[dict]) -> float:
    """The best validation accuracy of a log: it decides which head ships, so that the test split does not."""
    return max((row["val_accuracy"] for row in history), default=0.0)


if __name__ == "__main__":
    main()
