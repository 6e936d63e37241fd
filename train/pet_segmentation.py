"""Trains the book's U-Net (listing 6.1) on the Oxford-IIIT Pet data set.

    python -m train.pet_segmentation

The network first learns at 64×64, where its receptive field of 44 pixels sees most of a pet, then at the book's
128×128. With `--teacher`, a trained network (`pet_segmentation_pretrained`) answers on training pictures that have no
trimap, and its probabilities are learned as well (self-training). `--ablation` trains small runs with one augmentation
left out each, and stores how much each mattered. `--measure` scores stored weights anew. `--minutes` shortens the
schedule to a time: the learning rate falls along a cosine that ends with the epochs or with the time, whichever is
earlier.
"""

from __future__ import annotations

import argparse
import time
from argparse import Namespace
from dataclasses import replace

import keras
import numpy as np

from cnndemo import images, inference, pet_segmentation, weights
from cnndemo.models import unet
from cnndemo.pet_segmentation import metrics
from train import common, engine, intervals, logs, provenance, schedules
from train.datasets import oxford_pets
from train.datasets.oxford_pets import Example
from train.pet_squares import FULL, LEFT_OUT, Augmentation, Squares, compiled
from train.schedules import Clock


def train_stage(
    network: keras.Model,
    examples: tuple[list, list],
    size: int,
    scale: float,
    arguments: Namespace,
    stage: str,
    epochs: int,
    rate: float,
    clock: Clock,
    part: float = 1.0,
    augmentation: Augmentation = FULL,
) -> list[dict[str, float]]:
    """One part of a training: its own learning-rate curve, checkpoints and log.

    Args:
        examples: to train on, and to validate with: pictures with their targets.
        size, scale: side of the squares, and what pixels are multiplied by.
        clock, part: what of the minutes it may take, see `schedules.cosine`.
    """
    training = Squares(examples[0], size, arguments.batch_size, augmentation, arguments.seed)
    validation = Squares(examples[1], size, arguments.batch_size)
    schedule, callbacks = schedules.cosine(rate, epochs, len(training), 1, clock, part)
    model = compiled(network, size, scale, schedule, engine.optimizer_options(arguments))
    history = common.fit(
        model, training, validation, arguments, "val_mean_jaccard", "max", patience=max(20, epochs // 2), reduce=False,
        callbacks=callbacks, stage=stage, epochs=epochs,
    )  # fmt: skip
    return [row | {"size": size} for row in history]


def pairs(examples: list[Example]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures and trimaps."""
    return [(example.image, example.trimap) for example in examples if example.trimap is not None]


def teach(model: keras.Model, net: pet_segmentation.Network, examples: list[Example]):
    """Pictures with the probabilities that a trained network gives them and their mirror images, as targets."""
    taught = []
    for start in range(0, len(examples), 32):
        part = examples[start : start + 32]
        squares, boxes = zip(*(pet_segmentation.prepare(example.image, net) for example in part), strict=True)
        answers = pet_segmentation.look(model.predict_on_batch, _fill(np.stack(squares), 32))
        for example, answer, box in zip(part, answers, boxes, strict=False):
            target = pet_segmentation.restore(np.ascontiguousarray(answer), box, example.image.shape)
            taught.append((example.image, np.rint(target * 255).astype(np.uint8)))
    return taught


def _fill(batch: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last picture until the batch is whole, so that the backend compiles only one shape."""
    return np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)]) if len(batch) < size else batch


def evaluate(
    model: keras.Model, net: pet_segmentation.Network, examples: list[Example], mirror: bool = True
) -> list[dict]:
    """One row a picture, measured at the picture's own size exactly as the page serves it, or without the mirror."""
    rows = []
    for start in range(0, len(examples), 32):
        part = examples[start : start + 32]
        squares, boxes = zip(*(pet_segmentation.prepare(example.image, net) for example in part), strict=True)
        batch, predict = _fill(np.stack(squares), 32), model.predict_on_batch
        answers = pet_segmentation.look(predict, batch) if mirror else predict(batch)
        for example, answer, box in zip(part, answers, boxes, strict=False):
            answer = np.ascontiguousarray(answer)
            found = pet_segmentation.labels(pet_segmentation.restore(answer, box, example.image.shape))
            rows.append(_row(example, found))
    return rows


