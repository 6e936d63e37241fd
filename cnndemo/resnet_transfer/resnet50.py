"""The book's ResNet50 (listings 4.2 and 4.3): its size by arithmetic, and its ImageNet weights, fetched on demand.

The weights are too large to ship. `CNNDEMO_RESNET50_WEIGHTS=FILE` names a local file; otherwise `download` fetches the
file that `keras.applications` uses into Keras' own folder, so a machine that has it needs no download.
"""

from __future__ import annotations

import hashlib
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cnndemo.errors import VisitorError

INPUT_SIZE = 224
FILE = "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
URL = f"https://storage.googleapis.com/tensorflow/keras-applications/resnet/{FILE}"
#: MD5 of the file as `keras.applications.resnet` lists it, and its size in bytes.
MD5 = "2cb95161c43110f7111970584f804107"
BYTES = 102_967_424
#: (width of the 3×3 convolution, blocks, stride of the first block) of the four stages; their output is 4 × wider.
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
#: ImageNet's mean colour, blue, green, red.
MEAN = np.array([103.939, 116.779, 123.68], np.float32)

_downloading = threading.Lock()


class DownloadError(VisitorError):
    """The weights could not be fetched; the message says why and what else can be done."""


def feed(batch: np.ndarray) -> np.ndarray:
    """uint8 RGB (n, h, w, 3) -> float32 BGR minus the mean colour, as this network was trained."""
    return batch[..., ::-1].astype(np.float32) - MEAN


def path() -> Path:
    """Where the weights are, or would be downloaded to."""
    if own := os.environ.get("CNNDEMO_RESNET50_WEIGHTS"):
        return Path(own)
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    return home / "models" / FILE


def available() -> bool:
    """Whether the weights file is there."""
    return path().is_file()


def load():
    """Builds ResNet50 with its 1000-way top (logits, no softmax) and loads the weights.

    Raises:
        VisitorError: no file, or a file of another network.
    """
    import keras

    file = path()
    if not file.is_file():
        raise VisitorError("The weights of ResNet50 are not on this server. Download them first, or choose another.")
    model = keras.applications.ResNet50(weights=None, classifier_activation=None)
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise VisitorError(
            f"The file {file.name} is damaged or belongs to another network. Delete it and download it again."
        ) from None
    return model


def download(
    progress: Callable[[int, int], None] = lambda done, total: None,
    url: str = URL,
    md5: str = MD5,
    target: Path | None = None,
    timeout: float = 30.0,
) -> Path:
    """Fetches the weights; the file appears only when it is whole and its checksum right.

    Args:
        progress: called with bytes done and bytes in all.
        url, md5, target: where from, the expected checksum and where to; the defaults are Keras' own.
        timeout: seconds without an answer before giving up.

    Raises:
        DownloadError: no network, cut off in the middle, a wrong checksum, no room, or another visitor's download runs.
    """
    target = target or path()
    if not _downloading.acquire(blocking=False):
        raise DownloadError("Another visitor is downloading it right now. Wait a minute, then choose it again.")
    part = target.with_name(target.name + ".part")
    digest, done = hashlib.md5(usedforsecurity=False), 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(url, timeout=timeout) as response, open(part, "wb") as out:
            total = int(response.headers.get("Content-Length") or BYTES)
            while block := response.read(1 << 20):
                out.write(block)
                digest.update(block)
                done += len(block)
                progress(done, total)
        if done < total:
            raise DownloadError(f"The download stopped after {done / 1e6:.1f} of {total / 1e6:.1f} MB. Try it again.")
        if digest.hexdigest() != md5:
            raise DownloadError("The downloaded file has a wrong checksum and was thrown away. Try it again later.")
        return part.replace(target)
    except DownloadError:
        raise
    except (OSError, urllib.error.URLError, ValueError, EOFError) as error:
        reason = f"it stopped after {done / 1e6:.1f} MB" if done else "the server cannot be reached from here"
        raise DownloadError(
            f"The weights of ResNet50 could not be fetched: {reason}. Everything else on this page works without them."
        ) from error
    finally:
        part.unlink(missing_ok=True)
        _downloading.release()


def convolutions() -> list[tuple[int, int, int, int]]:
    """(kernel size, inputs, outputs, side of the output grid) of every convolution, in order."""
    rows = [(7, 3, 64, 112)]
    inputs, side = 64, 56
    for width, blocks, stride in STAGES:
        for block in range(blocks):
            side = side // stride if block == 0 else side
            shortcut = [(1, inputs, 4 * width, side)] if block == 0 else []
            rows += shortcut + [(1, inputs, width, side), (3, width, width, side), (1, width, 4 * width, side)]
            inputs = 4 * width
    return rows


def parameters(include_top: bool = True) -> int:
    """All parameters: kernels with biases, four numbers a channel for batch normalization, the dense layer."""
    total = sum(size * size * inputs * outputs + 5 * outputs for size, inputs, outputs, _ in convolutions())
    return total + (2048 * 1000 + 1000 if include_top else 0)


def multiply_adds() -> int:
    """Multiplications, each with its addition, for one picture of 224 pixels."""
    return sum(k * k * inputs * outputs * side * side for k, inputs, outputs, side in convolutions()) + 2048 * 1000


def listing_4_3(classes: int = 10) -> list[dict[str, object]]:
    """The table of listing 4.3 by arithmetic: layer, output shape, parameters, and which of them train.

    With `pooling="avg"` (without it today's Keras flattens 7 × 7 × 2048) the last five layers are a convolution, its
    batch normalization, the addition, the ReLU and the pooling; only the first two have parameters.
    """
    size, inputs, outputs, _ = convolutions()[-1]
    free = size * size * inputs * outputs + outputs + 2 * outputs
    backbone, dense = parameters(include_top=False), 2048 * classes + classes
    return [
        {"layer": "zero_padding2d", "output shape": "224, 224, 3", "parameters": 0, "train": 0},
        {"layer": "resnet50", "output shape": "2048", "parameters": backbone, "train": free},
        {"layer": "flatten", "output shape": "2048", "parameters": 0, "train": 0},
        {"layer": "dense", "output shape": str(classes), "parameters": dense, "train": dense},
    ]


def book_model(weights: str | None = None):
    """Listing 4.2 as a model, the last five layers of the backbone free; `weights=None` starts from random ones."""
    import keras
    from keras import layers

    pretrained_model = keras.applications.ResNet50(
        include_top=False, weights=weights, pooling="avg", input_shape=(INPUT_SIZE, INPUT_SIZE, 3)
    )
    for layer in pretrained_model.layers[0:-5]:
        layer.trainable = False
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.ZeroPadding2D((96, 96)),
            pretrained_model,
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
