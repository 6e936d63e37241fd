"""Which pixels are the pet? U-Net on a picture of any size, and what can be done with its mask (book 6.1 and 6.4).

Labels are those of the data set's trimaps: 1 pet, 2 surroundings, 3 border. (The book's list swaps the last two.)
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import ImageColor

from cnndemo import images, weights
from cnndemo.errors import VisitorError
from cnndemo.pet_segmentation.masks import thumbnail as thumbnail

PET, SURROUNDINGS, BORDER = 1, 2, 3
CLASSES = {PET: "pet", SURROUNDINGS: "surroundings", BORDER: "border"}
#: Grey of the bars that make a picture square; in training, too.
FILL = 127
#: Red, green and blue of each class on overlays (Okabe and Ito).
COLORS = {PET: (0, 158, 115), SURROUNDINGS: (0, 114, 178), BORDER: (230, 159, 0)}
#: A picture longer than so many times its short side is seen in windows, of which there are at most so many.
LONGEST, MOST_WINDOWS = 2.5, 16
#: What the runs of `<weights>/pet_segmentation.ablation.csv` left out, in order.
LEFT_OUT = ("nothing", "flip", "crop", "scale", "turn", "colour", "all of them")
#: Less than this share of pet pixels counts as "no pet".
LEAST_PET = 0.01


@dataclass(frozen=True)
class Network:
    """One of the two networks of the topic.

    Args:
        weights: name of its weights file.
        architecture: module with its builder, in `cnndemo.models`.
        size: side of its square input in pixels.
        scale: what the uint8 values are multiplied by.
        title: what the page calls it.
    """

    weights: str
    architecture: str
    size: int
    scale: float
    title: str


NETWORKS = {
    "pretrained": Network(
        "pet_segmentation_pretrained", "unet_pretrained", 256, 1.0, "U-Net on a pretrained encoder (beyond the book)"
    ),
    "book": Network("pet_segmentation", "unet", 128, 1 / 255, "The book's U-Net (listing 6.1)"),
}

Predict = Callable[[np.ndarray], np.ndarray]


def network(name: str) -> Network:
    """The network of this name.

    Raises:
        VisitorError: there is none.
    """
    if name not in NETWORKS:
        raise VisitorError(f"There is no network “{name}”; choose one of: {', '.join(NETWORKS)}.")
    return NETWORKS[name]


def prepare(image: np.ndarray, net: Network) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A picture as the network's input, in training, measuring and serving alike.

    Args:
        image: uint8 RGB (height, width, 3).

    Returns:
        float32 (size, size, 3), fitted without squashing, with grey bars; and the box (top, left, height, width) that
        the picture fills in it.
    """
    square, box = images.letterbox(image, net.size, FILL)
    return square.astype(np.float32) * np.float32(net.scale), box


