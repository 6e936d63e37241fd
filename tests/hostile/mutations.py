"""Files that were whole once, and what becomes of them in hostile hands: strategies for hypothesis, and the corpus."""

from __future__ import annotations

import base64
import copy
import io
import json
import tempfile
import unicodedata
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
from google.protobuf import json_format
from hypothesis import reject
from hypothesis import strategies as st
from PIL import Image

from cnndemo import augmentation, decoding, weights
from cnndemo.face_verification.gallery import Gallery
from tests.conftest import encode
from tests.unit.test_architectures_own import residual, saved
from tests.unit.test_decoding import HEIC

HTML = "<script>alert(1)</script><img src=http://evil.example/a.png onerror=alert(1)>"
MARKDOWN = "![m](http://evil.example/m.png) [here](http://evil.example) **bold** `code` $x$ :red[no]"
BACKWARDS = "holiday\u202egnp.exe\u2066\u200f"
NAMES = (
    HTML,
    MARKDOWN,
    BACKWARDS,
    "n" * 4000,
    "\x00\x1b[2J\r\n",
    "../../etc/passwd",
    "{0.__class__}",
    "%s%n",
    "😀" * 70,
)
ACTIVE = ("](", "<", "`", "![", "$")

CHANGES = ("flip", "large", "zero", "cut", "drop", "repeat", "insert", "splice")
LEAVES = (
    None, True, -1, 0, 10**30, 1e308, float("nan"), float("inf"), "", [], {}, [[[[]]]], *NAMES,
)  # fmt: skip
#: Names and sizes that a network's description may have in the wrong place.
PARTS = (
    "Lambda", "__lambda__", "function", "Dense", "Functional", "Dense.build", "mine>Dense", "TFSMLayer", "get_file",
    "os", "keras.utils", "keras.config", "keras.layers", "keras.src.ops.numpy", "__numpy__", "class_name", "relu",
    "Conv", "Loop", "Resize", "float64", 1, 2, 3, 7, 1024, 2**31 - 1, 2**31, 2**62,
)  # fmt: skip
DEEP = (5, 60, 150)  # lists around a value
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


Files = Callable[[], dict[str, bytes]]  # makes the files of a corpus by their names, once one is needed


def change(data: bytearray, kind: str, where: float, value: int, other: bytes) -> bytearray:
    """One change of a file; `where` in [0, 1), `value` of 32 bits."""
    at = int(where * (len(data) + 1))
    size = 1 + value % max(1, min(len(data), 2000))
    if kind == "flip" and at < len(data):
        data[at] ^= 1 << value % 8
    elif kind == "large":
        data[at : at + 4] = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")[value % 3]
    elif kind == "zero":
        data[at : at + 4] = bytes(4)
    elif kind == "cut":
        del data[at:]
    elif kind == "drop":
        del data[at : at + size]
    elif kind == "repeat":
        data[at:at] = data[at : at + size]
    elif kind == "insert":
        data[at:at] = value.to_bytes(4, "big")
    elif kind == "splice":
        data[at:] = other[int(where * len(other)) :]
    return data


@st.composite
def damaged(draw, files: Files) -> tuple[str, bytes]:
    """The name of a file of the corpus, and what became of it."""
    corpus = files()
    name = draw(st.sampled_from(sorted(corpus)))
    return name, _damage(draw, corpus[name], corpus)


def _damage(draw, data: bytes, corpus: dict[str, bytes]) -> bytes:
    """Bytes after one to six changes; a splice takes the end of one of the corpus."""
    data = bytearray(data)
    changes = st.tuples(
        st.sampled_from(CHANGES),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 2**32 - 1),
        st.sampled_from(sorted(corpus)),
    )
    for kind, where, value, other in draw(st.lists(changes, min_size=1, max_size=6)):
        data = change(data, kind, where, value, corpus[other])
    return bytes(data)


@st.composite
def repacked(draw, files: Files) -> tuple[str, bytes]:
    """A whole archive of which entries are lacking, double, empty, renamed, exchanged or damaged."""
    corpus = files()
    name = draw(st.sampled_from(sorted(corpus)))
    entries = list(unzipped(corpus[name]).items())
    others = [other for other, _ in entries] + [other for other in NAMES if "\x00" not in other]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(entries) - 1))
        (entry, data), what = entries[at], draw(st.integers(0, 7))
        if what == 0 and len(entries) > 1:
            del entries[at]
        elif what == 1:
            entries.append((entry, _damage(draw, data, corpus)))
        elif what == 2:
            entries[at] = draw(st.sampled_from(others)), data
        elif what == 3:
            entries[at] = entry, draw(st.sampled_from(entries))[1]
        elif what == 4:
            entries[at] = entry, b""
        else:
            entries[at] = entry, _damage(draw, data, corpus)
    return name, zipped(entries, draw(st.sampled_from(PACKINGS)))


