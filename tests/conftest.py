"""Fixtures for all tests: files that a visitor should not have, but will."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
GOLDEN = ROOT / "tests" / "golden"


def encode(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header_of(width: int, height: int) -> bytes:
    """A PNG that claims a size it does not hold: a decompression bomb in 100 bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A colourful 60 × 80 picture without symmetry."""
    rows, columns = np.mgrid[0:60, 0:80]
    return np.stack([rows * 4, columns * 3, (rows + columns) % 256], axis=-1).astype(np.uint8)


@pytest.fixture(scope="session")
def bad_files(photo) -> dict[str, bytes]:
    """Files that no picture can be read from, by what is wrong with them."""
    jpeg = encode(Image.fromarray(photo).resize((400, 300)), "JPEG")
    return {
        "empty.png": b"",
        "text.png": b"this is not a picture, whatever its name says\n" * 20,
        "truncated.jpg": jpeg[:200],
        "bomb.png": png_header_of(20_000, 20_000),
        "html.jpg": b"<html><script>alert(1)</script></html>",
        "noise.gif": b"GIF89a" + np.random.default_rng(0).bytes(500),
        "short.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
    }


@pytest.fixture(scope="session")
def odd_files(photo) -> dict[str, bytes]:
    """Unusual files that must be read all the same."""
    picture = Image.fromarray(photo)
    palette = picture.quantize(16)
    palette.info["transparency"] = 0
    frames = [picture, picture.rotate(180)]
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    deep = (np.mgrid[0:60, 0:80][1] * 800).astype(np.uint16)
    return {
        "one_pixel.png": encode(Image.new("RGB", (1, 1), (10, 20, 30)), "PNG"),
        "deep_gray.png": encode(Image.fromarray(deep), "PNG"),
        "cmyk.jpg": encode(picture.convert("CMYK"), "JPEG"),
        "palette.png": encode(palette, "PNG", transparency=0),
        "animated.gif": encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "rotated.jpg": encode(picture, "JPEG", exif=exif),
        "gray.png": encode(picture.convert("L"), "PNG"),
        "transparent.png": encode(Image.new("RGBA", (30, 20), (255, 0, 0, 0)), "PNG"),
        "float.tiff": encode(Image.fromarray(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)), "TIFF"),
        "bilevel.bmp": encode(picture.convert("1"), "BMP"),
        "small.webp": encode(picture, "WEBP"),
    }


@pytest.fixture(autouse=True)
def quick_training(request, monkeypatch):
    """Tests of training scripts publish without the export, which takes seconds and has tests of its own."""
    if request.module.__name__.rsplit(".", 1)[-1].startswith("test_train_"):
        monkeypatch.setattr("train.common.serve", lambda name, folder: None)


@pytest.fixture(autouse=True)
def main_is_ours():
    """A page under test is `__main__` while it runs, and stays it: processes that a later test starts would run it."""
    ours = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = ours


@pytest.fixture(autouse=True, scope="session")
def only_our_own_keras():
    """Streamlit empties Keras' session after each run of a page. No server has Keras; a worker of these tests may, from
    the tests of training, and each run would take a third of a second longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.runtime.scriptrunner.script_runner._clean_problem_modules", lambda: None)
        yield
