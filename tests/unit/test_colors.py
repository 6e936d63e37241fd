"""Colours as they were meant: embedded profiles and what a PNG says of itself, against LittleCMS and by hand."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from cnndemo import colors, images
from tests.conftest import encode

SPACES = {
    "Display P3": (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), 2.2),
    "Adobe RGB": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.329), 2.2),
    "ProPhoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8),
    "gamma 1.8": (((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), (0.3127, 0.329), 1.8),
}
PATCHES = np.array([[200, 60, 50], [60, 160, 60], [120, 90, 70], [128, 128, 128]], np.uint8)
BRADFORD = colors.BRADFORD
D50 = np.array([0.9642, 1, 0.8249])


def profile(corners=None, white=(0.3127, 0.329), gamma=2.2, space=b"RGB ") -> bytes:
    """A minimal profile after the specification (ICC.1, version 2): three primaries and a gamma, or a grey curve."""

    def xyz(x, y):
        return np.array([x / y, 1, (1 - x - y) / y])

    def fixed(values):
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(gamma * 256), 0)
    tags = [(b"desc", b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(80)), (b"cprt", b"text\0\0\0\0x\0\0\0")]
    tags.append((b"wtpt", b"XYZ \0\0\0\0" + fixed(D50)))
    if corners is None:
        tags.append((b"kTRC", curve))
    else:
        primaries = np.stack([xyz(*corner) for corner in corners], 1)
        adapt = np.linalg.inv(BRADFORD) @ np.diag(BRADFORD @ D50 / (BRADFORD @ xyz(*white))) @ BRADFORD
        matrix = adapt @ (primaries * np.linalg.solve(primaries, xyz(*white)))
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), matrix.T, strict=True):
            tags.append((name, b"XYZ \0\0\0\0" + fixed(column)))
        tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    listed, body, at = b"", b"", 132 + 12 * len(tags)
    for name, data in tags:
        data += bytes(-len(data) % 4)
        listed, body, at = listed + name + struct.pack(">II", at, len(data)), body + data, at + len(data)
    rest = struct.pack(">I", len(tags)) + listed + body
    head = struct.pack(">I4sI4s4s4s", 128 + len(rest), b"lcms", 0x02400000, b"mntr", space, b"XYZ ")
    return head + bytes(12) + b"acsp" + bytes(28) + fixed(D50) + bytes(48) + rest


def by_lcms(picture: Image.Image, icc: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return np.asarray(ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"))


def png(array: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 8, 2 if array.ndim == 3 else 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in array))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(100_000 * value))


def chrm(corners, white) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(100_000 * value) for point in (white, *corners) for value in point))


@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_an_rgb_profile_is_obeyed(space, kind):
    icc = profile(*SPACES[space])
    picture = Image.fromarray(PATCHES[None].repeat(8, 0).repeat(8, 1))
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}
    stored = encode(picture, kind, icc_profile=icc, **options.get(kind, {}))
    wanted = by_lcms(picture, icc)[4, 4::8].astype(int)
    off = np.abs(images.load(stored)[4, 4::8].astype(int) - wanted).max()
    assert off <= (2 if kind != "AVIF" else 12), "AVIF stores colour at half the resolution"
    assert np.abs(PATCHES.astype(int) - wanted).max() > 15, "the profile matters"


def test_transparency_keeps_its_profile():
    icc = profile(*SPACES["Adobe RGB"])
    rgba = np.dstack([np.tile(PATCHES[0], (9, 9, 1)), np.full((9, 9), 255)]).astype(np.uint8)
    rgba[:4, :, 3] = 0
    image = images.load(encode(Image.fromarray(rgba), "PNG", icc_profile=icc))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert np.abs(image[8, 8] - by_lcms(Image.fromarray(rgba[8:, 8:, :3]), icc)[0, 0].astype(int)).max() <= 1


def test_a_grey_profile_and_an_rgb_profile_on_grey():
    grey = Image.new("L", (8, 8), 100)
    wanted = by_lcms(grey, profile(gamma=1.8, space=b"GRAY"))[0, 0]
    assert images.load(encode(grey, "PNG", icc_profile=profile(gamma=1.8, space=b"GRAY")))[0, 0] == pytest.approx(
        wanted
    )
    icc = profile(*SPACES["gamma 1.8"])
    wanted = by_lcms(grey.convert("RGB"), icc)[0, 0]
    assert images.load(encode(grey, "PNG", icc_profile=icc))[0, 0] == pytest.approx(wanted)


@pytest.mark.parametrize(
    "icc", [b"no profile", profile(*SPACES["ProPhoto"])[:200], profile(space=b"GRAY"), b"\0" * 500]
)
def test_a_profile_that_cannot_be_used_is_passed_over(icc):
    picture = Image.fromarray(PATCHES[None].repeat(8, 0))
    assert (images.load(encode(picture, "PNG", icc_profile=icc))[0] == PATCHES).all()


def test_a_profile_is_built_once():
    colors._transform.cache_clear()
    for _ in range(3):
        images.load(encode(Image.new("RGB", (9, 9)), "PNG", icc_profile=profile(*SPACES["Adobe RGB"])))
    assert colors._transform.cache_info().misses == 1


@pytest.mark.parametrize("space", ["Display P3", "Adobe RGB", "ProPhoto", "gamma 1.8"])
def test_gamma_and_primaries_of_a_png(space):
    corners, white, gamma = SPACES[space]
    patches = PATCHES[None].repeat(4, 0)
    image = images.load(png(patches, gama(1 / gamma), chrm(corners, white)))
    off = image[0].astype(int) - by_lcms(Image.fromarray(patches), profile(corners, white, gamma))[0]
    assert np.abs(off).max() <= 3


def test_gamma_alone_and_on_grey():
    linear = np.full((4, 4), 55, np.uint8)  # 0.2157 of the light
    for array in (linear, np.dstack([linear] * 3)):
        assert images.load(png(array, gama(1.0)))[0, 0] == pytest.approx([128] * 3, abs=1)
    assert images.load(png(linear, gama(0.45455)))[0, 0].tolist() == [55] * 3, "the usual value means sRGB"


@pytest.mark.parametrize(
    "chunks", [[chrm(((0, 0),) * 3, (0, 0))], [gama(0)], [gama(900)], [(b"sRGB", b"\0"), gama(1.0)]]
)
def test_nonsense_and_srgb_leave_a_png_as_it_is(chunks):
    assert (images.load(png(PATCHES[None], *chunks)) == PATCHES).all()


def test_cmyk_with_a_profile_goes_through_it(monkeypatch):
    seen = []
    monkeypatch.setattr(colors, "_transform", _fake := lambda icc, mode: seen.append((icc, mode)))
    _fake.__wrapped__ = _fake
    images.load(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", icc_profile=b"cmyk"))
    assert seen == [(b"cmyk", "CMYK")]
