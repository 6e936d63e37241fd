"""What takes the place of the gallery's server in a notebook: files lie in one folder, and nobody else waits."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

_FOLDER = tempfile.TemporaryDirectory(prefix="cnn-notebook-")  # for the files that this notebook brings
FOLDER = Path(_FOLDER.name)
SAMPLES_DIR, WEIGHTS_DIR = FOLDER / "samples", FOLDER / "weights"


def load(data: bytes) -> np.ndarray:
    """A picture from the bytes of its file: uint8 (height, width, 3), RGB, upright."""
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def sample(name: str) -> np.ndarray:
    """A picture that this notebook brings: uint8 (height, width, 3), RGB."""
    return load(next(SAMPLES_DIR.glob(f"{name}.*")).read_bytes())


def digit(label: int, number: int) -> np.ndarray:
    """An example of a digit that this notebook brings: uint8 (28, 28), white on black."""
    return np.array(Image.open(SAMPLES_DIR / f"digit_{label}_{number}.png"))


def load_session(source: Path | bytes, name: str) -> Any:
    """A network in ONNX Runtime, from its file or from the bytes of one."""
    import onnxruntime

    return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])


def labels() -> tuple[str, ...]:
    """The thousand classes of ImageNet."""
    lines = (SAMPLES_DIR / "imagenet_labels.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.split(",")[0] for line in lines if not line.startswith("#"))


def mnist(data_dir: Path | None, validation: int = 0, seed: int = 0) -> tuple[Any, ...]:
    """MNIST, downloaded by Keras: training split, nothing held out of it, test split."""
    import keras

    (x, y), test = keras.datasets.mnist.load_data()
    return (x, y), (x[:0], y[:0]), test


def onnx_file(name: str, part: str = "", folder: Path | None = None) -> Path:
    """Where the file of a network lies."""
    return (folder or WEIGHTS_DIR) / f"{name}{part and '.' + part}.onnx"


def load_model(name: str) -> Any:
    """A network that this notebook brings, in Keras."""
    from cnndemo.models import efficientnet_lite0

    if name != "efficientnet_lite0":
        raise ValueError(f"This notebook has no builder of “{name}”.")
    model = efficientnet_lite0.build()
    model.load_weights(WEIGHTS_DIR / f"{name}.weights.h5")
    return model


@lru_cache(maxsize=8)
def session(name: str, part: str = "") -> Any:
    """A network that this notebook brings, in ONNX Runtime."""
    return load_session(onnx_file(name, part), name)


def function(session: Any, outputs: Sequence[str] | None = None, name: str = "") -> Callable[..., Any]:
    """A network as a function: arrays in, arrays out; a dict of arrays where `outputs` names layers."""
    known = [output.name for output in session.get_outputs()]
    wanted = ["output"] if outputs is None else list(outputs)
    if unknown := [layer for layer in wanted if layer not in known]:
        raise ValueError(f"Layers {unknown} are not served of “{name}”; there are {known}.")
    source, *others = session.get_inputs()
    given = {value.name: np.ones([1, *value.shape[1:]], np.float32) for value in others}

    def predict(batch: np.ndarray, **more: np.ndarray) -> Any:
        inputs = given | {source.name: batch} | more
        found = session.run(wanted, {key: np.ascontiguousarray(each, np.float32) for key, each in inputs.items()})
        return found[0] if outputs is None else dict(zip(wanted, found, strict=True))

    return predict


def predictor(name: str, outputs: Sequence[str] | None = None, part: str = "") -> Callable[..., Any]:
    """A network that this notebook brings, as a function."""
    return function(session(name, part), outputs, name)


def ask(job: Callable, *arguments: Any, waiting: Callable[[], None] | None = None) -> Any:
    """Call a function that needs Keras; the gallery does so in another process."""
    return job(*arguments)


def steps(job: Callable, *arguments: Any, waiting: Callable[[], None] | None = None) -> Iterator[Any]:
    """Call a function that tells how far it is; what it told comes when it has ended."""
    told: list[Any] = []
    result = job(*arguments, tell=told.append)
    yield from told
    if result is not None:
        yield result


@contextmanager
def turn() -> Iterator[None]:
    """In the gallery, visitors take turns here; a notebook has no visitors."""
    yield
