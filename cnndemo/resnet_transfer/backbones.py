"""The pretrained networks of the gallery: what they want, what they cost, and one shared copy of each in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnndemo import inference, weights, worker
from cnndemo.errors import VisitorError
from cnndemo.models import efficientnet_lite0, resnet20
from cnndemo.resnet_transfer import resnet50, resnet50_onnx


@dataclass(frozen=True)
class Backbone:
    """What is known about a network before it is loaded.

    Attributes:
        name: its name in `classify`.
        title: its name for people.
        data: what it learned from.
        input_size: side of the square that it sees, in pixels.
        preprocessing: what happens to a picture first, in words.
        labels: names of its classes, in the order of its outputs.
        prepare: uint8 picture of any size -> uint8 (input_size, input_size, 3), what the network sees.
        crop: height and width of a picture -> top, left and side of the square that `prepare` cuts.
        feed: uint8 batch -> float32 batch as the model wants it.
        maps, features, scores: names of the layers before the pooling, of the pooling, and of the logits.
        looks: uint8 square -> batch of views of it, itself first, whose mean probabilities are the answer.
    """

    name: str
    title: str
    data: str
    input_size: int
    preprocessing: str
    labels: Callable[[], tuple[str, ...]]
    prepare: Callable[[np.ndarray], np.ndarray]
    crop: Callable[[int, int], tuple[int, int, int]]
    feed: Callable[[np.ndarray], np.ndarray]
    maps: str
    features: str
    scores: str
    looks: Callable[[np.ndarray], np.ndarray] = lambda pixels: pixels[None]


def _central_square(height: int, width: int) -> tuple[int, int, int]:
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


def _as_float(batch: np.ndarray) -> np.ndarray:
    return batch.astype(np.float32)


BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            "ImageNet",
            efficientnet_lite0.INPUT_SIZE,
            "central square of 224/256 of the short side, bicubic, (x − 127) / 128",
            efficientnet_lite0.labels,
            efficientnet_lite0.preprocess,
            efficientnet_lite0.crop_box,
            _as_float,
            "head_activation",
            "average_pool",
            "logits",
        ),
        Backbone(
            "resnet20",
            "ResNet-20",
            "CIFAR-10",
            resnet20.INPUT_SIZE,
            "central square, averaged down to 32 pixels, mean and deviation of the training pictures",
            lambda: resnet20.CLASSES,
            resnet20.preprocess,
            _central_square,
            _as_float,
            "last_activation",
            "average_pool",
            "logits",
            resnet20.looks,
        ),
        Backbone(
            "resnet50",
            "ResNet50",
            "ImageNet",
            resnet50.INPUT_SIZE,
            "central square of 224/256 of the short side, bicubic, BGR minus ImageNet's mean colour",
            efficientnet_lite0.labels,
            efficientnet_lite0.preprocess,
            efficientnet_lite0.crop_box,
            resnet50.feed,
            "conv5_block3_out",
            "avg_pool",
            "predictions",
        ),
    )
}
#: Networks that ship and stay in memory; of the others at most one is kept.
SHIPPED = ("efficientnet_lite0", "resnet20")


@dataclass(frozen=True)
class Look:
    """What a network makes of one picture.

    Attributes:
        pixels: uint8 (size, size, 3), what it saw.
        maps: float32 (rows, columns, channels), the activations before the pooling.
        features: float32 (channels,), their average.
        scores: float32 (classes,), the logits.
        probabilities: float32 (classes,), the mean of the softmax over `Backbone.looks`.
    """

    pixels: np.ndarray
    maps: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    probabilities: np.ndarray


class Network:
    """A loaded backbone, ready to serve from many threads."""

    def __init__(self, backbone: Backbone, session=None):
        """Serve what ships, or a session with the arrays of its scores, such as that of `inference.shuffled`."""
        self.backbone, self._model = backbone, None
        self._layers = (backbone.maps, backbone.features, backbone.scores)
        if session is None:
            self._run = inference.predictor(backbone.name, self._layers)
            kernel, bias = weights.arrays(backbone.name, backbone.scores)
        else:
            session, (kernel, bias) = session
            self._run = inference.function(session, self._layers)
        #: float32 (channels, classes) and (classes,): the last layer, which class activation maps are made from.
        self.kernel, self.bias = kernel, bias
        #: the compiled gradient of `attribution.fast_grad_cam`, once it was asked for.
        self.grad_cam: Callable | None = None

    @property
    def model(self):
        """The `keras.Model`, for what only Keras can do; loaded when it is first asked for."""
        if self._model is None:
            self._model = _load(self.backbone.name)
        return self._model

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """Layer name -> output for a batch of uint8 squares (n, size, size, 3)."""
        return self._run(self.backbone.feed(pixels))

    def scores(self, pixels: np.ndarray) -> np.ndarray:
        """Logits (n, classes) of a batch of uint8 squares."""
        return self.run(pixels)[self.backbone.scores]

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Pooled features (n, channels) of a batch of uint8 squares."""
        return self.run(pixels)[self.backbone.features]

    def look(self, image: np.ndarray) -> Look:
        """Everything about one picture, uint8 RGB of any size."""
        return self.see(self.backbone.prepare(image))

    def see(self, pixels: np.ndarray) -> Look:
        """Everything about one prepared square, uint8 (size, size, 3)."""
        outputs = self.run(self.backbone.looks(pixels))
        maps, features, scores = (outputs[name][0] for name in self._layers)
        return Look(pixels, maps, features, scores, softmax(outputs[self.backbone.scores]).mean(axis=0))

    def milliseconds(self, rounds: int = 5) -> float:
        """Median time of one picture through the network, measured now."""
        pixels = np.zeros((self.backbone.input_size, self.backbone.input_size, 3), np.uint8)
        self.see(pixels)
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            self.see(pixels)
            times.append(1000 * (time.perf_counter() - started))
        return float(np.median(times))


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from logits along the last axis, without overflow."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


