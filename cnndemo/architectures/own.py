"""A network that a visitor brings: which door its file goes through, and the processes behind the doors."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import PurePath

import numpy as np

from cnndemo import weights, worker
from cnndemo.architectures import keras_file
from cnndemo.architectures.reading import Own
from cnndemo.errors import VisitorError
from cnndemo.models import resnet20

MOST_MEGABYTES = 20  # of a file; the server takes no larger uploads
#: Shipped networks to try it with, by their title.
SHIPPED = {
    "ResNet-20": "resnet20", "EfficientNet-Lite0": "efficientnet_lite0", "U-Net": "pet_segmentation",
    "Siamese network": "siamese",
}  # fmt: skip
PIXELS = {"resnet20": "0 to 255", "efficientnet_lite0": "0 to 255"}  # of shipped networks; else 0 to 1

CLASSES = {"resnet20": resnet20.CLASSES}  # of a shipped network; those of ImageNet are known by their number

#: Reads and runs ONNX files, beside the server, so that a file that eats all memory or never ends costs nobody else.
RUNNER = worker.Worker(idle=60, who="ONNX", needed=250, most=700, minutes=1)
atexit.register(RUNNER.end)


def look(name: str, data: bytes, picture: np.ndarray, scale: str, waiting: Callable[[], None] = lambda: None) -> Own:
    """What there is to say of a network, and its answer for a picture.

    Args:
        name: of the file; its ending tells what it is.
        data: of the file.
        picture: uint8 (height, width, 3).
        scale: a key of `reading.SCALES`.
        waiting: called several times a second; what it raises ends the work.

    Raises:
        VisitorError: the file is none of the two kinds, too large, damaged, or not safe to open; it takes too much
            time or memory; Keras is needed and not installed.
    """
    if len(data) > MOST_MEGABYTES * 1024**2:
        raise VisitorError(f"This file has {len(data) / 1e6:.0f} MB; at most {MOST_MEGABYTES} are opened here.")
    ending = PurePath(name).suffix.lower()
    if ending == ".onnx":
        return RUNNER.ask("cnndemo.architectures.onnx_file:look", data, picture, scale, waiting=waiting)
    if ending == ".keras":
        keras_file.checked(data)  # here already, so that nobody waits in line for a refusal
        return worker.ask("cnndemo.architectures.keras_file:look", data, picture, scale, waiting=waiting)
    raise VisitorError(
        "Only .onnx and .keras files are opened. PyTorch: torch.onnx.export; Keras: model.save(“name.keras”)."
    )


def shipped(title: str) -> bytes:
    """A network of the gallery as a file in ONNX."""
    return weights.onnx_file(SHIPPED[title]).read_bytes()
