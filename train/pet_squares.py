"""Square pictures of pets with soft labels, changed at random on the device, and what a network on them is trained by.

A batch carries pictures and targets as bytes, and for each of them the affine map and the colours that chance gave it;
a layer moves both at once. So one core of the host feeds an accelerator, and what becomes of a picture still follows
from the seed, the epoch and the number of its batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import keras
import numpy as np
from keras import ops

from cnndemo import pet_segmentation
from cnndemo.pet_segmentation import metrics
from train.checkpoints import Stream

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Augmentation:
    """How a training picture and its trimap are changed together; `crop` to `turn` move pixels, `colour` does not."""

    flip: bool = True
    crop: float = 0.15  # the centre moves by up to this share of the square
    scale: float = 1.5  # enlarged by up to this factor, shrunk by its root
    turn: float = 15.0  # degrees
    colour: float = 0.35  # strength of brightness, contrast, saturation and tint


FULL = Augmentation()
NO_AUGMENTATION = Augmentation(flip=False, crop=0.0, scale=1.0, turn=0.0, colour=0.0)
WEAKER = ({}, {"flip": False}, {"crop": 0.0}, {"scale": 1.0}, {"turn": 0.0}, {"colour": 0.0})
VARIANTS = [replace(FULL, **change) for change in WEAKER] + [NO_AUGMENTATION]
LEFT_OUT = dict(zip(pet_segmentation.LEFT_OUT, VARIANTS, strict=True))


class Squares(Stream):
    """Batches of pictures and targets with the changes that `Change` makes to them.

    Args:
        examples: pictures with targets: a trimap, or probabilities uint8 (height, width, 3) by a teacher.
        size: side of the squares in pixels.
        augmentation: None for pictures as they are, in order.
    """

    def __init__(self, examples, size: int, batch_size: int, augmentation: Augmentation | None = None, seed: int = 0):
        trains = augmentation is not None
        super().__init__(
            len(examples), batch_size, seed if trains else None, whole=trains, workers=3 if trains else 1,
            max_queue_size=12,
        )  # fmt: skip
        self.size, self.augmentation = size, augmentation or NO_AUGMENTATION
        self.pairs = [_shrink(image, _one_hot(target), round(1.4 * size)) for image, target in examples]
        self.side = max(size, *(length for image, _ in self.pairs for length in image.shape[:2]))

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Bytes `picture` and `target` (n, side, side, 3), float32 `matrix` (n, 8) and `colour` (n, 3, 4); no labels.

        The labels are a part of the input, for they move with the pictures: what Keras takes for them means nothing.
        """
        rows, random = self.rows(index), self.chance(index)
        shapes = np.array([self.pairs[number][0].shape[:2] for number in rows])
        part = self.part(rows)
        matrix = inverse(maps(shapes, self.size, self.augmentation, random))[part]
        colour = colours(len(rows), self.augmentation.colour, random)[part]
        shape = (len(matrix), self.side, self.side, 3)
        picture, target = np.full(shape, pet_segmentation.FILL, np.uint8), np.zeros(shape, np.uint8)
        for place, number in enumerate(rows[part]):
            image, truth = self.pairs[number]
            height, width = image.shape[:2]
            picture[place, :height, :width], target[place, :height, :width] = image, truth
        inputs = {"picture": picture, "target": target, "matrix": matrix, "colour": colour}
        return inputs, np.zeros(len(matrix), np.float32)


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


def maps(shapes: np.ndarray, size: int, how: Augmentation, random: np.random.Generator) -> np.ndarray:
    """From pictures' pixels to the square's: fitted without squashing, then changed at random.

    Args:
        shapes: height and width of each picture, (n, 2).

    Returns:
        (n, 2, 3), of column vectors (x, y, 1).
    """
    count = len(shapes)
    fit = size / shapes.max(axis=1) * how.scale ** random.uniform(-0.5, 1.0, count)
    angle = np.deg2rad(random.uniform(-how.turn, how.turn, count))
    mirror = np.where(how.flip & (random.random(count) < 0.5), -1.0, 1.0)
    cosine, sine = fit * np.cos(angle), fit * np.sin(angle)
    linear = np.stack([cosine * mirror, -sine, sine * mirror, cosine], axis=1).reshape(-1, 2, 2)
    shift = random.uniform(-how.crop, how.crop, (count, 2)) * size
    middle = (shapes[:, ::-1] - 1) / 2
    return np.concatenate([linear, ((size - 1) / 2 + shift)[..., None] - linear @ middle[..., None]], axis=2)


