"""Files that were whole once, and what becomes of them in hostile hands: strategies for hypothesis, and the corpus."""

from __future__ import annotations

import base64
import copy
import io
import json
import unicodedata
import zipfile
from functools import cache

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from cnndemo import augmentation, decoding
from cnndemo.face_verification.gallery import Gallery
from tests.conftest import encode
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
def damaged(draw, corpus: dict[str, bytes]) -> tuple[str, bytes]:
    """The name of a file of the corpus, and what became of it."""
    names = sorted(corpus)
    name = draw(st.sampled_from(names))
    data = bytearray(corpus[name])
    changes = st.tuples(
        st.sampled_from(CHANGES),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 2**32 - 1),
        st.sampled_from(names),
    )
    for kind, where, value, other in draw(st.lists(changes, min_size=1, max_size=6)):
        data = change(data, kind, where, value, corpus[other])
    return name, bytes(data)


@st.composite
def altered(draw, documents: dict[str, object]) -> tuple[str, bytes]:
    """A JSON document of which some values, keys or elements are others."""
    name = draw(st.sampled_from(sorted(documents)))
    document = json.loads(json.dumps(documents[name]))
    for _ in range(draw(st.integers(1, 4))):
        document = _alter(draw, document)
    return name, json.dumps(document).encode()


def _alter(draw, value: object) -> object:
    leaf = st.one_of(st.sampled_from(LEAVES), st.text(max_size=30), st.floats(), st.integers())
    deeper = isinstance(value, dict | list) and value and draw(st.integers(0, 4)) > 0
    if not deeper:
        return copy.deepcopy(draw(leaf))  # or one that is altered later would be altered for all
    if isinstance(value, dict):
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.integers(0, 5))
        if what == 0:
            del value[key]
        elif what == 1:
            value[draw(st.sampled_from(NAMES))] = value[key]
        else:
            value[key] = _alter(draw, value[key])
        return value
    at, what = draw(st.integers(0, len(value) - 1)), draw(st.integers(0, 5))
    if what == 0:
        return value * draw(st.sampled_from((2, 30)))
    value[at] = _alter(draw, value[at])
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


def zipped(entries: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@cache
def archives() -> dict[str, bytes]:
    """ZIPs of class folders."""
    png, jpeg = pictures()["png"], pictures()["jpeg"]
    named = {
        f"{'cat' if number % 2 else name}/{number}.png": png for number, name in enumerate(NAMES) if "\x00" not in name
    }
    splits = {f"{split}/{label}/1.jpg": jpeg for split in ("train", "val") for label in "ab"}
    return {
        "plain": zipped({"cat/1.png": png, "dog/1.jpg": jpeg, "dog/2.png": png}),
        "stored": zipped({"cat/1.png": png, "dog/1.jpg": jpeg}, zipfile.ZIP_STORED),
        "splits": zipped(splits),
        "names": zipped(named),
        "lzma": zipped({"a/1.png": png, "b/1.png": png}, zipfile.ZIP_LZMA),
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
    return {"model": zipped(learned), "whole": zipped({"config.json": b"{}", "metadata.json": b"{}"} | learned)}
