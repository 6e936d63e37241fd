"""Depth, transparency and size: to 8 bits a channel by the range that the numbers have."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from cnndemo import decoding, images, tones
from tests.conftest import encode

RAMP = np.tile(np.arange(256, dtype=np.uint8), (40, 1))


def tiff(array: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def off(data: bytes, wanted: np.ndarray = RAMP) -> int:
    """How far a loaded picture is from a grey one, at most."""
    return int(np.abs(images.load(data).astype(int) - wanted[..., None]).max())


DEEP = {
    "12 of 16 bits": RAMP.astype(np.uint16) * 16,
    "16 bits": RAMP.astype(np.uint16) * 257,
    "16 bits with a sign": RAMP.astype(np.int16) * 128,
    "32 bits, small numbers": RAMP.astype(np.int32),
    "32 bits without a sign, small numbers": RAMP.astype(np.uint32),
    "32 bits without a sign, full": RAMP.astype(np.uint32) * 16843009,
    "64 bits": RAMP.astype(np.int64),
    "float": RAMP.astype(np.float32) / 255,
    "float to 255": RAMP.astype(np.float32),
    "float, both signs": RAMP.astype(np.float32) / 127.5 - 1,
    "float, thousands": RAMP.astype(np.float32) * 100 - 7000,
    "double": RAMP / 255.0,
    "half": (RAMP / 255.0).astype(np.float16),
    "float colours": np.dstack([RAMP] * 3).astype(np.float32) / 255,
    "12 of 16 bits, colours": np.dstack([RAMP.astype(np.uint16) * 16] * 3),
    "16 bits, colours": np.dstack([RAMP.astype(np.uint16) * 257] * 3),
}


@pytest.mark.parametrize("kind", list(DEEP))
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_numbers_of_a_tiff_by_their_own_range(kind, options):
    array = DEEP[kind]
    assert off(tiff(array, photometric="rgb" if array.ndim == 3 else "minisblack", **options)) <= 2


@pytest.mark.parametrize("kind", ["16 bits", "float", "32 bits, small numbers", "double"])
def test_white_is_zero(kind):
    assert off(tiff(DEEP[kind], photometric="miniswhite"), 255 - RAMP) <= 2


def test_what_is_no_number_and_what_sticks_out_do_not_hide_the_rest():
    ramp = RAMP.astype(np.float32) / 255
    ramp[3, 5], ramp[20, 200] = 1e6, -1e6
    assert np.median(np.abs(images.load(tiff(ramp)).astype(int) - RAMP[..., None])) <= 2
    ramp = np.where(RAMP == 3, np.nan, RAMP / 255).astype(np.float32)
    assert off(tiff(ramp), np.where(RAMP == 3, 0, RAMP)) <= 1
    for empty in (np.nan, np.inf, -np.inf, 0):
        assert images.load(tiff(np.full((9, 9), empty, np.float32))).shape == (9, 9, 3)


def test_a_range_that_was_guessed_is_said_and_a_sure_one_is_not():
    assert "12 of 16 bits" in images.read(tiff(DEEP["12 of 16 bits"])).notes[0]
    assert "is shown black" in images.read(tiff(DEEP["float, both signs"])).notes[0]
    for kind in ("16 bits", "float", "float to 255", "32 bits without a sign, full"):
        assert images.read(tiff(DEEP[kind])).notes == (), kind


def test_a_range_that_the_file_declares_is_taken():
    data = tiff(RAMP.astype(np.uint16) * 2, extratags=[(281, 3, 1, 510, True)])
    assert off(data) <= 1 and images.read(data).notes == ()


# Transparency


def deep_png(rows: np.ndarray, color: int, transparent: tuple[int, ...]) -> bytes:
    """A PNG of 16 bits, grey (color 0) or RGB (2), with one transparent colour."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", rows.shape[1], rows.shape[0], 16, color, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows))
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)), (b"IDAT", data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in [*parts, (b"IEND", b"")])


def test_transparency_in_16_bits():
    grey = np.where(np.arange(8) < 4, 1000, 60000) * np.ones((8, 1))
    image = images.load(deep_png(grey, 0, (1000,)))
    assert image[0, 0].tolist() == [255] * 3 and image[0, -1].tolist() == [234] * 3
    colors = np.where(np.arange(8)[:, None] < 4, [1000, 2000, 3000], [60000, 0, 0]) * np.ones((8, 1, 1))
    image = images.load(deep_png(colors, 2, (1000, 2000, 3000)))
    assert image[0, 0].tolist() == [255] * 3 and image[0, -1].tolist() == [234, 0, 0]


def test_colours_that_are_all_marked_as_transparent_are_shown():
    rgb = np.dstack([RAMP, RAMP[:, ::-1], RAMP])
    rgba = np.dstack([rgb, np.zeros_like(RAMP)])
    for data in (encode(Image.fromarray(rgba), "PNG"), tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])):
        loaded = images.read(data)
        assert (loaded.image == rgb).all() and "transparent" in loaded.notes[0]


def test_a_windows_bitmap_whose_fourth_channel_is_zero():
    pixels = bytes([10, 20, 200, 0]) * 64
    header = struct.pack("<IiiHHIIiiII", 108, 8, 8, 1, 32, 3, len(pixels), 2835, 2835, 0, 0)
    header += struct.pack("<IIII", 0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000) + b"BGRs" + bytes(48)
    data = b"BM" + struct.pack("<IHHI", 14 + 108 + len(pixels), 0, 0, 122) + header + pixels
    assert (images.load(data) == [200, 20, 10]).all()


def test_a_white_drawing_on_nothing_is_laid_on_black():
    drawing = np.zeros((64, 64, 4), np.uint8)
    drawing[8:56, 30:36] = 255
    for mode in ("RGBA", "LA"):
        loaded = images.read(encode(Image.fromarray(drawing).convert(mode), "PNG"))
        assert loaded.image[30, 33].tolist() == [255] * 3 and loaded.image[0, 0].tolist() == [0] * 3
        assert "black" in loaded.notes[0]
    drawing[8:56, 30:36, :3] = 30
    assert images.load(encode(Image.fromarray(drawing), "PNG"))[0, 0].tolist() == [255] * 3, "a dark one stays on white"


# Size


@pytest.mark.parametrize("size", [(4000, 3000), (1700, 5200), (9000, 40), (1601, 1600)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_piece_by_piece_is_the_same_as_at_once(size, mode):
    random = np.random.default_rng(0)
    rough = Image.fromarray(random.integers(0, 256, (size[1] // 9 + 1, size[0] // 9 + 1, 3), dtype=np.uint8))
    picture = rough.convert(mode).resize(size)
    small = tones.shrink(size, picture.crop, 1600)
    wanted = picture.resize(decoding.bounded(*size, 1600), Image.Resampling.LANCZOS)
    assert small.size == wanted.size and small.mode == mode
    off = np.abs(np.asarray(small).astype(int) - np.asarray(wanted))
    assert off.mean() < 0.2 and off.max() < 8, "but for rounding"


def test_only_pieces_are_converted(monkeypatch):
    cut, crop = [], Image.Image.crop
    monkeypatch.setattr(Image.Image, "crop", lambda self, box: cut.append(crop(self, box)) or cut[-1])
    images.load(encode(Image.new("RGBA", (3000, 2500), (9, 9, 9, 99)), "PNG", compress_level=1))
    assert cut and max(piece.width * piece.height for piece in cut) < 2 * tones.PIECE**2
