"""Trains a softmax layer for the 37 breeds of Oxford-IIIT Pet on the frozen EfficientNet-Lite0.

    python -m train.pet_breeds                    # a CPU, some minutes; the backbone runs once over each picture

Of the 37 breeds 24 are also classes of ImageNet, so the backbone has met them under another name: the card says so.
Each training picture counts several times, as the central crop and as random crops, half of them mirrored.
"""

from __future__ import annotations

import argparse

import keras
import numpy as np
from PIL import Image

from cnndemo import weights
from cnndemo.models import efficientnet_lite0, feature_head
from train import common, engine, features, intervals
from train.certainty import calibration
from train.datasets import oxford_breeds
from train.datasets.splits import Split

#: Breed -> the class of ImageNet that shows the same breed, by the first word of its synset.
IMAGENET_BREEDS = {
    "basset_hound": "basset",
    "beagle": "beagle",
    "boxer": "boxer",
    "chihuahua": "Chihuahua",
    "Egyptian_Mau": "Egyptian cat",
    "english_cocker_spaniel": "cocker spaniel",
    "english_setter": "English setter",
    "german_shorthaired": "German short-haired pointer",
    "great_pyrenees": "Great Pyrenees",
    "japanese_chin": "Japanese spaniel",
    "keeshond": "keeshond",
    "leonberger": "Leonberg",
    "miniature_pinscher": "miniature pinscher",
    "newfoundland": "Newfoundland",
    "Persian": "Persian cat",
    "pomeranian": "Pomeranian",
    "pug": "pug",
    "saint_bernard": "Saint Bernard",
    "samoyed": "Samoyed",
    "scottish_terrier": "Scotch terrier",
    "Siamese": "Siamese cat",
    "staffordshire_bull_terrier": "Staffordshire bullterrier",
    "wheaten_terrier": "soft-coated wheaten terrier",
    "yorkshire_terrier": "Yorkshire terrier",
}


def central(images: list[np.ndarray]) -> np.ndarray:
    """The crop that serving uses, uint8 (n, 224, 224, 3)."""
    return np.stack([efficientnet_lite0.preprocess(image) for image in images])


def random_crops(images: list[np.ndarray], generator: np.random.Generator) -> np.ndarray:
    """Random squares of 60 to 100 % of the short side, half of them mirrored, uint8 (n, 224, 224, 3)."""
    result = []
    for image in images:
        height, width = image.shape[:2]
        side = int(min(height, width) * generator.uniform(0.6, 1.0))
        top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
        square = Image.fromarray(np.ascontiguousarray(image[top : top + side, left : left + side]))
        pixels = np.asarray(square.resize((efficientnet_lite0.INPUT_SIZE,) * 2, Image.Resampling.BICUBIC))
        result.append(pixels[:, ::-1] if generator.random() < 0.5 else pixels)
    return np.stack(result)


def figures(head, x: np.ndarray, y: np.ndarray, breeds: list[str]) -> dict:
    """What the card says of a head on features (n, 1280) of the test split: metrics, and the accuracy of each breed."""
    hits = head.predict(x, verbose=0).argmax(axis=1) == y
    present = [breed for breed in range(len(breeds)) if (y == breed).any()]
    each = {breeds[breed]: float(hits[y == breed].mean()) for breed in present}
    samples, right = len(hits), int(hits.sum())

    def mean_over_breeds(rows: np.ndarray) -> float:
        """Mean of the breeds' accuracies on a resampled test split."""
        return float(np.mean([hits[rows][labels].mean() for b in present if (labels := y[rows] == b).any()]))

    everything = np.arange(samples)
    mean, interval = mean_over_breeds(everything), intervals.bootstrap(everything, mean_over_breeds)
    known = np.array([breeds[breed] in IMAGENET_BREEDS for breed in y])
    metrics = [
        intervals.metric("accuracy", right / samples, samples, intervals.wilson(right, samples)),
        intervals.metric("mean over breeds", mean, samples, interval),
    ]
    for name, rows in (("accuracy, breeds of ImageNet", known), ("accuracy, other breeds", ~known)):
        if rows.any():
            part = intervals.wilson(int(hits[rows].sum()), int(rows.sum()))
            metrics.append(intervals.metric(name, hits[rows].mean(), int(rows.sum()), part))
    return {"metrics": metrics, "breed_accuracy": each}


