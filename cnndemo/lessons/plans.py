"""Which pages a lesson visits, with which settings, and what counts as done; the words are in one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Shown:
    """A value that the link writes otherwise than the page knows it: with the words of its option."""

    value: Any
    text: str


@dataclass(frozen=True)
class Step:
    """One stop of a lesson.

    Args:
        page: stem of the page.
        section: title of the section on the page where the step happens.
        book: section of the book; empty for what goes beyond it.
        settings: short name of a setting -> the value that the step starts with.
        moves: short names; the thing was done when one of them is no longer what it was.
        answer: index of the right option of the question.
    """

    page: str
    section: str
    book: str
    settings: Mapping[str, Any]
    moves: tuple[str, ...]
    answer: int

    @property
    def values(self) -> dict[str, Any]:
        """Key of the session -> value that the step starts with."""
        bare = {name: value.value if isinstance(value, Shown) else value for name, value in self.settings.items()}
        return {f"{self.page}.{name}": value for name, value in bare.items()}

    @property
    def link(self) -> dict[str, str]:
        """Parameter of the link -> its text."""
        return {f"{self.page}.{name}": _text(value) for name, value in self.settings.items()}


def _text(value: Any) -> str:
    """A value as a link says it."""
    if isinstance(value, Shown):
        return value.text
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Lesson:
    """A way through the gallery.

    Args:
        name: as the link names it.
        chapter: of the book; 0 when it goes across chapters.
        minutes: about how long it takes.
    """

    name: str
    chapter: int
    minutes: int
    steps: tuple[Step, ...] = field(repr=False)

    def link(self, number: int, language: str = "en") -> str:
        """The address of a step, from 1, without the host: `/filters?lesson=photo&step=1&filters.kernel=sobel_x`."""
        step = self.steps[number - 1]
        named = {"lesson": self.name, "step": str(number)} | ({"lang": language} if language != "en" else {})
        return f"/{step.page}?{urlencode(named | step.link)}"


_ALL = (
    Lesson("sliding", 1, 35, (
        Step("convolution", "Try it", "1.1", {"t": -1.0}, ("t",), 1),
        Step("convolution", "Try it", "1.1",
             {"f": Shown("box", "Box"), "g": Shown("exponential", "Exponential"), "t": 0.5}, ("op",), 2),
        Step("convolution", "An image is a function", "1.2", {"y0": 45, "y1": 45}, ("y0", "y1"), 0),
        Step("pattern_matching", "Try it", "1.3", {"shape": "circle", "seed": 4}, ("shape", "seed"), 1),
        Step("pattern_matching", "Where it fails, and what helps", "1.3",
             {"growth": 1.0, "angle": 0}, ("growth", "angle"), 2),
    )),
    Lesson("layers", 2, 45, (
        Step("layer_lab", "Try it", "2.3", {"h": 6, "w": 6, "kh": 3, "kw": 3, "sh": 1, "sw": 1},
             ("sh", "kh", "h", "pad"), 0),
        Step("layer_lab", "Activations", "2.3", {"ax": -2.0}, ("act", "ax"), 1),
        Step("layer_lab", "Pooling", "2.4", {"pn": 4, "ps": 2, "pt": 2}, ("pk", "ps", "pt", "pn"), 2),
        Step("layer_lab", "Softmax", "2.3", {"temp": 1.0, "add": 0}, ("temp", "add"), 0),
        Step("digit_classifier", "Try it", "2.2", {"digit_from": Shown("mnist", "MNIST"), "digit": 5},
             ("steps", "digit", "digit_n"), 1),
        Step("training", "Try it", "2.5", {"t_rate": "0.002"}, ("t_rate", "t_epochs"), 2),
    )),
    Lesson("preparing", 3, 35, (
        Step("normalization", "Try it", "3.1", {"lr": "0.2"}, ("lr",), 0),
        Step("normalization", "On a picture", "3.1", {"method": "unit"}, ("method",), 2),
        Step("filters", "Try it", "3.3", {"kernel": "sobel_x"}, ("kernel",), 1),
        Step("filters", "Try it", "3.3", {"kernel": "gaussian"}, ("kernel", "flip", "view"), 0),
        Step("augmentation", "When the label changes", "3.2", {"digit": 6, "label": "half turn"},
             ("digit", "label"), 1),
    )),
    Lesson("deeper", 4, 45, (
        Step("architectures", "Try it", "4.1", {"net": "AlexNet", "width": 1.0}, ("width", "net"), 2),
        Step("architectures", "Skip connections", "4.2", {"depth": 60, "gain": 1.0, "act": "sigmoid"},
             ("depth", "act", "gain", "bn"), 0),
        Step("architectures", "Dense connections", "4.3", {"dn": 5, "growth": 32}, ("dn", "growth"), 1),
        Step("resnet_transfer", "Try it", "4.4", {"picture": Shown("coffee", "Coffee")},
             ("picture", "picture_source"), 1),
        Step("resnet_transfer", "Teach it", "4.4", {"balanced": True}, ("balanced", "augment"), 0),
    )),
    Lesson("faces", 5, 40, (
        Step("face_detection", "Try it", "5.1", {"neighbours": 3}, ("neighbours", "scale"), 0),
        Step("siamese", "Try it", "5.3", {"show": "One pair", "a": 4, "b": 9}, ("a", "b", "a_n", "b_n", "thr"), 2),
        Step("siamese", "Losses", "5.5", {"alpha": 1.0, "steps": 20}, ("alpha", "steps"), 1),
        Step("face_verification", "Try it", "5.2", {"threshold": 0.6}, ("threshold",), 1),
    )),
    Lesson("pixels", 6, 35, (
        Step("upsampling", "Try it", "6.2", {"how": "bilinear"}, ("how", "ur", "uc"), 0),
        Step("upsampling", "Transposed convolution", "6.3", {"ks": 3, "st": 2}, ("ks", "st"), 2),
        Step("upsampling", "The checkerboard", "6.3", {"cs": 3, "ct": 2}, ("cs", "ct"), 1),
        Step("pet_segmentation", "Try it", "6.4", {"view": "Overlay"}, ("view", "net"), 0),
        Step("pet_segmentation", "Jaccard and Dice", "6.4", {"ra": 1.0}, ("ra", "rb"), 1),
    )),
    Lesson("understanding", 7, 30, (
        Step("activation_maps", "Try it", "7.1", {"sort": "number"}, ("sort", "over"), 1),
        Step("activation_maps", "What would a narrower network lose?", "7.1", {"twins": 0.9}, ("twins", "off"), 0),
        Step("fool_it", "Try it", "", {"epsilon_digit": 26}, ("epsilon_digit", "way"), 2),
        Step("fool_it", "Nonsense with confidence", "", {"temperature": 1.0}, ("temperature", "network"), 1),
    )),
    Lesson("photo", 0, 40, (
        Step("filters", "Try it", "3.3", {"what": Shown("picture", "A picture"), "kernel": "sobel_x"},
             ("kernel", "picture", "picture_source"), 0),
        Step("layer_lab", "Try it", "2.3", {"in": Shown("picture", "Your picture, tiny")}, ("kv", "kh", "sh"), 1),
        Step("augmentation", "Try it", "3.2", {"swipe": 50, "seed": 0}, ("swipe", "seed"), 2),
        Step("resnet_transfer", "Try it", "4.2", {"picture": Shown("cat", "Cat")},
             ("picture", "picture_source", "networks"), 0),
        Step("pet_segmentation", "Try it", "6.1", {"view": "Cut-out"}, ("view", "behind"), 2),
    )),
    Lesson("failing", 0, 40, (
        Step("pattern_matching", "Where it fails, and what helps", "1.3", {"growth": 1.2, "angle": 0},
             ("angle", "growth"), 1),
        Step("digit_classifier", "Try it", "2.2", {"digit_from": Shown("mnist", "MNIST"), "digit": 4},
             ("steps",), 0),
        Step("fool_it", "Try it", "", {"epsilon_digit": 0}, ("epsilon_digit",), 2),
        Step("face_verification", "Try it", "5.2", {"threshold": 0.4}, ("threshold",), 0),
        Step("pet_segmentation", "Try it", "6.4", {"net": Shown("book", "Book")}, ("net", "view"), 1),
    )),
    Lesson("train", 0, 45, (
        Step("normalization", "Try it", "3.1", {"lr": "1e-2"}, ("lr",), 1),
        Step("training", "Try it", "2.5", {"t_epochs": 5, "t_rate": "0.002"}, ("t_epochs", "t_optimizer"), 0),
        Step("training", "Try it", "2.5", {"t_wrong": 30}, ("t_wrong",), 2),
        Step("training", "Callbacks", "2.5", {"patience": 2, "wait": 5}, ("patience", "factor", "wait"), 1),
        Step("resnet_transfer", "Teach it", "4.4", {"augment": False}, ("augment", "balanced"), 0),
    )),
)  # fmt: skip

LESSONS: dict[str, Lesson] = {lesson.name: lesson for lesson in _ALL}
