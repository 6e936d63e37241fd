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
import math
import time
from argparse import Namespace
from dataclasses import dataclass, replace

import cv2
import keras
import numpy as np
from keras import ops

from cnndemo import images, inference, pet_segmentation, weights
from cnndemo.models import unet
from cnndemo.pet_segmentation import metrics
from train import common
from train.checkpoints import Stream
from train.datasets import oxford_pets
from train.datasets.oxford_pets import Example


@dataclass(frozen=True)
class Augmentation:
    """How a training picture and its trimap are changed together; `crop` to `turn` move pixels, `colour` does not."""

    flip: bool = True
    crop: float = 0.15  # the centre moves by up to this share of the square
    scale: float = 1.5  # enlarged by up to this factor, shrunk by its root
    turn: float = 15.0  # degrees
    colour: float = 0.35  # strength of brightness, contrast, saturation and tint


NO_AUGMENTATION = Augmentation(flip=False, crop=0.0, scale=1.0, turn=0.0, colour=0.0)
WEAKER = ({}, {"flip": False}, {"crop": 0.0}, {"scale": 1.0}, {"turn": 0.0}, {"colour": 0.0})
VARIANTS = [replace(Augmentation(), **change) for change in WEAKER] + [NO_AUGMENTATION]
LEFT_OUT = dict(zip(pet_segmentation.LEFT_OUT, VARIANTS, strict=True))