@st.composite
def altered(draw, documents: Callable[[], dict[str, object]], leaves: tuple = ()) -> tuple[str, bytes]:
    """A JSON document of which some values, keys or elements are others, perhaps of `leaves`."""
    there = documents()
    name = draw(st.sampled_from(sorted(there)))
    document = json.loads(json.dumps(there[name]))
    for _ in range(draw(st.integers(1, 4))):
        document = _alter(draw, document, leaves)
    return name, json.dumps(document).encode()


def _alter(draw, document: object, leaves: tuple) -> object:
    """The document after one change: of something near its root, or of anything in it."""
    places = _places(document)
    if not places or draw(st.integers(0, 19)) == 0:
        return _instead(draw, document, leaves)
    near, any_ = (st.integers(0, min(len(places), most) - 1) for most in (20, len(places)))
    (container, key), what = places[draw(near | any_)], draw(st.integers(0, 6))
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, dict):
        container[draw(st.sampled_from(NAMES))] = container[key]
    elif what == 1:
        container *= draw(st.sampled_from((2, 30))) if len(places) < 5000 else 1
    else:
        container[key] = _instead(draw, container[key], leaves)
    return document


def _places(document: object) -> list[tuple[dict | list, str | int]]:
    """Everything in a document as what holds it and under which key, from its root outwards."""
    places, holders = [], deque([document])
    while holders:
        holder = holders.popleft()
        if isinstance(holder, dict | list):
            places += [(holder, key) for key in (sorted(holder) if isinstance(holder, dict) else range(len(holder)))]
            holders += holder.values() if isinstance(holder, dict) else holder
    return places


def _instead(draw, value: object, leaves: tuple) -> object:
    """What stands in a value's place: something else, or the value deep within lists."""
    leaf = st.one_of(
        st.sampled_from(LEAVES), st.text(max_size=30), st.floats(), st.integers(),
        st.sampled_from(DEEP).map(lambda depth: _wrapped(value, depth)),
        *[st.sampled_from(leaves)] * 2 * bool(leaves),
    )  # fmt: skip
    return copy.deepcopy(draw(leaf))  # or one that is altered later would be altered for all


def _wrapped(value: object, depth: int) -> object:
    """A value within so many lists."""
    for _ in range(depth):
        value = [value]
    return value


def harmless(words: str) -> bool:
    """Whether a text can be shown as Markdown: no picture of another host, no link, no code, nothing unseen."""
    return not any(part in words for part in ACTIVE) and not any(
        unicodedata.category(letter)[0] == "C" for letter in words
    )


