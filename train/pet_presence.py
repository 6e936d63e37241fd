"""Trains a linear layer that tells pets from people and things, on the cells of the frozen EfficientNet-Lite0.

    python -m train.pet_presence

Pictures of people without pets are portraits of Labeled Faces in the Wild (two folds; the third, with other people, is
for measuring), things are CIFAR-10's, enlarged, and pets those of Oxford-IIIT Pet with a trimap. A woman with her dog
is made: a pet is cut out by its trimap and laid on a portrait. `--measure` scores the stored weights anew.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np

from cnndemo import pet_presence, pet_segmentation, weights
from cnndemo.models import pet_presence as architecture
from cnndemo.models.resnet20 import CLASSES
from cnndemo.pet_segmentation import metrics
from train import common, engine, intervals
from train.datasets import cifar10, lfw, oxford_breeds, oxford_pets
from train.datasets.oxford_pets import Example
from train.datasets.splits import Split

TEST_FOLD = 2
PETS = (CLASSES.index("cat"), CLASSES.index("dog"))
CLEAR = (0.1, 0.6)
"""A cell with less than the first share of pet pixels is none, with more than the second it is pet; others unused."""

Window = tuple[np.ndarray, np.ndarray]


def beside(portrait: np.ndarray, pet: Example, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray] | None:
    """A pet, cut out by its trimap, on a portrait or beside it; and the mask of the pet, boolean. None if too small."""
    picture, mask = portrait, pet.trimap != pet_segmentation.SURROUNDINGS
    if generator.random() < 0.5:  # a wider stage
        half = portrait.shape[1] // 2
        picture = cv2.copyMakeBorder(portrait, 0, 0, half * int(generator.random() < 0.5), half, cv2.BORDER_REFLECT)
    rows, columns = np.nonzero(mask)
    if len(rows) < 50:
        return None
    box = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    layer, mask = pet.image[box], mask[box].astype(np.uint8)
    height, width = picture.shape[:2]
    scale = min(height * generator.uniform(0.35, 0.75) / layer.shape[0], 0.7 * width / layer.shape[1])
    size = max(8, int(layer.shape[1] * scale)), max(8, int(layer.shape[0] * scale))
    layer = cv2.resize(layer, size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
    if generator.random() < 0.5:
        layer, mask = layer[:, ::-1], mask[:, ::-1]
    top, left = height - size[1] - int(0.08 * height * generator.random()), int(generator.uniform(0, width - size[0]))
    inside = slice(max(0, top), top + size[1]), slice(left, left + size[0])
    where, front = np.zeros((height, width), np.uint8), picture.copy()
    where[inside], front[inside] = mask[-(inside[0].stop - inside[0].start) :], layer
    alpha = cv2.GaussianBlur(where.astype(np.float32), (0, 0), 0.8)[..., None]
    return (picture * (1 - alpha) + front * alpha).astype(np.uint8), where.astype(bool)


def window(image: np.ndarray, mask: np.ndarray, generator: np.random.Generator) -> Window:
    """A random square of a picture as the backbone sees it, and the share of pet pixels in each of its cells."""
    height, width = image.shape[:2]
    side = int(min(height, width) * generator.uniform(0.5, 1))
    top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
    part = mask[top : top + side, left : left + side].astype(np.float32)
    share = cv2.resize(part, (architecture.CELLS,) * 2, interpolation=cv2.INTER_AREA)
    pixels = pet_presence.cut(image, top, left, side)
    return (pixels[:, ::-1], share[:, ::-1]) if generator.random() < 0.5 else (pixels, share)


def nothing(image: np.ndarray) -> np.ndarray:
    return np.zeros(image.shape[:2], bool)


def windows(pets: list[Example], portraits: list, things: list, generator: np.random.Generator) -> list[Window]:
    """Two squares of each pet and portrait, one of each thing, and as many made pictures as there are portraits."""
    found = []
    for pet in pets:
        found += [window(pet.image, pet.trimap != pet_segmentation.SURROUNDINGS, generator) for _ in range(2)]
    for image in portraits:
        found += [window(image, nothing(image), generator) for _ in range(2)]
        if made := beside(image, pets[generator.integers(len(pets))], generator):
            found.append(window(*made, generator))
    return found + [window(image, nothing(image), generator) for image in things]


def cells(found: list[Window], folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 1280) and targets (n, 1) of half of the cells that are clearly pet or clearly not.

    Args:
        folder: of the backbone, see `common.helper`.
    """
    generator = np.random.default_rng(2)
    run = common.helper("efficientnet_lite0", folder, [pet_presence.MAPS])
    features, targets = [], []
    for start in range(0, len(found), 16):
        pixels, share = (np.stack(part) for part in zip(*found[start : start + 16], strict=True))
        clear = ((share < CLEAR[0]) | (share > CLEAR[1])) & (generator.random(share.shape) < 0.5)
        features.append(run(pixels.astype(np.float32))[pet_presence.MAPS][clear])
        targets.append(share[clear] > CLEAR[1])
    return np.concatenate(features), np.concatenate(targets).astype(np.float32)[:, None]


