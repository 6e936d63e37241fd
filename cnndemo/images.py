"""Pictures: the only door for uploads, the samples that ship, and the few conversions that all pages share.

An image is `uint8`, shape (height, width, 3), RGB, everywhere in the gallery.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from cnndemo import colors, decoding, gate, scientific, tones
from cnndemo.decoding import ImageError

SAMPLES_DIR = Path(__file__).resolve().parent / "samples"
MAX_SIDE = 1600
SUFFIXES = ("png", "jpg", "jpeg", "jfif", "webp", "avif", *(("heic", "heif") if decoding.HEIF else ()), "bmp", "gif")
SUFFIXES = (*SUFFIXES, "tif", "tiff")  # of the files that `load` reads, for uploaders
FAINT = 12  # levels below white that cannot be seen on white
#: EXIF orientation -> what sets the picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Sample:
    """A picture that ships with the package: what it shows, in the words of its alt text, and whom to thank."""

    name: str
    caption: str
    alt: str
    credit: str


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample("cat", "Cat", "a tabby cat looking at the camera", "Stéfan van der Walt, CC0"),
        Sample("coffee", "Coffee", "a cup of espresso on a wooden table", "Rachel Michetti, CC0"),
        Sample("astronaut", "Astronaut", "a smiling astronaut in an orange suit", "NASA, public domain"),
        Sample("rocket", "Rocket", "a rocket on its launch pad", "SpaceX, CC0"),
        Sample("motorcycle", "Motorcycle", "a motorcycle in a garage", "Middlebury Stereo 2014, CC0"),
        Sample("obama_1", "President 1", "official portrait of a president", "the White House, public domain"),
        Sample("obama_2", "President 2", "the same president, speaking", "the White House, public domain"),
        Sample("obama_3", "President 3", "the same president, another day", "the White House, public domain"),
        Sample("biden_1", "Vice-president", "official portrait of a vice-president", "the White House, public domain"),
    )
}


@dataclass(frozen=True)
class Loaded:
    """A picture from a file, and what to say of it.

    Attributes:
        image: uint8 (height, width, 3), RGB, sRGB.
        notes: sentences for the visitor: cut off, stretched, laid on black.
    """

    image: np.ndarray
    notes: tuple[str, ...] = ()


def load(data: bytes) -> np.ndarray:
    """Decode what a visitor uploaded: `read` without the notes."""
    return read(data).image


@gate.heavy
def read(data: bytes) -> Loaded:
    """Decode what a visitor uploaded; takes at most 250 MB on top of the file.

    Obeys EXIF orientation, brings colours to sRGB, lays transparency on white (on black what would not be seen there),
    takes the first frame of an animation and the full page of a TIFF, shows what there is of a file that is cut off,
    and shrinks to `MAX_SIDE` pixels on the long side.

    Args:
        data: the bytes of a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF file, and of a HEIC if `pi-heif` is installed.

    Raises:
        ImageError: empty, foreign, broken, or larger than `decoding.MAX_PIXELS` or `decoding.MAX_BYTES` (checked before
            anything is decoded).
    """
    try:
        small, info, orientation, notes = _small(data)
        flat, words = on_ground(colors.to_srgb(small, info))
        turned = flat.transpose(TURNS[orientation]) if orientation in TURNS else flat
        return Loaded(np.asarray(turned), (*notes, *words))
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError("This picture has far too many pixels. Please make it smaller.") from None
    except Exception:  # a damaged file can fail anywhere in a decoder, and with anything
        raise ImageError(decoding.DAMAGED) from None


def _small(data: bytes) -> tuple[Image.Image, dict, int, list[str]]:
    """The picture shrunk, in 8 bits a channel; what its file says; its orientation; notes. The large one is let go."""
    opened = scientific.open_picture(data)
    if opened is None:
        opened = decoding.open_picture(data, MAX_SIDE)
        decoding.decode(opened, data)
        opened = scientific.with_all_bits(opened, data)
    picture = opened.picture
    return (
        tones.shrink(picture.size, tones.eight_bits(opened), MAX_SIDE),
        picture.info,
        opened.orientation,
        opened.notes,
    )


def on_ground(picture: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """RGB or RGBA -> RGB: transparency is laid on white; a white drawing on nothing on black, with a note."""
    if picture.mode != "RGBA":
        return picture, ()
    values = np.asarray(picture)
    alpha = values[..., 3].astype(np.float32) / 255
    seen = (alpha * ((255 - values[..., :3].min(axis=-1)) > FAINT)).sum()
    drawn = alpha.sum()
    lost = (alpha < 0.5).mean() > 0.1 and drawn > 0 and seen < 0.02 * drawn
    ground = Image.new("RGBA", picture.size, (0, 0, 0, 255) if lost else (255, 255, 255, 255))
    words = ("What is drawn here is white on nothing: it is laid on black, where it can be seen.",) if lost else ()
    return Image.alpha_composite(ground, picture).convert("RGB"), words


def shrink(image: np.ndarray, long_side: int) -> np.ndarray:
    """The image, at most `long_side` pixels on its long side (never enlarged); uint8 in and out, grey or RGB."""
    if max(image.shape[:2]) <= long_side:
        return image
    size = decoding.bounded(image.shape[1], image.shape[0], long_side)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def letterbox(image: np.ndarray, size: int, fill: int = 0) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Fit an image into a square without squashing it.

    Args:
        image: uint8 (height, width, 3).
        size: side of the square in pixels.
        fill: grey value of the bars.

    Returns:
        The square, uint8 (size, size, 3), and the box (top, left, height, width) that the picture fills in it.
    """
    height, width = image.shape[:2]
    scale = size / max(height, width)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    resized = Image.fromarray(image).resize((inner[1], inner[0]), Image.Resampling.BILINEAR)
    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    square = np.full((size, size, 3), fill, dtype=np.uint8)
    square[top : top + inner[0], left : left + inner[1]] = np.asarray(resized)
    return square, (top, left, *inner)


def to_gray(image: np.ndarray) -> np.ndarray:
    """Luma (ITU-R 601) of an RGB image: uint8 (height, width, 3) -> uint8 (height, width)."""
    if image.ndim == 2:
        return image
    return np.asarray(Image.fromarray(image).convert("L"))


def enlarge(image: np.ndarray, factor: int) -> np.ndarray:
    """Nearest-neighbour enlargement, so that single pixels of small grids can be seen."""
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def digit(label: int, number: int) -> np.ndarray:
    """The `number`-th shipped example (from 0, counted round) of a digit; uint8 (28, 28), white on black."""
    x, y = digits()
    chosen = np.nonzero(y == label)[0]
    return x[chosen[number % len(chosen)]]


def png(image: np.ndarray) -> bytes:
    """A uint8 image (grey, RGB or RGBA) as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


@lru_cache(maxsize=len(SAMPLES))
def sample(name: str) -> np.ndarray:
    """A shipped picture by name (see `SAMPLES`), read-only uint8 (height, width, 3).

    Raises:
        KeyError: no sample of this name.
    """
    image = load((SAMPLES_DIR / f"{SAMPLES[name].name}.jpg").read_bytes())
    image.flags.writeable = False
    return image


@lru_cache(maxsize=1)
def digits() -> tuple[np.ndarray, np.ndarray]:
    """The shipped 5,000 MNIST training digits, read-only: uint8 (5000, 28, 28) white on black, and labels (5000,)."""
    with np.load(SAMPLES_DIR / "digits_5k.npz") as archive:
        x, y = archive["x"], archive["y"]
    x.flags.writeable = y.flags.writeable = False
    return x, y
