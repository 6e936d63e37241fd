"""Augmentation and data sets: uneven classes (3.2), listing 4.4 today, a demonstration archive for listing 4.5."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cnndemo import archives, images
from cnndemo.augmentation.pipeline import BOOK, Pipeline
from cnndemo.errors import VisitorError

#: Argument of the book's ImageDataGenerator, today's layer, what to know.
TODAY: tuple[tuple[str, str, str], ...] = (
    (
        "samplewise_center=True, samplewise_std_normalization=True",
        "LayerNormalization(axis=(1, 2, 3), center=False, scale=False)",
        "Each sample minus its mean, divided by its standard deviation. Also needed when the network is used.",
    ),
    ("rotation_range=30", "RandomRotation(30 / 360)", "Degrees then, shares of a full turn now."),
    ("width_shift_range=0.25, height_shift_range=0.25", "RandomTranslation(0.25, 0.25)", "Height comes first now."),
    (
        "shear_range=0.2",
        "RandomShear(x_factor=0.0035)",
        "Degrees then: 0.2 moved nothing one could see. A slope now, about the top left corner: 0.2 is 11.3 degrees.",
    ),
    (
        "zoom_range=0.3",
        "RandomZoom(0.3, 0.3)",
        "Drawn apart for height and width; leave the second out to keep the shape.",
    ),
    ("fill_mode='nearest'", 'fill_mode="nearest"', "The old default was nearest, the new one is reflect."),
    ("horizontal_flip=True", 'RandomFlip("horizontal")', "Half of the samples."),
    ("vertical_flip=True", 'RandomFlip("vertical")', "Half of the samples."),
    ("brightness_range=(0.8, 1.2)", "RandomBrightness(0.2)", "Multiplied then, added now."),
    ("rescale=1./255", "Rescaling(1 / 255)", "A layer of the network, so it cannot be forgotten when it is used."),
    (
        "datagenerator.fit(X_train)",
        "Normalization().adapt(x_train)",
        "Only for the feature-wise options, not for these.",
    ),
    (
        "flow_from_directory(…)",
        "keras.utils.image_dataset_from_directory(…)",
        'target_size is image_size, class_mode is label_mode; "binary" with three classes is "int" today.',
    ),
    ("fit_generator(…), predict_generator(…)", "fit(…), predict(…)", "Removed; the plain methods take generators."),
)


#: The book's class_mode -> today's label_mode.
LABEL_MODES: dict[str, str | None] = {"categorical": "categorical", "binary": "int", "None": None}


@dataclass(frozen=True)
class Balance:
    """What a class of a data set looks like to the network in one epoch.

    Attributes:
        name: of the class.
        originals: pictures there are.
        used: different originals that an epoch shows.
        shown: samples that an epoch shows.
        copies: samples from each original that is used, on average.
        weight: factor on the loss of each sample.
    """

    name: str
    originals: int
    used: int
    shown: int
    copies: float
    weight: float


STRATEGIES = {
    "as it is": "Every picture once.",
    "drop pictures": "As many of each class as the smallest class has; the rest is not used.",
    "oversample": "Small classes are repeated up to the largest, each repetition augmented anew.",
    "weights": "Every picture once, but errors on rare classes count more.",
}


def balance(counts: Mapping[str, int], strategy: str) -> list[Balance]:
    """What the book's three ways out of an uneven data set (3.2) do to an epoch, and a fourth.

    Args:
        counts: class name -> pictures, at least two classes, each at least 1.
        strategy: a key of `STRATEGIES`.

    Raises:
        VisitorError: fewer than two classes, or a count that is not a whole number of at least 1.
    """
    if strategy not in STRATEGIES:
        raise VisitorError(f"The strategy must be one of: {', '.join(STRATEGIES)}.")
    if len(counts) < 2:
        raise VisitorError("Please give at least two classes with different names.")
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 10**9:
            raise VisitorError(f"The class “{name}” needs a whole number of pictures, from 1 to 1,000,000,000.")
    largest, smallest, total = max(counts.values()), min(counts.values()), sum(counts.values())
    rows = []
    for name, count in counts.items():
        used = smallest if strategy == "drop pictures" else count
        shown = largest if strategy == "oversample" else used
        weight = total / (len(counts) * count) if strategy == "weights" else 1.0
        rows.append(Balance(name, count, used, shown, shown / used, weight))
    return rows


def counts(names: Sequence, numbers: Sequence) -> dict[str, int]:
    """Class name -> pictures, from two columns that a visitor typed; wholly empty rows are skipped.

    Raises:
        VisitorError: a name without a number, a number without a name, a name twice, or no whole number.
    """
    found: dict[str, int] = {}
    for name, number in zip(names, numbers, strict=True):
        name = "" if name is None or name != name else str(name).strip()
        empty = number is None or number != number
        if not name and empty:
            continue
        if not name or empty:
            raise VisitorError("Each class needs a name and a number of pictures.")
        if name in found:
            raise VisitorError(f"The class “{name[:40]}” is there twice. Please give it another name.")
        if not math.isfinite(number) or number != int(number):
            raise VisitorError(f"The class “{name[:40]}” needs a whole number of pictures.")
        found[name[:40]] = int(number)
    return found


def table(rows: list[Balance]) -> list[dict[str, str]]:
    """The rows of `balance` as words."""
    return [
        {
            "class": row.name,
            "pictures": f"{row.originals:,}",
            "used": f"{row.used:,}",
            "in an epoch": f"{row.shown:,}",
            "variants each": f"{row.copies:.4g}",
            "loss weight": f"{row.weight:.4g}",
        }
        for row in rows
    ]


def accuracy_of_always_largest(rows: list[Balance]) -> float:
    """Weighted share of right answers that “always the most frequent class” gets on what an epoch shows."""
    mass = [row.shown * row.weight for row in rows]
    return max(mass) / sum(mass)


def memory(pictures: int, size: tuple[int, int]) -> int:
    """Bytes of so many RGB pictures of (height, width) as float32, ready for the network."""
    return pictures * size[0] * size[1] * 3 * 4


def demonstration_zip(side: int = 96) -> bytes:
    """A small archive in the book's layout: three classes, three pictures each, made from the shipped photographs."""

    def pictures():
        for name in ("cat", "coffee", "rocket"):
            image = images.shrink(images.sample(name), 2 * side)
            for number in range(3):
                sample, _ = PHOTO.sample(image, number)
                picture = np.clip(sample, 0, 255).astype(np.uint8)
                yield f"train/{name}/{name}_{number + 1}", images.shrink(picture, side)

    return archives.pack(pictures())


