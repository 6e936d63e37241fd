"""Shipped weights: a name -> the built, loaded and verified model. The model cards are the only source of figures."""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from cnndemo.errors import VisitorError

WEIGHTS_DIR = Path(os.environ.get("CNNDEMO_WEIGHTS", Path(__file__).resolve().parent.parent / "weights"))

# Networks that a script makes beside the one of its own name, and how it is asked for them.
_MADE_BY = {
    "cifar10_transfer_padded": "cifar10_transfer",
    "face_landmarks": "face_embedding",
    "siamese_holdout": "siamese --hold-out 7",
    "tiny_face_detector": "face_embedding",
    "triplet_holdout": "triplet --hold-out 7",
}


class WeightsError(VisitorError):
    """A weights file is missing or broken; the message names the command that makes it."""


def names() -> list[str]:
    """Names of the models that have a card."""
    return sorted(file.stem for file in WEIGHTS_DIR.glob("*.json"))


def path(name: str) -> Path:
    """Where the weights of a model lie."""
    return WEIGHTS_DIR / f"{name}.weights.h5"


def card(name: str) -> dict[str, Any]:
    """The model card of `name`.

    Raises:
        WeightsError: there is no card, or it cannot be read.
    """
    try:
        return json.loads((WEIGHTS_DIR / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        raise WeightsError(f"The card of the network “{name}” is missing. Make it with: {command(name)}") from None


def stages(about: dict[str, Any]) -> list[dict[str, Any]]:
    """The trainings behind a card, first to last: one may have gone on from the weights of another."""
    earlier = about.get("started_from")
    return [*(stages(earlier) if earlier else []), about]


def command(name: str) -> str:
    """The shortest command that makes a network; the card of one that is there names all its options."""
    return f"python -m train.{_MADE_BY.get(name, name)}"


def history(name: str) -> list[dict[str, float]]:
    """The log of the training of `name`, one dict an epoch; empty without the file."""
    file = WEIGHTS_DIR / f"{name}.history.csv"
    if not file.is_file():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(stream)]


def build(name: str):
    """The untrained `keras.Model` that the card of `name` describes."""
    about = card(name)
    module, function = about["builder"].split(":")
    if not module.startswith("cnndemo.models."):
        raise WeightsError(f"The card of “{name}” names a builder outside cnndemo.models.")
    return getattr(importlib.import_module(module), function)(**about.get("builder_arguments", {}))


def load(name: str):
    """Build a model, verify the hash of its weights, load them.

    Returns:
        A `keras.Model` in float32, ready for inference.

    Raises:
        WeightsError: file or card missing, hash wrong, or the file does not fit the architecture.
    """
    about = card(name)
    file = path(name)
    if not file.is_file():
        raise WeightsError(f"The weights of “{name}” are missing. Make them with: {about['command']}")
    if sha256(file) != about["sha256"]:
        raise WeightsError(f"The weights of “{name}” are damaged. Make them again with: {about['command']}")
    model = build(name)
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError):
        raise WeightsError(
            f"The weights of “{name}” do not fit its network. Make them with: {about['command']}"
        ) from None
    return model


def save(model, name: str, about: dict[str, Any], dtype: str = "float16", folder: Path | None = None) -> Path:
    """Write the weights, compressed and in `dtype`, and their card beside them.

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
    model.save_weights(file)
    _compact(file, dtype)
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
    text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
    ((folder or WEIGHTS_DIR) / f"{name}.json").write_text(text, encoding="utf-8")


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
