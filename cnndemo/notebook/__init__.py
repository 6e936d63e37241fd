"""The notebook of a page: its code with the present settings, and all that this code needs, without the gallery.

A notebook holds the source of the functions that ran with what they call, the snippet of the page, its picture and the
weights of its networks; networks that are too large lie beside it in a ZIP archive. It runs in Jupyter and in Colab
with public packages alone.
"""

from __future__ import annotations

import ast
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cnndemo import gate, images, topics, weights
from cnndemo.notebook import files
from cnndemo.notebook.collecting import Collection, collect
from cnndemo.notebook.document import Cell, write
from cnndemo.notebook.modules import CannotCollect, Symbol, parsed, path
from cnndemo.weights import WeightsError

__all__ = ["CannotCollect", "Recipe", "Symbol", "make", "symbol"]

BOOK = "Convolutional Neural Networks with Python Quick Start Guide"
_HERE = "cnndemo.notebook.stand_ins"
_OURS = {
    "cnndemo.images": {name: name for name in ("SAMPLES_DIR", "load", "sample", "digit")},
    "cnndemo.weights": {"WEIGHTS_DIR": "WEIGHTS_DIR", "onnx_file": "onnx_file", "load": "load_model"},
    "cnndemo.models.efficientnet_lite0": {"labels": "labels"},
    "cnndemo.inference": {"predictor": "predictor", "function": "function", "load": "load_session"},
    "cnndemo.worker": {"ask": "ask", "steps": "steps"},
    "cnndemo.gate": {"turn": "turn"},
    "train.datasets.mnist": {"load": "mnist"},
}
#: What comes with a function that reads a file.
_BRINGS = {
    Symbol("cnndemo.images", "digits"): ("samples/digits_5k.npz", images.SAMPLES_DIR / "digits_5k.npz"),
    Symbol(_HERE, "labels"): ("samples/imagenet_labels.txt", files.ROOT / "cnndemo/models/imagenet_labels.txt"),
}
STAND_INS = {Symbol(home, old): Symbol(_HERE, new) for home, names in _OURS.items() for old, new in names.items()}
#: What is imported -> what is installed.
_PACKAGES = {
    "PIL": "pillow", "cv2": "opencv-python-headless<5", "keras": "keras", "tensorflow": "tensorflow", "scipy": "scipy",
}  # fmt: skip
_KERAS = {"keras", "tensorflow"}  # Keras runs on TensorFlow here
_NEEDS = """# Colab lacks one or two of these, a Jupyter of your own perhaps more: what is missing is installed.
import importlib.util
import subprocess
import sys

NEEDED = {needed!r}
missing = [package for module, package in NEEDED.items() if importlib.util.find_spec(module) is None]
if missing:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *missing], check=True)
print("installed:", ", ".join(missing) or "nothing, all is there")
"""


@dataclass(frozen=True)
class Recipe:
    """What is to be in a notebook.

    Attributes:
        stem: of the page.
        code: the page's snippet, as it runs beside the gallery.
        result: code that follows it and shows what came out.
        keras: code at the end that needs Keras.
        functions: what is shown in any case.
        networks: whose weights the code needs; see `files.of_networks`.
        own: what the code calls a picture of the visitor's -> the picture; put into the notebook if `with_own`.
        instead: code of the sample that stands in for it otherwise.
        title: of the notebook, if not the page's.
        words: on this notebook, for its first cell.
    """

    stem: str
    code: str
    result: str = ""
    keras: str = ""
    functions: Sequence[Symbol] = ()
    networks: Sequence[str] = ()
    own: Mapping[str, np.ndarray] = field(default_factory=dict)
    with_own: bool = False
    instead: str = 'images.sample("cat")'
    title: str = ""
    words: str = ""

    @property
    def beside(self) -> dict[str, Path]:
        """Files that are too large for the notebook."""
        return files.split(files.of_networks(self.networks))[1]

    @property
    def name(self) -> str:
        """Of the file: a notebook, or an archive with files beside it."""
        return f"{self.stem}.{'zip' if self.beside else 'ipynb'}"


