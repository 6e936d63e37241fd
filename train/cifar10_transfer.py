"""The book's experiment of listing 4.2: CIFAR-10 on a network that learned ImageNet.

    KERAS_BACKEND=jax python -m train.cifar10_transfer --mixed

First the backbone is frozen and only a softmax layer is trained, on pictures padded with zeros as in the book and on
pictures scaled up. Then all layers are trained for some epochs with a small rate, and for comparison the same network
from random weights for as many epochs. The card holds the table; the heads of the best and of the padded input ship.
"""

from __future__ import annotations

import time

import keras
import numpy as np

from cnndemo import weights
from cnndemo.models import efficientnet_lite0, feature_head, resnet20
from cnndemo.resnet_transfer import small_pictures
from train import common, features
from train.datasets import cifar10
from train.resnet20 import Cosine, Pictures

PADDED = "padded to 224"


class Enlarged(Pictures):
    """Shifted and mirrored small pictures, scaled up for the backbone."""

    def __init__(self, x, y, batch_size, size, seed=None):
        super().__init__(x, y, batch_size, seed)
        self.size = size

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return small_pictures.enlarge(x.astype(np.uint8), self.size).astype(np.float32), y


def whole_network(size: int, pretrained: bool, head: keras.Model | None = None) -> keras.Model:
    """Backbone and head in one functional model, float32 probabilities at its end."""
    network = efficientnet_lite0.build(size)
    if pretrained:
        network.set_weights(features.backbone_weights())
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
    head = feature_head.build(len(resnet20.CLASSES))
    optimizer = keras.optimizers.Adam(1e-3)
    head.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = common.fit(
        head, train, validation, arguments, "val_accuracy", "max", patience=12, stage=name.replace(" ", "_"), verbose=2
    )
    return head, history


def train_all(name, model, rate, split, validation, arguments, size) -> None:
    """Trains every layer, with a cosine down to zero."""
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    common.fit(
        model,
        Enlarged(*split, arguments.tune_batch_size, size, seed=arguments.seed),
        Enlarged(*validation, 250, size),
        arguments,
        monitor="val_accuracy",
        mode="max",
        patience=arguments.tune_epochs,
        reduce=False,
        stage=name,
        epochs=arguments.tune_epochs,
        callbacks=[Cosine(rate, arguments.tune_epochs, warm_up=1, minutes=arguments.tune_minutes)],
        verbose=2,
    )


def main() -> None:
    parser = common.parser("CIFAR-10 on a pretrained network.", "cifar10_transfer", epochs=40, batch_size=512)
    parser.add_argument("--tune-size", type=int, default=96, help="side of the pictures when all layers train")
    parser.add_argument("--tune-epochs", type=int, default=5, help="epochs with all layers")
    parser.add_argument("--tune-batch-size", type=int, default=256)
    parser.add_argument("--tune-rate", type=float, default=3e-4, help="learning rate of the unfrozen network")
    parser.add_argument("--tune-minutes", type=float, help="end each of the two trainings after so many minutes")
    parser.add_argument("--parts", default="heads,tuned,scratch", help="what to do; the card keeps the rest")
    parser.add_argument("--test-limit", type=int, default=5000, help="with --limit: how many test pictures")
    parser.add_argument("--mixed", action="store_true", help="train all layers in bfloat16 (GPU)")
    arguments = parser.parse_args()
    common.prepare(arguments)
    started = time.time()

    train, validation, test = cifar10.load(arguments.data_dir)
    if arguments.limit:
        pick = np.random.default_rng(0)
        train, validation, test = (
            tuple(part[rows] for part in split)
            for split, limit in ((train, arguments.limit), (validation, 500), (test, arguments.test_limit))
            for rows in [pick.permutation(len(split[0]))[:limit]]
        )
    samples = len(test[0])
    splits = {"train": len(train[0]), "validation": len(validation[0]), "test": samples}
    if "heads" not in arguments.parts:
        splits = weights.card("cifar10_transfer")["data"]["splits"]
    rows, heads, histories = [], {}, {}

    def report(name: str, trained: str, probabilities: np.ndarray, seconds: float) -> None:
        right = int((probabilities.argmax(axis=1) == test[1]).sum())
        interval = common.wilson(right, samples)
        rows.append(
            {"input": name, "trained": trained, "accuracy": right / samples, "interval": interval, "samples": samples}
            | {"training_pictures": len(train[0]), "seconds": round(seconds, 1)}
            | {"command": common.command(arguments), "hardware": common.hardware()}
        )
        print(f"{name}, {trained}: {right / samples:.4f} on {samples} test pictures, {seconds:.0f} s", flush=True)

    parts = arguments.parts.split(",")
    if "heads" not in parts:
        rows, heads, histories = earlier(arguments)
    for name, prepare in small_pictures.INPUTS.items() if "heads" in parts else ():
        clock = time.time()
        network = features.backbone(small_pictures.size_of(name))
        x = [features.extract(network, split[0], prepare) for split in (train, validation, test)]
        pairs = [(part, split[1]) for part, split in zip(x, (train, validation, test), strict=True)]
        heads[name], histories[name] = train_head(name, pairs[0], pairs[1], arguments)
        heads[name].set_weights([w.astype(np.float16).astype(np.float32) for w in heads[name].get_weights()])
        report(name, "head", heads[name].predict(x[2], batch_size=500, verbose=0), time.time() - clock)
    if "heads" in parts:
        publish(rows, heads, histories, splits, arguments, started)

    name = f"scaled to {arguments.tune_size}"
    prepare = small_pictures.INPUTS[name]
    if name not in heads and "tuned" in parts:
        clock = time.time()
        network = features.backbone(arguments.tune_size)
        pairs = [(features.extract(network, x, prepare), y) for x, y in (train, validation, test)]
        heads[name], _ = train_head(f"{name} again", pairs[0], pairs[1], arguments)
        if arguments.limit:
            report(name, "head, fewer pictures", heads[name].predict(pairs[2][0], verbose=0), time.time() - clock)
    for part, (trained, rate) in {
        "tuned": ("all layers", arguments.tune_rate),
        "scratch": ("from scratch", 1e-3),
    }.items():
        if part not in parts:
            continue
        clock = time.time()
        keras.config.set_dtype_policy("mixed_bfloat16" if arguments.mixed else "float32")
        model = whole_network(arguments.tune_size, trained == "all layers", heads.get(name))
        train_all(part, model, rate, train, validation, arguments, arguments.tune_size)
        keras.config.set_dtype_policy("float32")
        exact = whole_network(arguments.tune_size, False)
        exact.set_weights(model.get_weights())
        batches = features.Batches(test[0], prepare)
        report(name, trained, exact.predict(batches, verbose=0), time.time() - clock)
        publish(rows, heads, histories, splits, arguments, started)