def options() -> ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "pet_presence", epochs=12, batch_size=512)
    parser.add_argument("--learning-rate", type=common.above_zero, default=1e-3, help="at the start")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.measure:
        measure_again(arguments)
        return
    common.prepare(arguments)
    publish(*gather(arguments), arguments)
    print("Next, with the weights in their place: python -m train.pet_presence --measure")


def measure_again(arguments: Namespace) -> None:
    """Put the figures of the published layer, as it is served, on the card."""
    folder = arguments.weights_dir

    def facts(served: common.Served) -> dict:
        pets, people, things = gather(arguments)
        breeds = oxford_breeds.load(arguments.data_dir)[2][0]
        splits = {
            "pets": len(pets.train),
            "portraits": len(people[0]),
            "things to learn from": len(things[0]),
            "pets with a trimap": len(pets.test),
            "pets in all": len(breeds),
            "portraits of other people": len(people[1]),
            "other things to measure with": len(things[1]),
        }
        backbone = common.helper("efficientnet_lite0", folder, [pet_presence.MAPS, pet_presence.LOGITS])
        rows = measure(pets, people[1], things[1], breeds, (backbone, served.predict_on_batch), folder)
        return {"metrics": rows, "data": weights.card("pet_presence", folder)["data"] | {"splits": splits}}

    common.measure("pet_presence", arguments, facts)


def publish(pets: oxford_pets.Pets, people: tuple[list, list], things: tuple[list, list], arguments) -> None:
    """Train the layer and write its weights, its served file and its card, as yet without figures."""
    model, history = train(pets, people[0], things[0], arguments)
    common.publish(
        model,
        arguments,
        "cnndemo.models.pet_presence:build",
        data={
            "name": "Oxford-IIIT Pet, Labeled Faces in the Wild, CIFAR-10",
            "source": "; ".join(part.SOURCE["source"] for part in (oxford_pets, lfw, cifar10)),
            "licence": "CC BY-SA 4.0; for research, no picture is part of the weights; none stated",
        },
        metrics=[],
        history=history,
        backbone="efficientnet_lite0",
        notes=[
            "People without pets are portraits only; people seen from afar or from behind were not measured.",
            "Pictures of a person with a pet are made: a pet of the test split, cut out by its trimap, on a portrait.",
        ],
    )


def gather(arguments) -> tuple[oxford_pets.Pets, tuple[list, list], tuple[list, list]]:
    """Pets with their splits; portraits to learn from and of other people; things to learn from and others.

    `--limit` cuts what is learned from; what is measured with stays whole.
    """
    pets, limit = oxford_pets.load(arguments.data_dir), arguments.limit
    pairs, picture = lfw.load(arguments.data_dir)
    folds = {name: pair.fold for pair in pairs for name in (pair.first, pair.second)}
    people = tuple(
        [picture(name) for name in sorted(folds) if (folds[name] == TEST_FOLD) is test] for test in (False, True)
    )
    train, _, test = cifar10.load(arguments.data_dir)
    things = tuple(enlarged(*split, count) for split, count in ((train, 2000), (test, 1000)))
    people, things = ((common.spread(learned, limit), others) for learned, others in (people, things))
    return replace(pets, train=common.spread(pets.train, limit)), people, things