_networks: dict[str, Network] = {}
_lock = threading.Lock()


def network(name: str) -> Network:
    """The shared network of this name, loaded at the first call.

    Beside the shipped networks at most one is in memory; asking for another lets it go.

    Raises:
        VisitorError: no backbone of this name, or its weights are not there (see `resnet50.download`).
    """
    if name not in BACKBONES:
        raise VisitorError(f"There is no network “{name}”; there are {', '.join(BACKBONES)}.")
    if name not in SHIPPED and not resnet50_onnx.ready():
        worker.ask("cnndemo.resnet_transfer.resnet50_onnx:convert")
    with _lock:
        if name not in _networks:
            if name not in SHIPPED:
                for other in [key for key in _networks if key not in SHIPPED]:
                    del _networks[other]
            _networks[name] = Network(BACKBONES[name], None if name in SHIPPED else resnet50_onnx.session())
        return _networks[name]


def _load(name: str):
    if name == "resnet50":
        return resnet50.load()
    model = weights.load(name)
    return efficientnet_lite0.fold(model) if name == "efficientnet_lite0" else model


def forget(name: str) -> None:
    """Take a network out of memory; the next call of `network` loads it again."""
    with _lock:
        _networks.pop(name, None)


def randomised(name: str, seed: int = 0) -> Network:
    """The same architecture whose weights were shuffled within each array: it has learned nothing.

    Adebayo et al., "Sanity Checks for Saliency Maps", 2018: a heat map that looks as convincing for such a network says
    more about the picture than about what was learned.
    """
    backbone = BACKBONES[name]
    file = weights.onnx_file(name) if name in SHIPPED else resnet50_onnx.path()
    return Network(backbone, inference.shuffled(file, backbone.scores, seed))


def state(name: str) -> str:
    """Where the weights of a backbone are: "in memory", "shipped", "on disk" or "not downloaded"."""
    if name in _networks:
        return "in memory"
    if name == "resnet50":
        return "on disk" if resnet50.available() else "not downloaded"
    return "shipped" if weights.path(name).is_file() else "missing"


def overview() -> list[dict[str, object]]:
    """One row a backbone for the page's table; the time is measured, and only for those in memory."""
    rows = []
    for backbone in BACKBONES.values():
        loaded = _networks.get(backbone.name)
        parameters, operations = _size(backbone.name)
        rows.append(
            {
                "network": backbone.title,
                "learned from": backbone.data,
                "input": f"{backbone.input_size} × {backbone.input_size}",
                "parameters": parameters,
                "M multiply-adds": None if operations is None else round(operations / 1e6),
                "ms a picture": round(loaded.milliseconds(), 1) if loaded else None,
                "MB in float32": None if parameters is None else round(4 * parameters / 1e6, 1),
                "weights": state(backbone.name),
                "preprocessing": backbone.preprocessing,
            }
        )
    return rows


def _size(name: str) -> tuple[int | None, int | None]:
    if name == "resnet50":
        return resnet50.parameters(), resnet50.multiply_adds()
    try:
        about = weights.card(name)
        return about["parameters"], about["multiply_adds"]
    except VisitorError:
        return None, None