def earlier(arguments) -> tuple[list[dict], dict, dict]:
    """Rows, heads and logs of an earlier run, from its cards, so that a part can be done by itself."""
    about = {name: weights.card(name) for name in ("cifar10_transfer", "cifar10_transfer_padded")}
    trained = {"tuned": "all layers", "scratch": "from scratch"}
    again = [trained[part] for part in arguments.parts.split(",") if part in trained]
    again += ["head, fewer pictures"] if "tuned" in arguments.parts else []
    rows = [row for row in about["cifar10_transfer"]["experiments"] if row["trained"] not in again]
    heads = {card["input"]: weights.load(name) for name, card in about.items()}
    return rows, heads, {card["input"]: weights.history(name) for name, card in about.items()}


def publish(rows, heads, histories, splits, arguments, started) -> None:
    """Writes the heads of the best frozen input (by validation accuracy) and of the padded one, with their cards."""
    frozen = [row for row in rows if row["trained"] == "head" and row["input"] != PADDED]
    best = max(frozen, key=lambda row: best_validation(histories.get(row["input"], [])))
    for row, suffix in ((best, ""), (rows[0], "_padded")):
        shown = [row] + ([] if suffix else [other for other in rows if other is not row])
        names = ["accuracy"] + [f"accuracy, {other['input']}, {other['trained']}" for other in shown[1:]]
        common.publish(
            heads[row["input"]],
            arguments,
            builder="cnndemo.models.feature_head:build",
            builder_arguments={"classes": len(resnet20.CLASSES)},
            data=cifar10.SOURCE | {"splits": splits},
            metrics=[
                common.metric(name, other["accuracy"], other["samples"], other["interval"])
                for name, other in zip(names, shown, strict=True)
            ],
            history=histories[row["input"]],
            name=f"cifar10_transfer{suffix}",
            classes=list(resnet20.CLASSES),
            backbone="efficientnet_lite0",
            input=row["input"],
            experiments=rows if not suffix else [row],
            tuning={
                "epochs": arguments.tune_epochs,
                "rate": arguments.tune_rate,
                "batch_size": arguments.tune_batch_size,
            },
            **({"total_seconds": round(time.time() - started, 1)} if "heads" in arguments.parts else heads_origin()),
        )


def heads_origin() -> dict:
    """Where the heads of an earlier run come from; the rows of the table name their own commands."""
    about = weights.card("cifar10_transfer")
    facts = {key: about[key] for key in ("command", "hardware", "date", "total_seconds")}
    return facts | {"resumed": about.get("resumed", False)}


def best_validation(history: list[dict]) -> float:
    """The best validation accuracy of a log: it decides which head ships, so that the test split does not."""
    return max((row["val_accuracy"] for row in history), default=0.0)


if __name__ == "__main__":
    main()
