"""Pictures: the only door for uploads, the samples that ship, and the few conversions that all pages share.

An image is `uint8`, shape (height, width, 3), RGB, everywhere in the gallery.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from cnndemo.errors import VisitorError

SAMPLES_DIR = Path(__file__).resolve().parent / "samples"
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 1600


class ImageError(VisitorError):
    """A picture that cannot be used; the message tells the visitor what to do."""


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


def load(data: bytes) -> np.ndarray:
    """Decode what a visitor uploaded.

    Obeys EXIF orientation, flattens transparency on white, takes the first frame of an animation and shrinks to
    `MAX_SIDE` pixels on the long side.

    Args:
        data: the bytes of a PNG, JPEG, WebP, BMP, GIF or TIFF file.

    Returns:
        The picture, uint8 (height, width, 3), RGB.

    Raises:
        ImageError: empty, foreign, broken, or larger than `MAX_PIXELS` (checked before anything is decoded).
    """
    if not data:
        raise ImageError("This file is empty. Please choose a picture.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ImageError(_too_large(width, height))
            if picture.format == "JPEG":
                picture.draft("RGB", _bounded(width, height, MAX_SIDE))  # decodes a photo at half its size
            picture.seek(0)
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            return np.asarray(_shrink_pillow(_to_rgb(picture), MAX_SIDE))
    except Image.DecompressionBombError:
        raise ImageError(_too_large()) from None
    except UnidentifiedImageError:
        names = ", ".join(FORMATS[:-1]) + " or " + FORMATS[-1]
        raise ImageError(f"This file is not a picture that can be read. Please choose a {names} file.") from None
    except ImageError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, TypeError, OverflowError, MemoryError):
        # Pillow's decoders raise any of these on damaged files.
        raise ImageError("This picture is damaged or cut off. Please save it again or choose another.") from None


def _too_large(width: int | None = None, height: int | None = None) -> str:
    size = f"is {width} × {height} pixels" if width else "has far too many pixels"
    return f"This picture {size}; at most {MAX_PIXELS // 1_000_000} megapixels fit. Please make it smaller."


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Any Pillow mode -> RGB: deep grey is scaled to 8 bits, transparency is laid on white."""
    if picture.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(picture).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if picture.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(picture, dtype=np.float64), posinf=0.0, neginf=0.0)
        top = 65535.0 if picture.mode == "I" else max(float(values.max(initial=0.0)), 1e-9)
        return Image.fromarray(np.clip(values / top * 255.0, 0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _bounded(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The size of a picture after it has been shrunk to a long side, if it is longer."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _shrink_pillow(picture: Image.Image, long_side: int) -> Image.Image:
    size = _bounded(*picture.size, long_side)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def shrink(image: np.ndarray, long_side: int) -> np.ndarray:
    """The image, at most `long_side` pixels on its long side (never enlarged); uint8 in and out, grey or RGB."""
    if max(image.shape[:2]) <= long_side:
        return image
    return np.asarray(_shrink_pillow(Image.fromarray(image), long_side))


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
