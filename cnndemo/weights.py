"""Shipped weights: a name -> the built, loaded and verified model. The model cards are the only source of figures."""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cnndemo.errors import VisitorError

WEIGHTS_DIR = Path(os.environ.get("CNNDEMO_WEIGHTS", Path(__file__).resolve().parent.parent / "weights"))

# Networks that a script makes beside the one of its own name, and how it is asked for them.
_MADE_BY = {
    "cifar10_transfer_padded": "cifar10_transfer",
    "digit_classifier.filters": "filter_images digit_classifier",
    "efficientnet_lite0.filters": "filter_images efficientnet_lite0",
    "efficientnet_lite0.near": "near_pets",
    "face_landmarks": "face_embedding",
    "pet_segmentation.near": "near_pets",
    "resnet20.near": "near_pets",
    "siamese_holdout": "siamese --hold-out 7",
    "tiny_face_detector": "face_embedding",
    "triplet_holdout": "triplet --hold-out 7",
}


class WeightsError(VisitorError):
    """A weights file is missing or broken; the message names the command that makes it."""


def names(folder: Path | None = None) -> list[str]:
    """Names of the models that have a card; what lies beside a model has a dot in its stem."""
    return sorted(file.stem for file in (folder or WEIGHTS_DIR).glob("*.json") if "." not in file.stem)


def path(name: str, folder: Path | None = None) -> Path:
    """Where the weights of a model lie."""
    return (folder or WEIGHTS_DIR) / f"{name}.weights.h5"