def symbol(function: object) -> Symbol:
    """Where a function, a class or the class of a method is defined."""
    return Symbol(function.__module__, function.__qualname__.split(".")[0])


@gate.heavy
def make(recipe: Recipe) -> bytes:
    """The notebook, or a ZIP archive of it and its weights.

    Raises:
        CannotCollect: the code needs what only the gallery has.
    """
    notebook, beside = write(cells(recipe)), recipe.beside
    if not beside:
        return notebook
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{recipe.stem}.ipynb", notebook, zipfile.ZIP_DEFLATED)
        for name, file in beside.items():
            archive.write(file, name)  # weights cannot be packed any further
    return buffer.getvalue()


def cells(recipe: Recipe) -> list[Cell]:
    """The cells of a notebook, first to last."""
    codes = [_with_pictures(recipe, code) for code in (recipe.code, recipe.result, recipe.keras)]
    inside, beside = files.split(files.of_networks(recipe.networks))
    samples = _samples(codes)
    digits = _digits(codes)
    content = files.of_samples(samples) | files.of_digits(digits)
    if recipe.with_own:
        for name, image in zip(_own_names(recipe), recipe.own.values(), strict=True):
            content |= files.of_picture(name, image)
    content |= {name: file.read_bytes() for name, file in inside.items()}
    found = collect([files.UNPACK, *codes], recipe.functions, STAND_INS)
    content |= {name: file.read_bytes() for each, (name, file) in _BRINGS.items() if each in found.used}
    return [
        Cell("markdown", _first(recipe, samples, digits, beside, found)),
        Cell("code", _NEEDS.format(needed=_needed(found, recipe)), folded=True),
        *_functions(found, files.filled(found.cells[0], content, list(beside)) if content or beside else ""),
        *_code("## The code of the page, with its settings", found.cells[1]),
        *_code("## What comes out", found.cells[2]),
        *_code("## With Keras", "\n".join([*found.heavy, "", found.cells[3]]) if found.cells[3] else "", ("keras",)),
    ]


def _code(heading: str, code: str, tags: tuple[str, ...] = ()) -> list[Cell]:
    return [Cell("markdown", heading, tags), Cell("code", code, tags)] if code.strip() else []


def _functions(found: Collection, unpack: str) -> list[Cell]:
    """The cells with what was collected, a module each."""
    made = [Cell("code", "\n".join(["from __future__ import annotations", *found.imports]))]
    todo = dict(found.modules)
    text = _spaced(todo.pop(_HERE, []))
    if unpack or "\n" in text:
        made += [Cell("markdown", "## Files\nPictures and weights that the code below reads."), Cell("code", text)]
        made += [Cell("code", unpack, folded=True)] if unpack else []
    if todo:
        made.append(Cell("markdown", "## The functions\nThe source that the page runs, called functions first."))
    for module, statements in todo.items():
        file = path(module)
        about = ast.get_docstring(parsed(file.read_text(encoding="utf-8"))) or ""
        where = file.relative_to(files.ROOT).as_posix()
        made.append(Cell("markdown", f"### `{where}`\n{about.splitlines()[0] if about else ''}"))
        made.append(Cell("code", _spaced(statements)))
    return made


def _spaced(statements: Sequence[str]) -> str:
    """Statements of a module as they stand in a file: two lines between functions, none between constants."""
    text = ""
    for before, each in zip(["", *statements], statements, strict=False):
        large = any("\n" in part and re.search(r"^(@|def |class |async )", part, re.M) for part in (before, each))
        text += ("" if not text else "\n\n\n" if large else "\n") + each
    return text


