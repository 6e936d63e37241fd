"""The files that a notebook brings: pictures and small networks inside it, large networks beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cnndemo import images, weights

INSIDE = 1_000_000  # bytes of weights that a notebook holds itself; what is larger lies beside it
ROOT = Path(__file__).resolve().parents[2]
_LOSSLESS = 300_000  # bytes up to which a visitor's picture is kept pixel by pixel

_NONE = "FILES: dict[str, str] = {}"

#: The cell that unpacks them, before it holds any.
UNPACK = f'''# @title Files of this notebook {{ display-mode: "form" }}
import base64
import shutil
from pathlib import Path

from cnndemo.notebook.stand_ins import FOLDER

{_NONE}
BESIDE: list[str] = []


def unpack() -> list[str]:
    """Write the files of this notebook into a folder, and those that lie beside it; their names."""
    for name in (*FILES, *BESIDE):
        file = FOLDER / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name in FILES:
            file.write_bytes(base64.b64decode(FILES[name]))
            continue
        found = [place for place in (Path(name), Path(Path(name).name)) if place.is_file()]
        if not found:
            raise FileNotFoundError(f"Put {{name}} of the download beside this notebook; in Colab, upload it.")
        shutil.copy(found[0], file)
    return sorted([*FILES, *BESIDE])


print(*unpack(), sep="\\n")
'''


def of_networks(names: Sequence[str]) -> dict[str, Path]:
    """Name in the notebook's folder -> file: the networks with their cards.

    Args:
        names: of networks; "digit_classifier.weights.h5" and "pet_segmentation.decoder.onnx" name one more file each.
    """
    found: dict[str, Path] = {}
    for name in names:
        stem = name.split(".")[0]
        more = [name] if "." in name else [f"{name}.onnx"]
        for file in (f"{stem}.json", f"{stem}.layers.json", *more):
            if (weights.WEIGHTS_DIR / file).is_file():
                found[f"weights/{file}"] = weights.WEIGHTS_DIR / file
    return found


def split(files: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Those that a notebook holds itself, and those that lie beside it: the largest first go out."""
    inside, beside = dict(files), {}
    for name in sorted(files, key=lambda name: files[name].stat().st_size, reverse=True):
        if sum(file.stat().st_size for file in inside.values()) > INSIDE:
            beside[name] = inside.pop(name)
    return inside, beside


def of_samples(names: Sequence[str]) -> dict[str, bytes]:
    """The shipped pictures of these names, as they ship."""
    return {f"samples/{name}.jpg": (images.SAMPLES_DIR / f"{name}.jpg").read_bytes() for name in names}


def of_picture(name: str, image: np.ndarray) -> dict[str, bytes]:
    """A picture of the visitor's: PNG if that is small, else a JPEG of good quality."""
    data = images.png(image)
    if len(data) <= _LOSSLESS:
        return {f"samples/{name}.png": data}
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92)
    return {f"samples/{name}.jpg": buffer.getvalue()}


def of_digits(digits: Sequence[tuple[int, int]]) -> dict[str, bytes]:
    """Single shipped digits, each given as its label and its number."""
    return {f"samples/digit_{label}_{n}.png": images.png(images.digit(label, n)) for label, n in digits}


def filled(code: str, inside: Mapping[str, bytes], beside: Sequence[str]) -> str:
    """The cell that unpacks them, with their content."""
    lines = [f'    "{name}": "{base64.b64encode(data).decode()}",\n' for name, data in inside.items()]
    code = code.replace(_NONE, "FILES = {  # name -> content in base64\n" + "".join(lines) + "}")
    return code.replace("BESIDE: list[str] = []", f"BESIDE = {list(beside)}  # what is too large to be inside")