def _row(example: Example, found: np.ndarray) -> dict:
    table = metrics.confusion(example.trimap, found)
    pet, found_pet = example.trimap == pet_segmentation.PET, found == pet_segmentation.PET
    thing, found_thing = example.trimap != pet_segmentation.SURROUNDINGS, found != pet_segmentation.SURROUNDINGS
    return {
        "name": example.name,
        "breed": example.breed,
        "table": table,
        "pet_jaccard": metrics.jaccard(pet, found_pet),
        "with_border": metrics.jaccard(thing, found_thing),
        "boundary_f": metrics.boundary_f_score(thing, found_thing),
        "missed": float(np.mean(found[pet] == pet_segmentation.SURROUNDINGS)) if pet.any() else 0.0,
        "invented": float(np.mean(found_pet[~thing])) if (~thing).any() else 0.0,
        "pet_share": float(pet.mean()),
    }


BIG_BREEDS = ("Abyssinian", "Bengal", "american_bulldog")


def report(rows: list[dict]) -> dict:
    """The figures of a model card: all pictures, the big breeds and the others apart, and the best and worst ten."""
    figures = []

    def add(name: str, part: list[dict], statistic, **more) -> None:
        tables = np.stack([row["table"] for row in part])
        value = statistic(tables.sum(0))
        interval = intervals.bootstrap(tables, lambda drawn: statistic(drawn.sum(0)), rounds=1000)
        figures.append(intervals.metric(name, value, len(part), interval, **more))

    def accuracy(table):
        return np.trace(table) / table.sum()

    def with_border(table):
        merged = np.array([[table[0::2, 0::2].sum(), table[0::2, 1].sum()], [table[1, 0::2].sum(), table[1, 1]]])
        return metrics.class_jaccard(merged)[0]

    groups = {"": rows}
    groups[", three big breeds"] = [row for row in rows if row["breed"] in BIG_BREEDS]
    groups[", other breeds"] = [row for row in rows if row["breed"] not in BIG_BREEDS]
    for group, part in groups.items():
        if not part:
            continue
        add(f"pixel accuracy{group}", part, accuracy)
        for index, label in enumerate(pet_segmentation.CLASSES.values()):
            add(f"Jaccard of {label}{group}", part, lambda table, index=index: metrics.class_jaccard(table)[index])
        add(f"mean Jaccard of the classes{group}", part, metrics.mean_jaccard)
        add(f"mean Dice of the classes{group}", part, lambda table: float(np.nanmean(metrics.class_dice(table))))
        add(f"Jaccard of pet and border together{group}", part, with_border)
        values = np.array([row["boundary_f"] for row in part])
        name = f"boundary F-score of pet and border, 2 px{group}"
        figures.append(intervals.metric(name, values.mean(), len(part), intervals.bootstrap(values, rounds=1000)))
    breeds = sorted({row["breed"] for row in rows})
    by_breed = np.array(
        [metrics.mean_jaccard(sum(r["table"] for r in rows if r["breed"] == breed)) for breed in breeds]
    )
    note = f"{len(breeds)} breeds"
    figures.append(
        intervals.metric("mean Jaccard of the classes, mean over breeds", by_breed.mean(), len(rows),
                      intervals.bootstrap(by_breed, rounds=1000), note=note)
    )  # fmt: skip
    ranked = sorted(rows, key=lambda row: row["pet_jaccard"])
    return {
        "metrics": figures,
        "worst": [_summary(row) for row in ranked[:10]],
        "best": [_summary(row) for row in ranked[:-11:-1]],
        "test_jaccard": [round(row["pet_jaccard"], 4) for row in ranked],
    }