class Squares(Stream):
    """Batches of square pictures and soft labels, augmented anew each time.

    A picture is moved, cropped, turned, scaled and fitted by a single affine warp, its labels by the same. Pixels
    outside the picture have labels of zero, and so no weight in loss and scores.

    Args:
        examples: pictures with targets: a trimap, or probabilities uint8 (height, width, 3) by a teacher.
        size: side of the squares in pixels.
        scale: what the uint8 values are multiplied by, as in `pet_segmentation.Network`.
        augmentation: None for pictures as they are, in order.
    """

    def __init__(self, examples, size, scale, batch_size, augmentation=None, seed=0):
        trains = augmentation is not None
        workers = 3 if trains else 1
        super().__init__(
            len(examples), batch_size, seed if trains else None, whole=trains, workers=workers, max_queue_size=12
        )
        self.size, self.scale, self.augmentation = size, scale, augmentation
        self.pairs = [_shrink(image, _one_hot(target), round(1.4 * size)) for image, target in examples]

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.rows(index)
        # A generator a picture: what becomes of it does not depend on who else is in the batch of a process.
        chances = self.chance(index).spawn(len(rows))
        part = self.part(rows)
        both = [
            self._square(*self.pairs[number], chance) for number, chance in zip(rows[part], chances[part], strict=True)
        ]
        pictures = np.stack([picture for picture, _ in both]).astype(np.float32) * np.float32(self.scale)
        return pictures, np.stack([target for _, target in both]).astype(np.float32) / np.float32(255)

    def _square(self, image, target, random) -> tuple[np.ndarray, np.ndarray]:
        how = self.augmentation or NO_AUGMENTATION
        matrix = warp(image.shape, self.size, how, random)
        size, fill = (self.size, self.size), (pet_segmentation.FILL,) * 3
        image = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill)
        target = cv2.warpAffine(target, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
        return (cv2.transform(image, recolour(how.colour, random)) if how.colour else image), target


def _one_hot(target: np.ndarray) -> np.ndarray:
    """A trimap as probabilities of its three classes, uint8 0 or 255; probabilities stay as they are."""
    return target if target.ndim == 3 else (target[..., None] == np.array((1, 2, 3))).astype(np.uint8) * 255


def _shrink(image, target, long_side: int) -> tuple[np.ndarray, np.ndarray]:
    """Averages away what the warp would skip; smaller pictures stay as they are."""
    scale = long_side / max(image.shape[:2])
    if scale >= 1:
        return image, target
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return tuple(cv2.resize(array, size, interpolation=cv2.INTER_AREA) for array in (image, target))


def warp(shape: tuple[int, ...], size: int, how: Augmentation, random: np.random.Generator) -> np.ndarray:
    """The 2×3 matrix from a picture's pixels to the square's: fitted without squashing, then changed at random."""
    height, width = shape[:2]
    fit = size / max(height, width)
    fit *= math.exp(random.uniform(-0.5, 1.0) * math.log(how.scale)) if how.scale > 1 else 1.0
    angle = math.radians(random.uniform(-how.turn, how.turn))
    mirror = -1.0 if how.flip and random.random() < 0.5 else 1.0
    cosine, sine = fit * math.cos(angle), fit * math.sin(angle)
    linear = np.array([[cosine * mirror, -sine], [sine * mirror, cosine]])
    shift = random.uniform(-how.crop, how.crop, 2) * size if how.crop else np.zeros(2)
    middle = np.array([width - 1, height - 1]) / 2
    return np.column_stack([linear, (size - 1) / 2 + shift - linear @ middle])


def recolour(strength: float, random: np.random.Generator) -> np.ndarray:
    """A random 3×4 matrix on RGB: contrast, saturation, a tint of each channel, and brightness."""
    contrast, saturation = 1 + random.uniform(-strength, strength, 2) * (1.0, 1.5)
    luma = np.tile((0.299, 0.587, 0.114), (3, 1))
    tint = 1 + random.uniform(-strength, strength, 3) / 3
    matrix = contrast * tint[:, None] * (saturation * np.eye(3) + (1 - saturation) * luma)
    return np.column_stack([matrix, 128 * (1 - matrix.sum(1)) + random.uniform(-strength, strength) * 128])


def loss(truth, probabilities):
    """Cross-entropy plus the distance of the soft Dice from 1; pixels without a label do not count."""
    log = ops.log(ops.clip(probabilities, 1e-6, 1.0))
    cross_entropy = -ops.sum(truth * log) / ops.maximum(ops.sum(truth), 1.0)
    return cross_entropy + 1.0 - ops.mean(metrics.soft_dice(truth, probabilities, smooth=1.0))


class Confusion(keras.metrics.Metric):
    """Collects the confusion table over batches; the result is a score of that table."""

    def __init__(self, name: str, score) -> None:
        super().__init__(name=name)
        self.score = score
        self.table = self.add_weight(shape=(3, 3), initializer="zeros", name="table")

    def update_state(self, truth, probabilities, sample_weight=None) -> None:
        counts = ops.cast(ops.sum(truth, axis=-1, keepdims=True) > 0.5, "float32")
        truth = ops.one_hot(ops.argmax(truth, axis=-1), 3) * counts
        predicted = ops.one_hot(ops.argmax(probabilities, axis=-1), 3)
        table = ops.matmul(ops.transpose(ops.reshape(truth, (-1, 3))), ops.reshape(predicted, (-1, 3)))
        self.table.assign(self.table + ops.cast(table, "float32"))

    def result(self):
        return self.score(self.table)


def scores() -> list[Confusion]:
    """Pixel accuracy, mean Jaccard of the three classes, and Jaccard of the pet."""

    def jaccard(table):
        right = ops.diagonal(table)
        return right / ops.maximum(ops.sum(table, 0) + ops.sum(table, 1) - right, 1.0)

    return [
        Confusion("accuracy", lambda table: ops.trace(table) / ops.maximum(ops.sum(table), 1.0)),
        Confusion("mean_jaccard", lambda table: ops.mean(jaccard(table))),
        Confusion("pet_jaccard", lambda table: jaccard(table)[0]),
    ]


class Clock:
    """Shares the minutes of a training among its parts; 0 minutes: no limit."""

    def __init__(self, minutes: float) -> None:
        self.end = time.time() + 60 * minutes if minutes else None

    def share(self, part: float) -> float | None:
        """This part of the seconds that are left, None without a limit."""
        return None if self.end is None else max(1.0, part * (self.end - time.time()))


class Cosine(keras.callbacks.Callback):
    """The learning rate rises over one epoch and falls along a cosine to zero, by epochs or by time.

    Args:
        rate: the highest learning rate.
        epochs: where the cosine ends.
        clock, part: or after this part of what the clock has left when the first epoch, which compiles, is over.
    """

    counted = ("spent", "seconds")

    def __init__(self, rate: float, epochs: int, clock: Clock, part: float) -> None:
        super().__init__()
        self.rate, self.epochs, self.clock, self.part = rate, epochs, clock, part
        self.started = self.seconds = self.spent = None

    def progress(self, epoch: int) -> float:
        by_time = (time.time() - self.started) / self.seconds if self.seconds else 0.0
        return min(1.0, max(epoch / self.epochs, by_time))

    def on_epoch_begin(self, epoch, logs=None) -> None:
        if self.started is None and self.spent is not None:  # a run that goes on
            self.started = time.time() - self.spent
        share = (1 + math.cos(math.pi * self.progress(epoch))) / 2
        self.model.optimizer.learning_rate = self.rate * max(0.01, share if epoch else 0.2)

    def on_epoch_end(self, epoch, logs=None) -> None:
        if self.started is None:
            self.started, self.seconds = time.time(), self.clock.share(self.part)
        elif self.seconds and self.progress(epoch + 1) >= 1.0:
            self.model.stop_training = True
        self.spent = time.time() - self.started


def train_stage(
    model: keras.Model,
    train: Squares,
    validation: Squares,
    arguments: Namespace,
    stage: str,
    epochs: int,
    rate: float,
    clock: Clock,
    part: float = 1.0,
) -> list[dict[str, float]]:
    """One part of a training: its own learning-rate curve, checkpoints and log."""
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0),
        loss,
        metrics=scores(),
        jit_compile=keras.backend.backend() == "jax",
    )
    history = common.fit(
        model, train, validation, arguments, "val_mean_jaccard", "max", patience=max(20, epochs // 2), reduce=False,
        callbacks=[Cosine(rate, epochs, clock, part)], stage=stage, epochs=epochs, verbose=2,
    )  # fmt: skip
    return [row | {"size": train.size} for row in history]


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
        interval = common.bootstrap(tables, lambda drawn: statistic(drawn.sum(0)), rounds=1000)
        figures.append(common.metric(name, value, len(part), interval, **more))

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
        figures.append(common.metric(name, values.mean(), len(part), common.bootstrap(values, rounds=1000)))
    breeds = sorted({row["breed"] for row in rows})
    by_breed = np.array(
        [metrics.mean_jaccard(sum(r["table"] for r in rows if r["breed"] == breed)) for breed in breeds]
    )
    note = f"{len(breeds)} breeds"
    figures.append(
        common.metric("mean Jaccard of the classes, mean over breeds", by_breed.mean(), len(rows),
                      common.bootstrap(by_breed, rounds=1000), note=note)
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
    validation = Squares(pairs(pets.validation), 64, net.scale, arguments.batch_size)
    rows = []
    for number, (left_out, augmentation) in enumerate(LEFT_OUT.items()):
        keras.utils.set_random_seed(arguments.seed)
        model = unet.build(64)
        train = Squares(pairs(pets.train), 64, net.scale, arguments.batch_size, augmentation, arguments.seed)
        history = train_stage(
            model,
            train,
            validation,
            arguments,
            f"without_{number}",
            arguments.epochs,
            arguments.learning_rate,
            Clock(0),
        )
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
    common.write_log(results / "pet_segmentation.ablation.csv", rows)
    if arguments.publish:
        common.put([results / "pet_segmentation.ablation.csv"], arguments.weights_dir)


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__, "pet_segmentation", epochs=150, batch_size=32, least_epochs=0)
    count = common.at_least(0)
    parser.add_argument("--small-epochs", type=count, default=100, help="epochs at 64×64 before those at 128×128")
    parser.add_argument("--learning-rate", type=common.above_zero, default=1e-3, help="the highest")
    parser.add_argument(
        "--minutes", type=common.zero_or_more, default=0.0, help="at most so long; the schedule fits itself to it"
    )
    parser.add_argument("--teacher", action="store_true", help="learn from pet_segmentation_pretrained's answers, too")
    parser.add_argument("--start", action="store_true", help="go on from the published weights instead of at random")
    parser.add_argument("--mixed", action="store_true", help="compute in bfloat16 (GPU)")
    parser.add_argument("--ablation", action="store_true", help="only measure what each augmentation is worth")
    return parser


@common.script
def main() -> None:
    parser = options()
    arguments = parser.parse_args()
    if not arguments.epochs + (0 if arguments.ablation else arguments.small_epochs):
        parser.error("there is no epoch to train: --epochs and --small-epochs are 0")
    net, folder = pet_segmentation.NETWORKS["book"], arguments.weights_dir
    if arguments.mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    pets = oxford_pets.load(arguments.data_dir)
    if arguments.measure:
        common.measure(net.weights, arguments, lambda served: figures(served, net, pets))
        return
    teacher = pet_segmentation.NETWORKS["pretrained"]
    teaching = weights.load(teacher.weights, folder) if arguments.teacher else None
    start = weights.load(net.weights, folder).get_weights() if arguments.start else None
    history = weights.history(net.weights, folder) if arguments.start else []
    origin = common.origin(net.weights, folder) if arguments.start else {}
    common.prepare(arguments)
    clock = Clock(arguments.minutes)
    pets = limited(pets, arguments.limit)
    if arguments.ablation:
        ablation(pets, arguments)
        return
    examples = pairs(pets.train)
    if teaching is not None:
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("float32")
        examples += teach(teaching, teacher, pets.unlabelled)
        keras.config.set_dtype_policy(policy)
    model = None
    for size, epochs, part in ((64, arguments.small_epochs, 0.3), (net.size, arguments.epochs, 1.0)):
        if not epochs:
            continue
        previous = start if model is None else model.get_weights()
        model = unet.build(size)
        if previous is not None:
            model.set_weights(previous)
        train = Squares(examples, size, net.scale, arguments.batch_size, Augmentation(), arguments.seed)
        validation = Squares(pairs(pets.validation), size, net.scale, arguments.batch_size)
        rate = arguments.learning_rate
        history += train_stage(model, train, validation, arguments, f"at_{size}", epochs, rate, clock, part)
    keras.config.set_dtype_policy("float32")
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
        "hardware": common.hardware(),
    }


if __name__ == "__main__":
    main()
