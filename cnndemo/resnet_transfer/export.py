"""The visitor's network as a file of its own: backbone and head in one flat Keras model, and back again."""

from __future__ import annotations

import io
import json
import math
import re
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.models import efficientnet_lite0
from cnndemo.resnet_transfer.teaching import MAX_CLASSES, Head

CLASSES_ENTRY, LEARNED_ENTRY = "gallery/classes.json", "gallery/learned.npz"
MAX_BYTES = 60_000_000  # that any entry, and all arrays together, may unpack to
MAX_TEXT = 10_000  # bytes of the list of classes
MAX_ARRAYS = 500
MAX_NAME = 80  # letters of a class's name
LAMBDA = re.compile(rb"\bLambda\b")
ARRAY = re.compile(r"kernel|bias|tail_\d{3}")


def whole_model(head: Head, tail: Sequence[np.ndarray] | None = None):
    """EfficientNet-Lite0 whose 1000-way head is replaced: one flat functional model of Keras' own layers.

    Args:
        head: the trained layer.
        tail: weights of the last block when that was fine-tuned too (see `finetune`).
    """
    from cnndemo import weights
    from cnndemo.resnet_transfer import finetune

    shipped = weights.load("efficientnet_lite0")
    model = efficientnet_lite0.build(classes=len(head.classes))
    for layer in model.layers:
        if layer.weights and layer.name != "logits":
            layer.set_weights(shipped.get_layer(layer.name).get_weights())
    if tail is not None:
        finetune.set_tail(model, tail)
    model.get_layer("logits").set_weights([head.kernel, head.bias])
    return model


def keras_file(head: Head, tail: Sequence[np.ndarray] | None = None) -> bytes:
    """The whole model in Keras' own format; `keras.models.load_model` reads it with nothing of the gallery installed.

    Beside Keras' entries the archive carries the class names and the learned arrays once more, so that the gallery can
    load it back without executing anything that an uploaded file says.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        whole_model(head, tail).save(path)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(CLASSES_ENTRY, json.dumps(list(head.classes)))
            buffer = io.BytesIO()
            arrays = {f"tail_{number:03d}": array for number, array in enumerate(tail or ())}
            np.savez_compressed(buffer, kernel=head.kernel, bias=head.bias, **arrays)
            archive.writestr(LEARNED_ENTRY, buffer.getvalue())
        return path.read_bytes()


def load_back(data: bytes) -> tuple[Head, list[np.ndarray] | None]:
    """The head, and the fine-tuned block if there is one, of a file made by `keras_file`.

    Keras' part of the file is not even opened: only names and arrays are read, and no code runs.

    Raises:
        VisitorError: another kind of file, a Lambda layer in it, another architecture, or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
                raise VisitorError("This file is too large to come from this page.")
            if "config.json" in names and LAMBDA.search(_checked_json(archive)):
                raise VisitorError(
                    "This model has a Lambda layer: program code that would run on this server, so it is refused."
                )
            if CLASSES_ENTRY not in names or LEARNED_ENTRY not in names:
                raise VisitorError("This model was not made on this page; only those can be loaded back.")
            classes = json.loads(_read(archive, CLASSES_ENTRY, MAX_TEXT))
            arrays = _arrays(_read(archive, LEARNED_ENTRY))
    except VisitorError:
        raise
    except Exception:  # a hostile archive can fail anywhere in zipfile, json or NumPy's reader
        raise VisitorError("This file is not a model of this page, or it is damaged.") from None
    return _checked(classes, arrays)


def _read(archive: zipfile.ZipFile, name: str, most: int = MAX_BYTES) -> bytes:
    """An entry, unless the archive's list says that it unpacks to more; zipfile never gives more than the list says."""
    if archive.getinfo(name).file_size > most:
        raise VisitorError("This file unpacks to far more than a model of this page has, so it is refused.")
    return archive.read(name)


def _checked_json(archive: zipfile.ZipFile) -> bytes:
    """Keras' description of the model, which is never built from it."""
    config = _read(archive, "config.json")
    json.loads(config)
    return config


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an .npz that belong to a model of this page; counted before any of them is unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if len(sizes) > MAX_ARRAYS or sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise VisitorError("This file unpacks to far more than a model of this page has, so it is refused.")
        for name, size in sizes.items():
            with archive.open(name) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(stream)
            if math.prod(shape) * dtype.itemsize > size:
                raise VisitorError("The arrays in this file are not what they claim to be.")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files if ARRAY.fullmatch(name)}


def _checked(classes, arrays: dict[str, np.ndarray]) -> tuple[Head, list[np.ndarray] | None]:
    from cnndemo.resnet_transfer import finetune

    names_fit = isinstance(classes, list) and all(isinstance(name, str) and _fits(name) for name in classes)
    if not names_fit or not 2 <= len(classes) <= MAX_CLASSES or len(set(classes)) < len(classes):
        raise VisitorError("This model's list of classes cannot be used here.")
    kernel, bias = arrays.get("kernel"), arrays.get("bias")
    shapes = (efficientnet_lite0.FEATURES, len(classes)), (len(classes),)
    for array, shape in zip((kernel, bias), shapes, strict=True):
        if array is None or array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
            raise VisitorError("The head in this file does not fit the network of this page.")
    tail = [arrays[name].astype(np.float32) for name in sorted(arrays) if name.startswith("tail_")] or None
    if tail is not None and [array.shape for array in tail] != finetune.tail_shapes():
        raise VisitorError("The fine-tuned block in this file does not fit the network of this page.")
    return Head(tuple(classes), kernel.astype(np.float32), bias.astype(np.float32)), tail


def _fits(name: str) -> bool:
    return bool(name.strip()) and len(name) <= MAX_NAME and name.isprintable()


def script(classes: Sequence[str]) -> str:
    """A program that names pictures with the downloaded model; it needs Keras, NumPy and Pillow, not the gallery."""
    return f'''"""Names pictures with model.keras:  python predict.py picture.jpg ..."""

import sys

import keras
import numpy as np
from PIL import Image, ImageOps

CLASSES = {list(classes)!r}

model = keras.models.load_model("model.keras")
for name in sys.argv[1:]:
    picture = ImageOps.exif_transpose(Image.open(name)).convert("RGB")
    # The network sees the central square of 224/256 of the short side, scaled to 224 pixels.
    side = max(1, int(min(picture.size) * 224 / 256))
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC)
    probabilities = np.asarray(model(np.asarray(square, np.float32)[None]))[0]
    order = np.argsort(-probabilities)
    print(name, ", ".join(f"{{CLASSES[i]}} {{probabilities[i]:.1%}}" for i in order))
'''