def _summary(row: dict) -> dict:
    """A line of the table of best and worst pictures, with what went wrong in words."""
    faults = []
    if row["missed"] >= 0.05:
        faults.append(f"{row['missed']:.0%} of the pet taken for surroundings")
    if row["invented"] >= 0.03:
        faults.append(f"{row['invented']:.0%} of the surroundings taken for pet")
    border = row["table"][0, 2] / max(1, row["table"][0].sum())
    if border >= 0.15:
        faults.append(f"{border:.0%} of the pet taken for border")
    if row["pet_share"] < 0.1:
        faults.append(f"the pet is only {row['pet_share']:.0%} of the picture")
    return {
        "name": row["name"],
        "pet_jaccard": round(row["pet_jaccard"], 4),
        "mean_jaccard": round(metrics.mean_jaccard(row["table"]), 4),
        "boundary_f": round(row["boundary_f"], 4),
        "what": "; ".join(faults) or ("only the outline differs" if row["pet_jaccard"] < 0.9 else "nothing to blame"),
    }


def ablation(pets: oxford_pets.Pets, arguments: Namespace) -> None:
    """Trains at 64×64 with one augmentation left out each; the result is `pet_segmentation.ablation.csv`."""
    net = replace(pet_segmentation.NETWORKS["book"], size=64)
    examples, rows = (pairs(pets.train), pairs(pets.validation)), []
    for number, (left_out, augmentation) in enumerate(LEFT_OUT.items()):
        keras.utils.set_random_seed(arguments.seed)
        with engine.precision(arguments):
            network = unet.build(64)
        stage, rate = f"without_{number}", arguments.learning_rate
        clock = Clock(None)
        history = train_stage(
            network, examples, 64, net.scale, arguments, stage, arguments.epochs, rate, clock, augmentation=augmentation
        )
        model = engine.exact(network)
        found = np.sum([row["table"] for row in evaluate(model, net, pets.validation)], axis=0)
        row = {
            "left_out": number,
            "epochs": len(history),
            "seconds": sum(row["seconds"] for row in history),
            "train_mean_jaccard": history[-1]["mean_jaccard"],
            "val_mean_jaccard": metrics.mean_jaccard(found),
            "val_accuracy": float(np.trace(found) / found.sum()),
        }
        print("left out:", left_out, row)
        rows.append(row)
    results = arguments.run_dir / common.RESULTS
    logs.write(results / "pet_segmentation.ablation.csv", rows)
    if arguments.publish:
        common.put([results / "pet_segmentation.ablation.csv"], arguments.weights_dir)


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(
        __doc__, "pet_segmentation", epochs=150, batch_size=32, least_epochs=0, loss_over="all pixels of a batch"
    )
    count = common.at_least(0)
    parser.add_argument("--small-epochs", type=count, default=100, help="epochs at 64×64 before those at 128×128")
    parser.add_argument("--learning-rate", type=common.above_zero, default=1e-3, help="the highest")
    parser.add_argument(
        "--minutes", type=common.zero_or_more, default=0.0, help="at most so long; the schedule fits itself to it"
    )
    parser.add_argument("--teacher", action="store_true", help="learn from pet_segmentation_pretrained's answers, too")
    parser.add_argument("--start", action="store_true", help="go on from the published weights instead of at random")
    parser.add_argument("--ablation", action="store_true", help="only measure what each augmentation is worth")
    return parser