#: The book's generator without standardisation, so that the result is a picture.
PHOTO = Pipeline(BOOK.steps, BOOK.fill_mode)


def rough_mask(image: np.ndarray, side: int = 160) -> np.ndarray:
    """A foreground mask to send along, by GrabCut (Rother et al. 2004) from a frame at the border; rough on purpose.

    Args:
        image: uint8 (height, width, 3).

    Returns:
        uint8 (height, width), 1 where the foreground is.
    """
    height, width = image.shape[:2]
    small = np.ascontiguousarray(images.shrink(image, side))
    tall, wide = small.shape[:2]
    frame = (max(1, wide // 12), max(1, tall // 12))
    inner = (frame[0], frame[1], wide - 2 * frame[0], tall - 2 * frame[1])
    if min(inner[2:]) < 4 or small.std() < 1:  # GrabCut needs two kinds of pixels to tell apart
        return _ellipse(height, width)
    labels = np.zeros((tall, wide), np.uint8)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    try:
        cv2.grabCut(small[..., ::-1].copy(), labels, inner, *models, 3, cv2.GC_INIT_WITH_RECT)
    except cv2.error:
        return _ellipse(height, width)
    mask = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    if not 0.02 < mask.mean() < 0.98:
        return _ellipse(height, width)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)


def _ellipse(height: int, width: int) -> np.ndarray:
    y, x = np.ogrid[:height, :width]
    return (((y - (height - 1) / 2) / (0.4 * height)) ** 2 + ((x - (width - 1) / 2) / (0.4 * width)) ** 2 <= 1).astype(
        np.uint8
    )


def overlay(picture: np.ndarray, mask: np.ndarray, color: tuple[int, int, int] = (0, 158, 115)) -> np.ndarray:
    """The picture with its mask as a tint of 45 %: uint8 (height, width, 3)."""
    tinted = picture * 0.55 + np.array(color) * 0.45
    return np.where(mask[..., None] > 0, tinted, picture).astype(np.uint8)


def swipe(original: np.ndarray, variant: np.ndarray, share: float) -> np.ndarray:
    """The original left of the swipe line, the variant right of it; `share` 0 to 1 is where the line stands."""
    column = round(np.clip(share, 0, 1) * original.shape[1])
    picture = np.concatenate([original[:, :column], variant[:, column:]], axis=1)
    if 0 < column < original.shape[1]:
        picture[:, column - 1] = (213, 94, 0)
    return picture


def thumbnail() -> np.ndarray:
    """One cat, eight times, turned and moved and flipped, for the front page: uint8 (180, 320, 3)."""
    cat, random = cv2.resize(images.sample("cat")[20:280, 60:320], (90, 90)), np.random.default_rng(3)
    tiles = []
    for index in range(8):
        angle, growth = random.uniform(-35, 35) * (index > 0), random.uniform(0.85, 1.35) if index else 1.0
        matrix = cv2.getRotationMatrix2D((45, 45), angle, growth)
        matrix[:, 2] += random.uniform(-9, 9, 2) * (index > 0)
        tile = cat[:, ::-1] if index % 2 else cat
        tiles.append(cv2.warpAffine(tile, matrix, (80, 90), borderMode=cv2.BORDER_REFLECT))
    return np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])])