def inverse(matrices: np.ndarray) -> np.ndarray:
    """Maps (n, 2, 3) turned round, as `ops.image.affine_transform` wants them: float32 (n, 8)."""
    back = np.linalg.inv(matrices[:, :, :2])
    rows = np.concatenate([back, -back @ matrices[:, :, 2:]], axis=2).reshape(-1, 6)
    return np.pad(rows, ((0, 0), (0, 2))).astype(np.float32)


def colours(count: int, strength: float, random: np.random.Generator) -> np.ndarray:
    """Random matrices on (R, G, B, 1): contrast, saturation, a tint of each channel, brightness; float32 (n, 3, 4)."""
    contrast = 1 + random.uniform(-strength, strength, (count, 1, 1))
    saturation = 1 + 1.5 * random.uniform(-strength, strength, (count, 1, 1))
    tint = 1 + random.uniform(-strength, strength, (count, 3, 1)) / 3
    bright = 128 * random.uniform(-strength, strength, (count, 1, 1))
    matrix = contrast * tint * (saturation * np.eye(3) + (1 - saturation) * np.array(LUMA))
    return np.concatenate([matrix, 128 * (1 - matrix.sum(2, keepdims=True)) + bright], axis=2).astype(np.float32)


class Change(keras.layers.Layer):
    """Pictures and targets under their map, read bilinearly, and pictures in their colours; all in float32.

    Outside the picture is the grey of `pet_segmentation.FILL`, with a target of zero, and so no weight in loss and
    scores.

    Args:
        size: side of the squares in pixels.
    """

    def __init__(self, size: int) -> None:
        super().__init__(dtype="float32", autocast=False)
        self.size = size

    def call(self, picture, target, matrix, colour):
        """Bytes (n, side, side, 3) twice, (n, 8), (n, 3, 4) -> squares in 0 to 255, and targets in 0 to 1."""
        fill = pet_segmentation.FILL
        both = ops.concatenate([ops.cast(picture, "float32") - fill, ops.cast(target, "float32")], axis=-1)
        both = ops.image.affine_transform(both, matrix, fill_mode="constant", data_format="channels_last")
        both = both[:, : self.size, : self.size]
        picture = ops.einsum("nyxc,ndc->nyxd", both[..., :3] + fill, colour[..., :3])
        return ops.clip(picture + colour[:, None, None, :, 3], 0, 255), both[..., 3:] / 255


def trainee(network: keras.Model, size: int, scale: float) -> keras.Model:
    """A network as it is trained: from batches of `Squares` to its answers and, beside them, the changed targets.

    Args:
        scale: what pixels are multiplied by, as in `pet_segmentation.Network`.
    """
    shapes = {"picture": (None, None, 3), "target": (None, None, 3), "matrix": (8,), "colour": (3, 4)}
    inputs = {
        name: keras.Input(shape, dtype="uint8" if len(shape) == 3 else "float32", name=name)
        for name, shape in shapes.items()
    }
    square, target = Change(size)(*inputs.values())
    answers = network(keras.layers.Rescaling(scale, dtype="float32")(square))
    return keras.Model(inputs, keras.layers.Concatenate(dtype="float32")([answers, target]))


def compiled(network: keras.Model, size: int, scale: float, rate, options: dict) -> keras.Model:
    """A `trainee` with its loss, its scores and AdamW; `options` are further ones of the optimizer."""
    model = trainee(network, size, scale)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4, clipnorm=1.0, **options),
        lambda _, both: loss(*apart(both)),
        metrics=scores(),
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def apart(both):
    """Targets and answers out of what a `trainee` gives."""
    return both[..., 3:], both[..., :3]


def loss(truth, probabilities):
    """Cross-entropy plus the distance of the soft Dice from 1; pixels without a label do not count."""
    log = ops.log(ops.clip(probabilities, 1e-6, 1.0))
    cross_entropy = -ops.sum(truth * log) / ops.maximum(ops.sum(truth), 1.0)
    return cross_entropy + 1.0 - ops.mean(metrics.soft_dice(truth, probabilities, smooth=1.0))


class Confusion(keras.metrics.Metric):
    """Collects the confusion table over batches of a `trainee`; the result is a score of that table."""

    def __init__(self, name: str, score) -> None:
        super().__init__(name=name)
        self.score = score
        self.table = self.add_weight(shape=(3, 3), initializer="zeros", name="table")

    def update_state(self, _, both, sample_weight=None) -> None:
        truth, probabilities = apart(both)
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