def restore(probabilities: np.ndarray, box: tuple[int, int, int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Cuts the bars off and brings the network's answer to the picture's own size.

    Args:
        probabilities: float32 (size, size, 3).
        box: from `prepare`.
        shape: height and width of the picture.

    Returns:
        float32 (height, width, 3), by bilinear interpolation.
    """
    top, left, height, width = box
    inside = np.ascontiguousarray(probabilities[top : top + height, left : left + width])
    return cv2.resize(inside, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def labels(probabilities: np.ndarray) -> np.ndarray:
    """The most probable class of each pixel: (…, 3) -> uint8 (…) with 1, 2, 3."""
    return (probabilities.argmax(axis=-1) + 1).astype(np.uint8)


def look(predict: Predict, squares: np.ndarray) -> np.ndarray:
    """The mean of a network's answers to squares and to their mirror images, mirrored back.

    A pet is a pet from both sides; what the two answers disagree on was a guess.

    Args:
        predict: float32 (n, size, size, 3) -> probabilities of the same shape.
        squares: pictures from `prepare`.
    """
    return (predict(squares) + predict(squares[:, :, ::-1])[:, :, ::-1]) / 2


@cache
def _predictor(name: str) -> Predict:
    from cnndemo import inference

    return inference.predictor(network(name).weights)


def windows(height: int, width: int) -> list[tuple[slice, slice]]:
    """Parts of a picture that a network sees one by one: the whole, or for panoramas overlapping windows of 2 : 1.

    Squeezed into a square, a panorama of 20 : 1 would be a line of a few pixels.
    """
    short, long = min(height, width), max(height, width)
    if long <= LONGEST * short:
        return [(slice(0, height), slice(0, width))]
    side = max(2 * short, -(-long // (MOST_WINDOWS // 2)))
    starts = np.unique(np.linspace(0, long - side, -(-2 * (long - side) // side) + 1).astype(int))
    spans = [slice(int(start), int(start) + side) for start in starts]
    return [(span, slice(0, width)) if height > width else (slice(0, height), span) for span in spans]


def probabilities(image: np.ndarray, name: str = "pretrained", predict: Predict | None = None) -> np.ndarray:
    """Probabilities of pet, surroundings and border for each pixel of a picture.

    Args:
        image: uint8 RGB (height, width, 3).
        name: "pretrained" or "book".
        predict: a compiled network (`inference.predictor`) to use instead of loading it here.

    Returns:
        float32 (height, width, 3) at the picture's own size; they sum to 1. Where windows overlap, their mean.
    """
    net = network(name)
    parts = windows(*image.shape[:2])
    squares, boxes = zip(*(prepare(image[part], net) for part in parts), strict=True)
    answers = look(predict or _predictor(name), np.stack(squares))
    if len(parts) == 1:
        return restore(answers[0], boxes[0], image.shape)
    total, count = np.zeros((*image.shape[:2], 3), np.float32), np.zeros((*image.shape[:2], 1), np.float32)
    for part, answer, box in zip(parts, answers, boxes, strict=True):
        total[part] += restore(answer, box, total[part].shape)
        count[part] += 1
    return total / count


def describe(found: np.ndarray) -> str:
    """What the labels say, in a sentence or two: how much is pet, none, or several parts."""
    share = float(np.mean(found == PET))
    if share < LEAST_PET:
        return (
            f"**No pet found**: only {share:.1%} of the pixels are called pet. The network knows cats and dogs; "
            "a drawing, a far-away animal or another subject may leave it empty-handed."
        )
    sentence = f"**{share:.0%} of the pixels are pet**, {np.mean(found == BORDER):.0%} are its border."
    count = len(parts(found))
    if count > 1:
        sentence += f" The pet falls into {count} separate parts: several animals, or one that something hides."
    return sentence


def parts(found: np.ndarray, least: float = 0.1) -> list[int]:
    """Sizes in pixels of the connected parts of pet and border, largest first; smaller than `least` of it left out."""
    count, _, statistics, _ = cv2.connectedComponentsWithStats(animal(found).astype(np.uint8), connectivity=8)
    sizes = sorted((int(size) for size in statistics[1:count, cv2.CC_STAT_AREA]), reverse=True)
    return [size for size in sizes if size >= least * sizes[0]]


def animal(found: np.ndarray, with_border: bool = True) -> np.ndarray:
    """The animal as a boolean mask: pet, and its border unless told otherwise."""
    return (found == PET) | (with_border & (found == BORDER))


def resize_labels(found: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Labels at another height and width, without inventing classes in between."""
    return cv2.resize(found, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)


def overlay(image: np.ndarray, found: np.ndarray, opacity: float = 0.5, contour: bool = True) -> np.ndarray:
    """The picture tinted by class, and the animal's outline as a line.

    Args:
        image: uint8 RGB (height, width, 3).
        found: labels (height, width).
        opacity: of the tint, 0 to 1.
        contour: draw the outline of pet and border.

    Returns:
        uint8 RGB, a new array.
    """
    tint = np.zeros((4, 3), np.float32)
    tint[list(COLORS)] = list(COLORS.values())
    mixed = cv2.addWeighted(image, 1 - opacity, tint[found].astype(np.uint8), opacity, 0)
    if contour:
        outlines, _ = cv2.findContours(animal(found).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(mixed, outlines, -1, (255, 255, 255), max(1, round(max(image.shape) / 300)), cv2.LINE_AA)
    return mixed


def cut_out(image: np.ndarray, mask: np.ndarray, background: str | np.ndarray = "transparent") -> np.ndarray:
    """The animal on another background.

    Args:
        image: uint8 RGB (height, width, 3).
        mask: boolean (height, width).
        background: "transparent", "blurred", a colour such as "#56B4E9", or a uint8 RGB picture that is scaled and
            cropped to fit.

    Returns:
        uint8 RGBA (height, width, 4). Transparent: alpha is 255 on the mask and 0 elsewhere. Else alpha is 255.
    """
    alpha = mask.astype(np.uint8) * 255
    if isinstance(background, str) and background == "transparent":
        return np.dstack([image, alpha])
    height, width = image.shape[:2]
    if isinstance(background, np.ndarray):
        scale = max(height / background.shape[0], width / background.shape[1])
        size = (max(width, round(background.shape[1] * scale)), max(height, round(background.shape[0] * scale)))
        behind = cv2.resize(background, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        top, left = (size[1] - height) // 2, (size[0] - width) // 2
        behind = behind[top : top + height, left : left + width]
    elif background == "blurred":
        behind = cv2.GaussianBlur(image, (0, 0), max(1.0, max(height, width) / 40))
    else:
        behind = np.full_like(image, ImageColor.getrgb(background))
    mixed = np.where(mask[..., None], image, behind)
    return np.dstack([mixed, np.full_like(alpha, 255)])


def disagreement(one: np.ndarray, other: np.ndarray) -> float:
    """Share of pixels that two label maps of one shape name differently."""
    return float(np.mean(one != other))


def architecture(name: str):
    """The module in `cnndemo.models` with the builder and the names of the levels and skips of a network."""
    from importlib import import_module

    return import_module(f"cnndemo.models.{network(name).architecture}")


def decode(maps: dict[str, np.ndarray], name: str, off: tuple[str, ...] = ()) -> np.ndarray:
    """The network's answer when some skip connections carry only each channel's mean: what is there, but not where.

    Args:
        maps: layer name -> feature map (1, height, width, channels), from the left half.
        name: "pretrained" or "book".
        off: names of the layers whose skip is cut.

    Returns:
        float32 (size, size, 3).
    """
    from cnndemo import inference

    first, *others = (*architecture(name).SKIPS, architecture(name).BOTTOM)
    inputs = {layer: maps[layer] for layer in (first, *others)}
    for layer in off:
        inputs[layer] = np.broadcast_to(maps[layer].mean(axis=(1, 2), keepdims=True), maps[layer].shape)
    half = inference.predictor(network(name).weights, part="decoder")
    return half(inputs.pop(first), **inputs)[0]


def strip(feature_map: np.ndarray, box: tuple[int, int, int, int], size: int, count: int = 2) -> np.ndarray:
    """The channels of a feature map that vary most, side by side, as one picture.

    Args:
        feature_map: (height, width, channels).
        box: where the picture lies in the square input, from `prepare`.
        size: side of the square input.
        count: how many channels.

    Returns:
        uint8 (height, count * width); each channel scaled to its own range.
    """
    scale = feature_map.shape[0] / size
    top, left = (int(edge * scale) for edge in box[:2])
    bottom, right = (
        max(1, int(np.ceil((start + length) * scale))) for start, length in zip(box[:2], box[2:], strict=True)
    )
    inside = feature_map[min(top, bottom - 1) : bottom, min(left, right - 1) : right].astype(np.float32)
    middle = inside[1:-1, 1:-1] if min(inside.shape[:2]) > 4 else inside  # bars around the picture leave bright edges
    chosen = np.sort(np.argsort(middle.std(axis=(0, 1)))[::-1][:count])
    tiles = []
    for channel in chosen:
        low, high = np.percentile(middle[..., channel], (1, 99))
        tiles.append((np.clip((inside[..., channel] - low) / max(high - low, 1e-9), 0, 1) * 255).astype(np.uint8))
    return np.hstack(tiles)


def ablation() -> dict[str, dict[str, float]]:
    """Runs of the book's network with one augmentation left out each, all else equal; empty without the file.

    Returns:
        What was left out -> "training" and "validation" mean Jaccard after the last of "epochs", and "seconds".
    """
    file = weights.path("pet_segmentation").with_name("pet_segmentation.ablation.csv")
    if not file.is_file():
        return {}
    columns = {
        "train_mean_jaccard": "training",
        "val_mean_jaccard": "validation",
        "epochs": "epochs",
        "seconds": "seconds",
    }
    with open(file, newline="", encoding="utf-8") as stream:
        return {
            LEFT_OUT[int(row["left_out"])]: {name: float(row[column]) for column, name in columns.items()}
            for row in csv.DictReader(stream)
        }