def card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The model card of `name`, in `weights/` or another folder.

    Raises:
        WeightsError: there is no card, or it cannot be read.
    """
    try:
        return json.loads(((folder or WEIGHTS_DIR) / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        raise WeightsError(f"The card of the network “{name}” is missing. Make it with: {command(name)}") from None


def stages(about: dict[str, Any]) -> list[dict[str, Any]]:
    """The trainings behind a card, first to last: one may have gone on from the weights of another."""
    earlier = about.get("started_from")
    return [*(stages(earlier) if earlier else []), about]


def commands(about: dict[str, Any]) -> list[str]:
    """What was typed to make a network and the figures of its card, in this order."""
    measured = [about["measured"]["command"]] if "measured" in about else []
    return [*(stage["command"] for stage in stages(about)), *measured]


def command(name: str) -> str:
    """The shortest command that makes a network; the card of one that is there names all its options."""
    return f"python -m train.{_MADE_BY.get(name, name)} --publish"


def history(name: str, folder: Path | None = None) -> list[dict[str, float]]:
    """The log of the training of `name`, one dict an epoch; empty without the file."""
    file = (folder or WEIGHTS_DIR) / f"{name}.history.csv"
    if not file.is_file():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(stream)]


def build(name: str, folder: Path | None = None):
    """The untrained `keras.Model` that the card of `name` describes."""
    about = card(name, folder)
    module, function = about["builder"].split(":")
    if not module.startswith("cnndemo.models."):
        raise WeightsError(f"The card of “{name}” names a builder outside cnndemo.models.")
    return getattr(importlib.import_module(module), function)(**about.get("builder_arguments", {}))


def load(name: str, folder: Path | None = None):
    """Build a model, verify the hash of its weights, load them.

    Returns:
        A `keras.Model` in float32, ready for inference.

    Raises:
        WeightsError: file or card missing, hash wrong, or the file does not fit the architecture.
    """
    about = card(name, folder)
    file = path(name, folder)
    if not file.is_file():
        raise WeightsError(f"The weights of “{name}” are missing. Make them with: {about['command']}")
    if sha256(file) != about["sha256"]:
        raise WeightsError(f"The weights of “{name}” are damaged. Make them again with: {about['command']}")
    model = build(name, folder)
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError):
        raise WeightsError(
            f"The weights of “{name}” do not fit its network. Make them with: {about['command']}"
        ) from None
    return model


def onnx_file(name: str, part: str = "", folder: Path | None = None) -> Path:
    """The network as visitors are served with it, or a part of it such as "decoder": a file, verified.

    Raises:
        WeightsError: file or card missing, or the hash is not the card's.
    """
    about = card(name, folder)
    file = (folder or WEIGHTS_DIR) / f"{name}{part and '.' + part}.onnx"
    try:
        found = sha256(file)
    except OSError:
        raise WeightsError(f"The weights of “{name}” are missing. Make them with: {about['command']}") from None
    if found != about.get(f"onnx{part and '_' + part}", {}).get("sha256"):
        raise WeightsError(f"The weights of “{name}” are damaged. Make them again with: {about['command']}")
    return file


@dataclass(frozen=True)
class Layer:
    """What a page tells of a layer.

    Attributes:
        name, type: its own, and that of its Keras class.
        shape: of its output; None for the batch.
        parameters: how many numbers were learned, and how many are kept.
        arrays: where they lie in the weights file.
    """

    name: str
    type: str
    shape: tuple[int | None, ...]
    parameters: int
    arrays: tuple[str, ...]


def layers(name: str) -> tuple[Layer, ...]:
    """The layers of a network, first to last, without Keras.

    Raises:
        WeightsError: the list is missing or broken.
    """
    try:
        rows = json.loads((WEIGHTS_DIR / f"{name}.layers.json").read_text(encoding="utf-8"))
        return tuple(
            Layer(row["name"], row["type"], tuple(row["shape"]), row["parameters"], tuple(row["arrays"]))
            for row in rows
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError):
        raise WeightsError(f"The list of the layers of “{name}” is missing. Make it with: {command(name)}") from None


def arrays(name: str, layer: str) -> tuple[np.ndarray, ...]:
    """The weights of one layer as Keras has them, float32, without Keras: kernel first, then bias.

    Raises:
        WeightsError: a file is missing or broken.
        KeyError: there is no such layer.
    """
    import h5py

    found = {each.name: each for each in layers(name)}[layer]
    try:
        with h5py.File(path(name)) as file:
            return tuple(np.asarray(file[place][()], np.float32) for place in found.arrays)
    except (OSError, KeyError):
        raise WeightsError(
            f"The weights of “{name}” are damaged. Make them again with: {card(name)['command']}"
        ) from None


def save(model, name: str, about: dict[str, Any], dtype: str = "float16", folder: Path | None = None) -> Path:
    """Write the weights, compressed and in `dtype`, and their card beside them, each whole or not at all.

    Args:
        model: a built `keras.Model`.
        name: name of the model; the files are `<name>.weights.h5` and `<name>.json`.
        about: the card; `file`, `sha256`, `dtype`, `bytes` and `parameters` are filled in here.
        dtype: float16 where that costs no accuracy, else float32.
        folder: where to write; default `weights/`.

    Returns:
        The path of the weights file.
    """
    folder = folder or WEIGHTS_DIR
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.weights.h5"
    with whole(file) as part:
        model.save_weights(part)
        _compact(part, dtype)
    about = about | {
        "file": file.name,
        "sha256": sha256(file),
        "bytes": file.stat().st_size,
        "dtype": dtype,
        "parameters": int(model.count_params()),
    }
    write_card(name, about, folder)
    return file


def write_card(name: str, about: dict[str, Any], folder: Path | None = None) -> None:
    """Write the card of `name` into `folder`, by default `weights/`."""
    with whole((folder or WEIGHTS_DIR) / f"{name}.json") as part:
        part.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def whole(file: Path) -> Iterator[Path]:
    """A path to write to, whose file takes the place of `file` when the block ends well and is removed when not.

    It has the same name in a folder of its own, so that whoever lists the folder never meets half a file.
    """
    with tempfile.TemporaryDirectory(prefix=".part-", dir=file.parent) as scratch:
        part = Path(scratch) / file.name
        yield part
        part.replace(file)


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _compact(file: Path, dtype: str) -> None:
    """Rewrite a Keras weights file with every float array cast to `dtype`, shuffled and gzipped; no timestamps."""
    import h5py

    smaller = file.with_suffix(".tmp")
    with h5py.File(file, "r") as source, h5py.File(smaller, "w") as target:

        def copy(key: str, item) -> None:
            if key.split("/")[0] == "optimizer":  # a trained model carries its optimizer's state along
                return
            if isinstance(item, h5py.Group):
                group = target.require_group(key)
                group.attrs.update(item.attrs)
                return
            values = item[()]
            if isinstance(values, np.ndarray) and values.dtype.kind == "f":
                values = values.astype(dtype)
            packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if np.size(values) > 1 else {}
            target.create_dataset(key, data=values, **packing).attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    smaller.replace(file)