@cache
def pictures() -> dict[str, bytes]:
    """Small pictures of every kind that is read."""
    rows, columns = np.mgrid[0:24, 0:32]
    photo = np.stack([rows * 10, columns * 8, (rows + columns) * 4], axis=-1).astype(np.uint8)
    picture = Image.fromarray(photo)
    clear = Image.fromarray(np.dstack([photo, columns * 8]).astype(np.uint8))
    deep = Image.fromarray((columns * 2000).astype(np.uint16))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "words " * 20
    floats = Image.fromarray(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30))
    found = {
        "png": encode(picture, "PNG"), "alpha.png": encode(clear, "PNG"), "deep.png": encode(deep, "PNG"),
        "palette.png": encode(picture.quantize(16), "PNG", transparency=0),
        "jpeg": encode(picture, "JPEG", exif=exif, icc_profile=_profile()),
        "progressive.jpg": encode(picture, "JPEG", progressive=True),
        "cmyk.jpg": encode(picture.convert("CMYK"), "JPEG"),
        "webp": encode(picture, "WEBP"), "lossless.webp": encode(clear, "WEBP", lossless=True),
        "avif": encode(picture, "AVIF"), "bmp": encode(picture, "BMP"), "one.bmp": encode(picture.convert("1"), "BMP"),
        "gif": encode(picture, "GIF", save_all=True, append_images=[picture.rotate(90)]),
        "tiff": encode(picture, "TIFF"), "lzw.tiff": encode(picture, "TIFF", compression="tiff_lzw"),
        "deflate.tiff": encode(deep, "TIFF", compression="tiff_adobe_deflate"), "float.tiff": encode(floats, "TIFF"),
        "jpeg.tiff": encode(picture, "TIFF", compression="jpeg"),
    }  # fmt: skip
    if decoding.HEIF:
        found["heic"] = base64.b64decode(HEIC)
    return found


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def zipped(entries: Iterable[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these entries, in which one name may stand twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive, warnings.catch_warnings(action="ignore"):
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@cache
def archives() -> dict[str, bytes]:
    """ZIPs of class folders."""
    png, jpeg = pictures()["png"], pictures()["jpeg"]
    named = {
        f"{'cat' if number % 2 else name}/{number}.png": png for number, name in enumerate(NAMES) if "\x00" not in name
    }
    splits = {f"{split}/{label}/1.jpg": jpeg for split in ("train", "val") for label in "ab"}
    return {
        "plain": zipped({"cat/1.png": png, "dog/1.jpg": jpeg, "dog/2.png": png}.items()),
        "stored": zipped({"cat/1.png": png, "dog/1.jpg": jpeg}.items(), zipfile.ZIP_STORED),
        "splits": zipped(splits.items()),
        "names": zipped(named.items()),
        "lzma": zipped({"a/1.png": png, "b/1.png": png}.items(), zipfile.ZIP_LZMA),
    }


@cache
def people() -> dict[str, object]:
    """Exports of the door."""
    gallery, random = Gallery(), np.random.default_rng(0)
    for name in ("Ann", "Ben", "Żółć", "李小龍"):
        gallery.enrol(name, random.normal(0, 0.1, 128))
    return {"people": json.loads(gallery.export()), "nobody": json.loads(Gallery().export())}


@cache
def pipelines() -> dict[str, object]:
    """Recipes of the augmentation page, one of them with every transform."""
    every = augmentation.Pipeline(tuple(augmentation.Step(kind) for kind in list(augmentation.OPERATIONS)[:20]))
    return {"book": json.loads(augmentation.BOOK.to_json()), "every": json.loads(every.to_json())}


@cache
def models() -> dict[str, bytes]:
    """What the transfer page gives to take home, Keras' own part left out."""
    head = io.BytesIO()
    np.savez_compressed(head, kernel=np.zeros((1280, 2), np.float32), bias=np.zeros(2, np.float32))
    learned = {"gallery/classes.json": b'["cat", "dog"]', "gallery/learned.npz": head.getvalue()}
    whole = {"config.json": b"{}", "metadata.json": b"{}"} | learned
    return {"model": zipped(learned.items()), "whole": zipped(whole.items())}


@cache
def keras_files() -> dict[str, bytes]:
    """Small networks as Keras saves them: a chain with what changes pictures; and one with a network within, a skip,
    arithmetic outside of layers, and a loss."""
    import keras
    from keras import layers

    chain = keras.Sequential(
        [keras.Input((12, 12, 3)), layers.Rescaling(1 / 255), layers.RandomFlip("horizontal"),
         layers.Conv2D(3, 3, kernel_regularizer="l2", kernel_constraint="max_norm"), layers.LeakyReLU(),
         layers.DepthwiseConv2D(2), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5),
         layers.Dense(2, "sigmoid", dtype="float32")]
    )  # fmt: skip
    within = keras.Sequential(
        [keras.Input((6, 6, 4)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]
    )
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, 2, "same", activation="relu")(inputs)
    x = layers.ReLU()(layers.Add()([within(x), x]) * 2.0)
    x = layers.Conv2DTranspose(2, 2, 2)(layers.SeparableConv2D(4, 3)(x))
    skipping = keras.Model(inputs, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(x)))
    skipping.compile("adam", "mse")
    with tempfile.TemporaryDirectory() as folder:
        return {name: saved(model, Path(folder)) for name, model in {"chain": chain, "skipping": skipping}.items()}


@cache
def descriptions() -> dict[str, object]:
    """What Keras' files say of their networks."""
    return {name: json.loads(unzipped(data)["config.json"]) for name, data in keras_files().items()}


def described(found: tuple[str, bytes]) -> tuple[str, bytes]:
    """A file of Keras' with another description."""
    name, text = found
    return name, zipped((unzipped(keras_files()[name]) | {"config.json": text}).items())


@cache
def onnx_files() -> dict[str, bytes]:
    """Small networks in ONNX: as PyTorch writes them, and two of ours."""
    ours = ("siamese_holdout", "cifar10_transfer")
    return {"residual": residual()} | {name: weights.onnx_file(name).read_bytes() for name in ours}


@cache
def graphs() -> dict[str, object]:
    """The same as JSON."""
    import onnx

    return {name: json_format.MessageToDict(onnx.load_from_string(data)) for name, data in onnx_files().items()}


def written(found: tuple[str, bytes]) -> tuple[str, bytes]:
    """A network in ONNX from its JSON."""
    import onnx

    name, text = found
    try:
        model = json_format.ParseDict(json.loads(text), onnx.ModelProto(), ignore_unknown_fields=True)
        return name, model.SerializeToString()
    except (
        json_format.ParseError,
        ValueError,
        TypeError,
        ArithmeticError,
        AttributeError,
    ):  # of another type than the field
        reject()