@common.script
def main() -> None:
    parser = options()
    arguments = parser.parse_args()
    if not arguments.epochs + (0 if arguments.ablation else arguments.small_epochs):
        parser.error("there is no epoch to train: --epochs and --small-epochs are 0")
    net, folder = pet_segmentation.NETWORKS["book"], arguments.weights_dir
    pets = oxford_pets.load(arguments.data_dir)
    if arguments.measure:
        common.measure(net.weights, arguments, lambda served: figures(served, net, pets))
        return
    teacher = pet_segmentation.NETWORKS["pretrained"]
    teaching = weights.load(teacher.weights, folder) if arguments.teacher else None
    start = weights.load(net.weights, folder).get_weights() if arguments.start else None
    history = weights.history(net.weights, folder) if arguments.start else []
    origin = provenance.origin(net.weights, folder) if arguments.start else {}
    common.prepare(arguments)
    clock = Clock(arguments.minutes)
    pets = limited(pets, arguments.limit)
    if arguments.ablation:
        ablation(pets, arguments)
        return
    examples = pairs(pets.train)
    if teaching is not None:
        examples += teach(teaching, teacher, pets.unlabelled)
    model = None
    for size, epochs, part in ((64, arguments.small_epochs, 0.3), (net.size, arguments.epochs, 1.0)):
        if not epochs:
            continue
        previous = start if model is None else model.get_weights()
        with engine.precision(arguments):
            model = unet.build(size)
        if previous is not None:
            model.set_weights(previous)
        both, rate = (examples, pairs(pets.validation)), arguments.learning_rate
        history += train_stage(model, both, size, net.scale, arguments, f"at_{size}", epochs, rate, clock, part)
    served = unet.build(net.size)
    served.set_weights(model.get_weights())
    finish(served, net, pets, arguments, history, "cnndemo.models.unet:build", {"size": net.size}, **origin)


def limited(pets: oxford_pets.Pets, limit: int) -> oxford_pets.Pets:
    """At most so many training pictures of each sort, from all breeds; validation and test stay whole."""
    return replace(pets, train=common.spread(pets.train, limit), unlabelled=common.spread(pets.unlabelled, limit))


def finish(model, net, pets, arguments, history, builder, builder_arguments, **more) -> None:
    """Measures the weights as they are stored, and writes them with their card."""
    found = figures(common.as_stored(model), net, pets)
    for figure in found["metrics"]:
        low, high = figure["interval"]
        print(f"{figure['name']}: {figure['value']:.3f} [{low:.3f}, {high:.3f}] on {figure['samples']} pictures")
    common.publish(
        model, arguments, builder, oxford_pets.SOURCE | {"splits": pets.splits()}, history=history,
        builder_arguments=builder_arguments, classes=list(pet_segmentation.CLASSES.values()), **found, **more,
    )  # fmt: skip


def figures(model, net, pets) -> dict:
    """What the card says of a network on the test split, and of its speed where TensorFlow serves."""
    found = report(evaluate(model, net, pets.test))
    once = report(evaluate(model, net, pets.test, mirror=False))["metrics"]
    names = ("pixel accuracy", "Jaccard of pet", "mean Jaccard of the classes")
    found["metrics"] += [
        figure | {"name": f"{figure['name']}, without the mirror image"} for figure in once if figure["name"] in names
    ]
    found["notes"] = "Each answer is the mean of those to the picture and to its mirror image."
    if keras.backend.backend() == "tensorflow":
        found["speed"] = speed(model, net)
    return found


def speed(model, net, rounds: int = 25) -> dict:
    """Median time of `segment` on a sample, resizing included."""
    name = next(name for name, other in pet_segmentation.NETWORKS.items() if other == net)
    image, taken = images.sample("cat"), []
    predict = inference.traced(model) if isinstance(model, keras.Model) else model.predict_on_batch
    for _ in range(rounds):
        start = time.perf_counter()
        pet_segmentation.segment(image, name, predict)
        taken.append(time.perf_counter() - start)
    return {
        "milliseconds": round(1000 * float(np.median(taken)), 1),
        "what": f"one picture of {image.shape[1]} × {image.shape[0]} pixels, resizing included, median of {rounds}",
        "hardware": provenance.hardware(),
    }


if __name__ == "__main__":
    main()