def train(arguments, classes: int, training: Split, validation: Split) -> tuple[keras.Model, list[dict]]:
    """The head and the log of its training, on features (n, 1280) with labels (n,)."""
    with engine.precision(arguments):
        head = feature_head.build(classes, dropout=arguments.dropout)
    # Breeds with few pictures count as much as the others: weights inverse to the number of pictures.
    counts = np.bincount(training[1], minlength=classes).clip(1)
    class_weight = dict(enumerate((counts.mean() / counts).tolist()))
    head.compile(
        keras.optimizers.Adam(arguments.learning_rate, **engine.optimizer_options(arguments)),
        keras.losses.CategoricalCrossentropy(label_smoothing=arguments.smoothing),
        metrics=["accuracy"],
    )
    both = ((x, np.eye(classes, dtype=np.float32)[y]) for x, y in (training, validation))
    return head, common.fit(head, *both, arguments, patience=12, class_weight=class_weight)


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("A head for the breeds of pets.", "pet_breeds", epochs=60, batch_size=64)
    count, share = common.at_least(0), common.share
    parser.add_argument("--views", type=count, default=8, help="random crops of each picture beside the centre")
    parser.add_argument("--dropout", type=share, default=0.3, help="share of the features that a step goes without")
    parser.add_argument("--smoothing", type=share, default=0.1, help="how much probability the target gives away")
    parser.add_argument("--learning-rate", type=common.above_zero, default=5e-4, help="at the start")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    learned, validation, test, breeds = oxford_breeds.load(arguments.data_dir)
    backbone = features.backbone(efficientnet_lite0.INPUT_SIZE, arguments.weights_dir)
    if arguments.measure:
        seen = features.extract(backbone, test[0], central)
        certainty = {"calibration": calibration(weights.load("pet_breeds", arguments.weights_dir), seen, test[1])}
        common.measure("pet_breeds", arguments, lambda served: figures(served, seen, test[1], breeds) | certainty)
        return
    common.prepare(arguments)
    if arguments.limit:
        rows = common.spread(range(len(learned[0])), arguments.limit)
        learned = [learned[0][row] for row in rows], learned[1][rows]
    views = [features.extract(backbone, learned[0], central)]
    numbered = list(enumerate(learned[0]))
    for view in range(arguments.views):

        def crops(part: list[tuple[int, np.ndarray]], view: int = view) -> np.ndarray:
            """Drawn from the number of the picture, for several threads ask for crops in no certain order."""
            generator = np.random.default_rng((arguments.seed, view, part[0][0]))
            return random_crops([image for _, image in part], generator)

        views.append(features.extract(backbone, numbered, crops))
    x, y = np.concatenate(views), np.tile(learned[1], len(views))
    held, seen = (features.extract(backbone, split[0], central) for split in (validation, test))
    head, history = train(arguments, len(breeds), (x, y), (held, validation[1]))
    found = figures(common.as_stored(head), seen, test[1], breeds)
    for row in found["metrics"]:
        print(f"{row['name']}: {row['value']:.4f} on {row['samples']} test pictures")
    common.publish(
        head,
        arguments,
        builder="cnndemo.models.feature_head:build",
        builder_arguments={"classes": len(breeds), "dropout": arguments.dropout},
        data=oxford_breeds.SOURCE
        | {"splits": {"train": len(learned[0]), "validation": len(validation[0]), "test": len(test[0])}},
        **found,
        calibration=calibration(head, seen, test[1]),
        history=history,
        classes=breeds,
        backbone="efficientnet_lite0",
        imagenet_breeds=IMAGENET_BREEDS,
        notes=f"{len(IMAGENET_BREEDS)} of the {len(breeds)} breeds are classes of ImageNet: the frozen backbone has "
        "learned them before.",
    )


if __name__ == "__main__":
    main()
