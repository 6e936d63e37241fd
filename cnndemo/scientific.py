"""TIFF files of measuring instruments that Pillow cannot open: 64 bits, half floats, colours as floats."""

from __future__ import annotations

import io
import logging

import numpy as np
from PIL import Image, UnidentifiedImageError

from cnndemo import tones
from cnndemo.decoding import Opened, bound

_STARTS = (b"II\x2a\x00", b"MM\x00\x2a", b"II\x2b\x00", b"MM\x00\x2b")
_OWN = 40_000_000  # bytes that the library itself takes
_ROWS = 256  # that are converted at a time


def open_picture(data: bytes) -> Opened | None:
    """Such a file as a picture of 8 bits that is decoded already; None if it is not one.

    Raises:
        ImageError: too large.
        Whatever `tifffile` raises on damaged files.
    """
    return _opened(data) if data.startswith(_STARTS) and not _pillow_can(data) else None


def with_all_bits(opened: Opened, data: bytes) -> Opened:
    """A TIFF of 16-bit colours again from all its bits where the upper 8, which Pillow keeps, are nearly empty."""
    picture = opened.picture
    if picture.format != "TIFF" or not opened.deep or max(high for _, high in picture.getextrema()) >= 64:
        return opened
    try:
        return _opened(data, 4 * picture.width * picture.height) or opened
    except (ValueError, OSError, RuntimeError):  # too large, or packed in a way that only Pillow can unpack
        opened.notes.append("This picture is dark because only a part of its 16 bits is used.")
        return opened


def _opened(data: bytes, held: int = 0) -> Opened | None:
    """By `tifffile`, while so many bytes are held already; None if it is no picture of numbers."""
    import tifffile  # needed for such files only

    logging.getLogger("tifffile").disabled = True  # what is wrong with a file is said to the visitor
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = next((page for page in file.pages[:20] if not page.is_reduced and not page.is_mask), file.pages[0])
        height, width = page.imagelength, page.imagewidth
        if page.dtype is None or page.dtype.kind not in "uif" or page.ndim not in (2, 3):
            return None
        size = width * height * page.samplesperpixel * page.dtype.itemsize
        size *= 1 if page.compression == 1 and page.is_contiguous else 2
        bound(width, height, _OWN + held + size + 4 * width * height)
        array = page.asarray(maxworkers=1)
        if page.planarconfig == 2 and array.ndim == 3:
            array = np.moveaxis(array, 0, -1)
        tags = {tag.code: tag.value for tag in page.tags.values()}
    return _in_eight_bits(array, tags)


def _pillow_can(data: bytes) -> bool:
    """Whether Pillow knows this kind of TIFF, or refuses it for another reason than its numbers."""
    try:
        Image.open(io.BytesIO(data), formats=("TIFF",)).close()
    except UnidentifiedImageError:
        return False
    except Exception:
        return True
    return True


def _in_eight_bits(array: np.ndarray, tags: dict) -> Opened:
    """A decoded array (height, width[, channels]) as a picture, by the range that it has."""
    colors = (
        array[..., :3] if array.ndim == 3 and array.shape[-1] >= 3 else array.reshape(*array.shape[:2], -1)[..., :1]
    )
    step = max(1, int((colors.shape[0] * colors.shape[1] / tones.SAMPLE) ** 0.5))
    low, high = np.inf, -np.inf
    for top in range(0, len(colors), _ROWS):
        part = colors[top : top + _ROWS]
        part = part[np.isfinite(part)] if array.dtype.kind == "f" else part
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    sample, bits = colors[::step, ::step].ravel(), 8 * array.dtype.itemsize
    declared = tones.declared_range(tags)
    black, white, words = (*declared, "") if declared else tones.own_range(low, high, sample, bits, array.dtype.kind)
    if tags.get(262) == 0:
        black, white = white, black
    picture = Image.new("RGB" if colors.shape[-1] == 3 else "L", (colors.shape[1], colors.shape[0]))
    for top in range(0, len(colors), _ROWS):
        part = tones.scaled(colors[top : top + _ROWS], black, white)
        picture.paste(Image.fromarray(part if part.shape[-1] == 3 else part[..., 0]), (0, top))
    profile = tags.get(34675)
    if isinstance(profile, bytes):
        picture.info["icc_profile"] = profile
    return Opened(picture, int(tags.get(274, 1)), notes=[words] if words else [])