def _needed(found: Collection, recipe: Recipe) -> dict[str, str]:
    packages = found.packages - (set() if recipe.keras else _KERAS)
    return {name: _PACKAGES.get(name, name) for name in sorted(packages)}


def _own_names(recipe: Recipe) -> list[str]:
    return [f"yours_{number}" for number in range(1, len(recipe.own) + 1)]


def _with_pictures(recipe: Recipe, code: str) -> str:
    """The code with pictures of the visitor's as pictures that the notebook brings, or a sample in their place."""
    for name, words in zip(_own_names(recipe), recipe.own, strict=True):
        code = code.replace(words, f'images.sample("{name}")' if recipe.with_own else recipe.instead)
    return code


def _samples(codes: Sequence[str]) -> list[str]:
    """The shipped pictures that code names."""
    words = {node.value for code in codes for node in ast.walk(parsed(code)) if isinstance(node, ast.Constant)}
    return [name for name in images.SAMPLES if name in words]


def _digits(codes: Sequence[str]) -> list[tuple[int, int]]:
    """The shipped digits that code names one by one: label and number."""
    called = re.findall(r"\bimages\.digit\((\d+), (\d+)\)", "\n".join(codes))
    return sorted({(int(label), int(number)) for label, number in called})


def _first(
    recipe: Recipe, samples: Sequence[str], digits: Sequence, beside: Mapping[str, Path], found: Collection
) -> str:
    """The words of the first cell: what this is, where it is from, whom to thank, what is not inside."""
    topic = topics.TOPICS[recipe.stem]
    book = f", {_sections(topic.book)} of the book *{BOOK}*" if topic.book else ""
    lines = [f"# {recipe.title or topic.title}", f"**{topic.question}** {recipe.words}".strip(), ""]
    lines.append(
        f"From the page “{topic.title}” of the gallery *How a CNN sees*{book}. The functions are those that the page "
        "runs, under the MIT licence; the settings are those that it showed. Run all cells from top to bottom."
    )
    lines.append("")
    if beside:
        names = ", ".join(f"`{name}` ({file.stat().st_size / 1e6:.1f} MB)" for name, file in beside.items())
        lines.append(
            f"**Beside this notebook:** {names}. They came in the same archive, since they are too large to be inside. "
            "Keep them in the folder `weights` beside the notebook; in Colab, upload them with the folder symbol at "
            "the left."
        )
    lines += [f"- Picture “{images.SAMPLES[name].caption}”: {images.SAMPLES[name].credit}." for name in samples]
    if recipe.own:
        lines.append(
            "- Your own picture is inside this file: whoever gets the file sees it."
            if recipe.with_own
            else "- Your own picture is not inside, a sample stands in for it. To take yours, put its file beside the "
            'notebook and write `np.array(Image.open("picture.jpg").convert("RGB"))` in the place of the sample.'
        )
    if digits or Symbol("cnndemo.images", "digits") in found.used:
        lines.append("- Digits: MNIST (LeCun, Cortes, Burges), CC BY-SA 3.0.")
    lines += [_credit(name) for name in dict.fromkeys(each.split(".")[0] for each in recipe.networks)]
    lines += [f"- Not in this notebook: `{name}`, since {why}." for name, why in found.left_out.items()]
    return "\n".join(lines)


def _sections(book: str) -> str:
    return f"section{'s' if {',', '–'} & set(book) else ''} {book}"


def _credit(name: str) -> str:
    """Where the weights of a network are from."""
    try:
        about = weights.card(name)
    except WeightsError as error:
        return f"- Network `{name}`: {error}"
    data, source = about.get("data") or {}, about.get("source") or {}
    parts = [
        f"{about['parameters']:,} parameters",
        f"trained on {data['name']}" if data.get("name") else "",
        f"data: {data['licence']}" if data.get("licence") else "",
        f"weights: {source['licence']}" if source.get("licence") else "",
    ]
    return f"- Network `{name}`: {'; '.join(filter(None, parts))}."