def enlarged(x: np.ndarray, y: np.ndarray, count: int) -> list[np.ndarray]:
    """So many pictures of CIFAR-10 that show neither cat nor dog, enlarged to 224 pixels."""
    others = np.flatnonzero(~np.isin(y, PETS))
    chosen = np.random.default_rng(0).permutation(others)[:count]
    return [cv2.resize(x[row], (pet_presence.SIDE,) * 2, interpolation=cv2.INTER_CUBIC) for row in chosen]


def train(pets: oxford_pets.Pets, portraits: list, things: list, arguments) -> tuple[keras.Model, list]:
    """The layer, trained on standardised features; their mean and deviation are then folded into it."""
    generator, folder = np.random.default_rng(arguments.seed), arguments.weights_dir
    x, y = cells(windows(pets.train, portraits, things, generator), folder)
    held = cells(windows(pets.validation, portraits[:60], things[:60], generator), folder)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-3
    standard = (x - mean) / deviation
    del x
    flat, history = fit((standard, y), ((held[0] - mean) / deviation, held[1]), arguments)
    kernel, bias = flat.get_weights()
    model = architecture.build()
    kernel = kernel / deviation[:, None]
    model.set_weights([kernel[None, None], bias - mean @ kernel])
    model.set_weights([array.astype(np.float16).astype(np.float32) for array in model.get_weights()])
    return model, history


def fit(training: Split, validation: Split, arguments) -> tuple[keras.Model, list]:
    """A linear layer trained on standardised features (n, 1280) with targets (n, 1), 1 for pet; and its log."""
    with engine.precision(arguments):
        dense = keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(2e-4))
    flat = keras.Sequential([keras.Input((architecture.CHANNELS,)), dense])
    optimizer = keras.optimizers.Adam(arguments.learning_rate, **engine.optimizer_options(arguments))
    flat.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return flat, common.fit(flat, training, validation, arguments)


def measure(
    pets: oxford_pets.Pets, portraits: list, things: list, breeds: list, using: pet_presence.Networks, folder: Path
) -> list[dict]:
    """Pets found where there are none, missed where there are, and what is cut out beside the pet.

    Args:
        using: the backbone and the layer that is measured.
        folder: of the networks that cut out, see `common.helper`.
    """
    rows = []

    def look(image: np.ndarray) -> pet_presence.Sight:
        return pet_presence.look(image, using)

    def count(name: str, wrong: int, total: int, split: str) -> None:
        rows.append(intervals.metric(name, wrong / total, total, intervals.wilson(wrong, total), split))

    for name, pictures, split in (
        ("portraits in which a pet is found", portraits, "people of the third fold of LFW"),
        ("things in which a pet is found", things, "CIFAR-10, test, enlarged, without cats and dogs"),
    ):
        count(name, sum(look(image).pet for image in pictures), len(pictures), split)
    count("pets that are missed", sum(not look(image).pet for image in breeds), len(breeds), "test")
    generator = np.random.default_rng(1)
    made = [beside(image, pets.test[generator.integers(len(pets.test))], generator) for image in portraits[::3]]
    alone = [(pet.image, pet.trimap != pet_segmentation.SURROUNDINGS) for pet in pets.test]
    for kind, pictures in (("pet on a portrait", [pair for pair in made if pair]), ("pet alone", alone)):
        for network, about in pet_segmentation.NETWORKS.items():
            predict, before, after = common.helper(about.weights, folder), [], []
            for image, truth in pictures:
                values = pet_segmentation.probabilities(image, network, predict)
                second = pet_segmentation.second_look(image, values, look(image), network, predict)
                for scores, answer in ((before, values), (after, second.probabilities)):
                    found = pet_segmentation.animal(pet_segmentation.labels(answer))
                    scores.append((metrics.jaccard(truth, found), (found & ~truth).sum() / max(1, found.sum())))
            for when, scores in (("without a second look", before), ("with it", after)):
                for column, what in enumerate(("Jaccard of the animal", "share of the cut-out that is not pet")):
                    values = np.array(scores)[:, column]
                    name = f"{what}, {kind}, {network} network, {when}"
                    rows.append(intervals.metric(name, values.mean(), len(values), intervals.bootstrap(values)))
    return rows


if __name__ == "__main__":
    main()
