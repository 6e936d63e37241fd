"""Where each figure and listing of the book is alive in the gallery.

One line an entry, in the book's order: number, section of the book, topic (the stem of its page), section of that
page, and what the reader sees there, in our own words. The section is the title given to `cnndemo.ui.section`;
a test walks the pages and proves that the section renders the entry.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cnndemo.topics import TOPICS, Topic

Kind = Literal["figure", "listing"]


@dataclass(frozen=True)
class Entry:
    """A figure or listing of the book and its live counterpart.

    Args:
        kind: `"figure"` or `"listing"`.
        number: as the book prints it, such as `"2.11"`.
        book_section: section of the book in which it stands, such as `"2.3.2"`.
        stem: topic whose page brings it to life.
        section: title of the section of that page.
        shows: what it shows, one line.
    """

    kind: Kind
    number: str
    book_section: str
    stem: str
    section: str
    shows: str

    @property
    def name(self) -> str:
        """`"Figure 2.11"` or `"Listing 2.1"`."""
        return f"{self.kind.capitalize()} {self.number}"

    @property
    def chapter(self) -> int:
        return int(self.number.split(".")[0])

    @property
    def topic(self) -> Topic:
        return TOPICS[self.stem]

    @property
    def live(self) -> bool:
        """True when the page of its topic exists."""
        return self.topic.built


def _figure(number: str, book_section: str, stem: str, section: str, shows: str) -> Entry:
    return Entry("figure", number, book_section, stem, section, shows)


def _listing(number: str, book_section: str, stem: str, section: str, shows: str) -> Entry:
    return Entry("listing", number, book_section, stem, section, shows)


FIGURES: tuple[Entry, ...] = (
    # 1 Introduction to convolutions
    _figure("1.1", "1.1", "convolution", "Try it", "Two bell curves and the curve of their overlap"),
    _figure("1.2", "1.2", "convolution", "An image is a function", "A picture with large flat areas"),
    _figure("1.3", "1.2", "convolution", "An image is a function", "The same picture as a landscape of brightness"),
    _figure("1.4", "1.3", "pattern_matching", "Try it", "A scene of shapes to search"),
    _figure("1.5", "1.3", "pattern_matching", "Try it", "The pattern to look for"),
    _figure("1.6", "1.3", "pattern_matching", "Try it", "The response map: one dot product a position"),
    _figure("1.7", "1.3", "pattern_matching", "Try it", "The brightest dot of the response map"),
    _figure("1.8", "1.3", "pattern_matching", "Try it", "The same dot on the scene: the centre of the match"),
    _figure("1.9", "1.3", "pattern_matching", "How it works", "One position of the slide and its sum"),
    _figure("1.10", "1.3", "pattern_matching", "How it works", "Another position, another sum"),
    _figure("1.11", "1.3", "pattern_matching", "How it works", "The position where pattern and shape coincide"),
    _figure(
        "1.12", "1.3", "pattern_matching", "Where it fails, and what helps", "The shapes grew, the pattern did not"
    ),
    _figure("1.13", "1.3", "pattern_matching", "Where it fails, and what helps", "Another shape wins, the hexagon say"),
    # 2 Introduction to convolutional neural networks
    _figure("2.1", "2.1", "digit_classifier", "How it works", "From image through feature maps to a class"),
    _figure("2.2", "2.2", "digit_classifier", "Try it", "Handwritten digits of the MNIST data set"),
    _figure("2.3", "2.3.1", "layer_lab", "Activations", "The rectifier: negative values become zero"),
    _figure("2.4", "2.3.1", "layer_lab", "Activations", "ELU: negative values saturate smoothly"),
    _figure("2.5", "2.3.1", "layer_lab", "Activations", "The sigmoid: everything between zero and one"),
    _figure("2.6", "2.3.1", "layer_lab", "Activations", "The hyperbolic tangent: between minus one and one"),
    _figure("2.7", "2.3.1", "layer_lab", "Activations", "Leaky ReLU: negative values keep a small slope"),
    _figure("2.8", "2.3.1", "layer_lab", "Try it", "A kernel moving one pixel at a time"),
    _figure("2.9", "2.3.1", "layer_lab", "Try it", "The same kernel moving two pixels at a time"),
    _figure("2.10", "2.3.1", "layer_lab", "Try it", "Padding with zeros and with repeated border pixels"),
    _figure("2.11", "2.3.2", "digit_classifier", "How it works", "A small grid laid out as one row of numbers"),
    _figure("2.12", "2.3.2", "digit_classifier", "How it works", "The shapes of the book's network, layer by layer"),
    _figure("2.13", "2.3.3", "digit_classifier", "How it works", "Every unit joined to every unit of the next layer"),
    _figure("2.14", "2.3.4", "layer_lab", "Activations", "The rectifier again, as a formula and a curve"),
    _figure("2.15", "2.4.1", "layer_lab", "Dropout", "A small network with all its units"),
    _figure("2.16", "2.4.1", "layer_lab", "Dropout", "The same network with some units switched off"),
    _figure("2.17", "2.4.2", "layer_lab", "Pooling", "The largest value of each window goes on"),
    _figure("2.18", "2.4.2", "layer_lab", "Pooling", "Pooling by numbers, and the gradient's way back"),
    _figure("2.19", "2.5", "training", "Try it", "The loss, epoch by epoch"),
    _figure("2.20", "2.5", "training", "Try it", "The accuracy, epoch by epoch"),
    # 3 CNN input preprocessing
    _figure("3.1", "3.1", "normalization", "Try it", "Descent on round and on squashed contour lines"),
    _figure("3.2", "3.2.1", "augmentation", "Try it", "One picture, many variants"),
    _figure("3.3", "3.3.1", "filters", "How it works", "Arrows along which brightness changes fastest"),
    _figure("3.4", "3.3.1", "filters", "Try it", "A picture of printed lines to filter"),
    _figure("3.5", "3.3.1", "filters", "Try it", "Derivative along x: vertical edges"),
    _figure("3.6", "3.3.1", "filters", "Try it", "Derivative along y: horizontal edges"),
    _figure("3.7", "3.3.2", "filters", "Try it", "Sobel along x"),
    _figure("3.8", "3.3.2", "filters", "Try it", "Sobel along y"),
    _figure("3.9", "3.3.3", "filters", "Try it", "Laplacian: edges of every direction"),
    # 4 Image classification
    _figure("4.1", "4.1", "architectures", "Try it", "AlexNet: five convolutions, three dense layers"),
    _figure("4.2", "4.2", "architectures", "Skip connections", "The residual block: layers with a way round them"),
    _figure("4.3", "4.2", "architectures", "Skip connections", "Two ways for the gradient through the block"),
    _figure("4.4", "4.2", "resnet_transfer", "The book's experiment", "A frog of 32 by 32 pixels"),
    _figure(
        "4.5", "4.2", "resnet_transfer", "The book's experiment", "The same frog in the middle of a large black frame"
    ),
    _figure("4.6", "4.3", "architectures", "Dense connections", "DenseNet: each layer reads all layers before it"),
    _figure("4.7", "4.3", "architectures", "Dense connections", "Dense blocks with transitions between them"),
    _figure("4.8", "4.5", "augmentation", "The data generator", "A batch as the generator delivers it"),
    # 5 Face detection and recognition
    _figure("5.1", "5.1.1", "face_detection", "How it works", "Light and dark rectangles laid on a face"),
    _figure("5.2", "5.2", "face_verification", "The entrance", "A system that admits some and refuses others"),
    _figure("5.3", "5.3", "siamese", "How it works", "Two images, one network, one distance"),
    _figure("5.4", "5.6", "siamese", "Losses", "Anchor, positive and negative through one network"),
    _figure("5.5", "5.6.1", "siamese", "Losses", "Three points and the three distances between them"),
    _figure("5.6", "5.6.1", "siamese", "Losses", "The straight way and the way round the blocks"),
    _figure("5.7", "5.6.1", "siamese", "Losses", "The distances added as vectors"),
    _figure("5.8", "5.6.1", "siamese", "How it works", "The siamese network of listing 5.6, box by box"),
    # 6 Image segmentation
    _figure("6.1", "6", "pet_segmentation", "Try it", "A pet, its border and its surroundings, pixel by pixel"),
    _figure("6.2", "6.1", "upsampling", "Try it", "A two by two image grown by two methods"),
    _figure("6.3", "6.2", "upsampling", "Try it", "Nearest neighbour: each pixel becomes a block"),
    _figure("6.4", "6.2", "upsampling", "Try it", "Bilinear: values blend between the pixels"),
    _figure("6.5", "6.3", "upsampling", "Transposed convolution", "Kernels stamped side by side, overlaps added"),
    _figure("6.6", "6.3", "pet_segmentation", "How it works", "The U: down, up, and the bridges across"),
    _figure("6.7", "6.4.1", "pet_segmentation", "Jaccard and Dice", "Two sets, their overlap and their union"),
    # 7 Understanding CNNs
    _figure("7.1", "7", "activation_maps", "The kernels", "The raw three by three kernels of the first layer"),
    _figure("7.2", "7.1", "activation_maps", "Try it", "A five to look at"),
    _figure("7.3", "7.1", "activation_maps", "Try it", "A seven to look at"),
    _figure("7.4", "7.1", "activation_maps", "Try it", "What layer 1 answers to the five, laid over it"),
    _figure("7.5", "7.1", "activation_maps", "Try it", "What layer 1 answers to the seven, laid over it"),
    _figure("7.6", "7.1", "activation_maps", "Try it", "What layer 2 answers to the five, laid over it"),
    _figure("7.7", "7.1", "activation_maps", "Try it", "What layer 2 answers to the seven, laid over it"),
)

LISTINGS: tuple[Entry, ...] = (
    _listing("1.1", "1.3", "pattern_matching", "Three ways that agree", "The dot product as a double loop"),
    _listing("2.1", "2.2", "digit_classifier", "How it works", "The book's first network"),
    _listing("2.2", "2.3.2", "digit_classifier", "How it works", "Its layers, shapes and 4,738,826 parameters"),
    _listing("2.3", "2.5", "training", "How it works", "Loss, optimizer and metrics chosen"),
    _listing("2.4", "2.5", "training", "Callbacks", "Keeping the model of each epoch"),
    _listing("2.5", "2.5", "training", "Callbacks", "Smaller steps when progress stalls"),
    _listing("2.6", "2.5", "training", "Try it", "Training with both callbacks"),
    _listing("2.7", "2.5", "training", "Try it", "Plotting the history"),
    _listing("4.1", "4.1", "architectures", "Try it", "AlexNet with a quarter of its filters"),
    _listing(
        "4.2", "4.2", "resnet_transfer", "The book's experiment", "A frozen ResNet50 with a new head, then unfrozen"
    ),
    _listing("4.3", "4.2", "resnet_transfer", "The book's experiment", "How many of its parameters train"),
    _listing("4.4", "4.5", "augmentation", "The data generator", "Random variants made while training"),
    _listing("4.5", "4.5.1", "augmentation", "The data generator", "Batches read from folders, one folder a class"),
    _listing("5.1", "5.5", "siamese", "How it works", "A small network, layer after layer"),
    _listing("5.2", "5.5", "siamese", "How it works", "The same network as function calls"),
    _listing("5.3", "5.5", "siamese", "How it works", "Summary of the first: 5,733 parameters"),
    _listing("5.4", "5.5", "siamese", "How it works", "Summary of the second: the same 5,733"),
    _listing("5.5", "5.6.1", "siamese", "How it works", "A saved model loaded and used in three lines"),
    _listing("5.6", "5.6.1", "siamese", "How it works", "The siamese network with its contrastive loss"),
    _listing("6.1", "6.4", "pet_segmentation", "How it works", "The small U-Net and its 1,862,979 parameters"),
)

ENTRIES: tuple[Entry, ...] = tuple(
    sorted(FIGURES + LISTINGS, key=lambda e: (e.chapter, e.kind, int(e.number.split(".")[1])))
)


def of_topic(stem: str) -> tuple[Entry, ...]:
    """The figures and listings that the page of this topic brings to life."""
    return tuple(entry for entry in ENTRIES if entry.stem == stem)


def rows(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """Entries as rows of a table, for a download."""
    return [
        {
            "entry": entry.name,
            "book section": entry.book_section,
            "shows": entry.shows,
            "page": entry.stem if entry.live else "",
            "section": entry.section if entry.live else "not yet",
        }
        for entry in entries
    ]


def to_csv(entries: Iterable[Entry]) -> str:
    """Entries as comma-separated text with a heading line."""
    table = rows(entries)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, ["entry", "book section", "shows", "page", "section"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return stream.getvalue()


def thumbnail() -> np.ndarray:
    """The topic's picture on the front page: a square for each entry, chapter by chapter; uint8 (180, 320, 3)."""
    picture = np.full((180, 320, 3), 255, np.uint8)
    for place, entry in enumerate(ENTRIES):
        row, column = divmod(place, 14)
        color = (205, 209, 214) if not entry.live else (0, 114, 178) if entry.kind == "figure" else (230, 159, 0)
        top, left = 15 + row * 22, 8 + column * 22
        picture[top : top + 17, left : left + 17] = color
    return picture


def search(words: str = "", kind: Kind | None = None, live_only: bool = False) -> tuple[Entry, ...]:
    """Entries that contain every one of the words, upper and lower case alike, in number, line, topic or section.

    Args:
        words: words separated by blanks; empty finds all. A number such as `2.1` finds that number only.
        kind: only figures or only listings.
        live_only: only what a visitor can open today.
    """

    def matches(entry: Entry) -> bool:
        text = f"{entry.kind} {entry.topic.title} {entry.section} {entry.shows}".lower()
        numbers = (entry.number, entry.book_section)
        return all(word in numbers or word in text for word in words.lower().split())

    return tuple(
        entry
        for entry in ENTRIES
        if (kind is None or entry.kind == kind) and (entry.live or not live_only) and matches(entry)
    )
