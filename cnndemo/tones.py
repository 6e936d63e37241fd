"""From any depth and any mode to 8 bits a channel, piece by piece, so that a large picture is never there twice.

Greys of more than 8 bits have a range of their own: what the file declares, what its kind of number means, or what
most of its pixels have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from cnndemo.decoding import Opened, bounded

PIECE = 1024  # pixels, the side of what is converted at a time
LANCZOS = 3  # pixels of the result that a pixel of it draws upon, to either side
SAMPLE = 500_000  # pixels that are looked at for percentiles
RARE = 0.5  # percent of the pixels at either end that may lie outside the range

Cut = Callable[[tuple[int, int, int, int]], Image.Image]


def shrink(size: tuple[int, int], cut: Cut, long_side: int) -> Image.Image:
    """The picture, at most `long_side` pixels on its long side: the same as if it were converted, then resized at once.

    Args:
        size: (width, height) of the whole.
        cut: gives a box (left, top, right, bottom) of it in a mode of 8 bits a channel.
        long_side: pixels.
    """
    result, across, down = bounded(*size, long_side), size[0], size[1]
    if result == size and max(size) <= 2 * PIECE:
        return cut((0, 0, *size))
    scale = size[0] / result[0], size[1] / result[1]
    small = None
    for left, right in _spans(result[0], scale[0]):
        for top, bottom in _spans(result[1], scale[1]):
            first = max(0, int((left - LANCZOS) * scale[0])), max(0, int((top - LANCZOS) * scale[1]))
            last = (
                min(across, int((right + LANCZOS) * scale[0]) + 1),
                min(down, int((bottom + LANCZOS) * scale[1]) + 1),
            )
            box = (left * scale[0] - first[0], top * scale[1] - first[1])
            box = (*box, min(right * scale[0], across) - first[0], min(bottom * scale[1], down) - first[1])
            piece = cut((*first, *last))
            piece = piece.resize((right - left, bottom - top), Image.Resampling.LANCZOS, box)
            small = small or Image.new(piece.mode, result)
            small.paste(piece, (left, top))
    return small


def _spans(length: int, scale: float) -> Iterator[tuple[int, int]]:
    """The result cut into pieces whose sources are about PIECE pixels long."""
    step = max(1, int(PIECE / scale) - 2 * LANCZOS)
    yield from ((start, min(length, start + step)) for start in range(0, length, step))


def eight_bits(opened: Opened) -> Cut:
    """How to cut boxes out of a decoded picture: as L, RGB, RGBA, CMYK or LAB."""
    picture = opened.picture
    if picture.mode == "F" or picture.mode.startswith("I"):
        return _deep(opened)
    see_through = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    if picture.mode == "P" and picture.palette and picture.palette.mode == "RGBA":
        see_through = True
    if opened.deep and isinstance(color := picture.info.get("transparency"), tuple):
        picture.info["transparency"] = tuple(value >> 8 for value in color)
    if see_through and picture.mode in ("RGBA", "LA") and _all_hidden(opened):
        return lambda box: picture.crop(box).convert("RGB")
    mode = "RGBA" if see_through else {"1": "L", "P": "RGB"}.get(picture.mode, picture.mode)
    mode = mode if mode in ("L", "RGB", "RGBA", "CMYK", "LAB") else "RGB"

    def cut(box: tuple[int, int, int, int]) -> Image.Image:
        piece = picture.crop(box)
        if piece.mode in ("La", "RGBa"):
            piece = piece.convert({"La": "LA", "RGBa": "RGBA"}[piece.mode])
        return piece if piece.mode == mode else piece.convert(mode)

    return cut


def _boxes(size: tuple[int, int]) -> Iterator[tuple[int, int, int, int]]:
    """The whole picture in boxes of about a megapixel."""
    for left in range(0, size[0], PIECE):
        for top in range(0, size[1], PIECE):
            yield left, top, min(size[0], left + PIECE), min(size[1], top + PIECE)


def _all_hidden(opened: Opened) -> bool:
    """Whether everything is transparent, although there is a picture: then its colours are meant to be seen.

    Files of Windows often leave the fourth channel at zero.
    """
    picture, low, high = opened.picture, None, None
    for box in _boxes(picture.size):
        piece = picture.crop(box).getextrema()
        if piece[-1][1] > 0:
            return False
        low = np.minimum(low, [a for a, _ in piece]) if low is not None else np.array([a for a, _ in piece])
        high = np.maximum(high, [b for _, b in piece]) if high is not None else np.array([b for _, b in piece])
    if picture.format in ("PNG", "WEBP", "AVIF", "GIF") and (low == high).all():
        return False
    opened.notes.append("All of this picture is marked as transparent; its colours are shown all the same.")
    return True


# --- greys of more than 8 bits --------------------------------------------------------------------------------------


def _deep(opened: Opened) -> Cut:
    picture = opened.picture
    tags = getattr(picture, "tag_v2", {})
    unsigned = picture.mode == "I" and tags.get(339, (1,))[0] == 1 and tags.get(258, (16,))[0] == 32
    transparent = picture.info.get("transparency")

    def values(box: tuple[int, int, int, int]) -> np.ndarray:
        array = np.asarray(picture.crop(box))
        return array.view(np.uint32) if unsigned else array

    low, high, words = _range(picture, tags, values)
    if words:
        opened.notes.append(words)
    if tags.get(262) == 0:  # white is zero
        low, high = high, low

    def cut(box: tuple[int, int, int, int]) -> Image.Image:
        array = values(box)
        grey = Image.fromarray(scaled(array, low, high))
        if isinstance(transparent, int):
            grey.putalpha(Image.fromarray(np.where(array == transparent, 0, 255).astype(np.uint8)))
            return grey.convert("RGBA")
        return grey

    return cut


def scaled(array: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as grey levels: `low` is black, `high` white; what is no number is black. uint8."""
    if (low, high) == (0, 65535) and array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return (array >> 8).astype(np.uint8)
    share = (array.astype(np.float32) - np.float32(low)) / np.float32((high - low) or 1)
    return np.rint(np.nan_to_num(share, nan=0.0).clip(0, 1) * 255).astype(np.uint8)


def _range(picture: Image.Image, tags, values: Callable) -> tuple[float, float, str]:
    """Black, white, and what to say of them."""
    if picture.format != "TIFF":
        return 0, 65535, ""
    if declared := declared_range(tags):
        return *declared, ""
    step = max(1, round((picture.width * picture.height / SAMPLE) ** 0.5))
    low, high, sample = np.inf, -np.inf, []
    for box in _boxes(picture.size):
        array = values(box)
        finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
        if finite.size:
            low, high = min(low, finite.min()), max(high, finite.max())
        sample.append(array[::step, ::step].ravel())
    bits = tags.get(258, (16,))[0]
    return own_range(float(low), float(high), np.concatenate(sample), bits, values((0, 0, 1, 1)).dtype.kind)


def declared_range(tags) -> tuple[float, float] | None:
    """What a TIFF says of its smallest and largest value (SMinSampleValue, SMaxSampleValue and their elders)."""
    for smallest, largest in ((340, 341), (280, 281)):
        if largest in tags:
            low, high = tags.get(smallest, 0), tags[largest]
            low, high = (value[0] if isinstance(value, tuple) else value for value in (low, high))
            if high > low:
                return float(low), float(high)
    return None


def own_range(low: float, high: float, sample: np.ndarray, bits: int, kind: str) -> tuple[float, float, str]:
    """Black and white where nothing is declared.

    Args:
        low, high: the smallest and largest value.
        sample: values of the picture.
        bits: of a value.
        kind: "u" or "i" whole numbers, "f" others.
    """
    if not low <= high:
        return 0, 1, ""
    if kind == "f":
        if low >= 0 and high <= 1:
            return 0, 1, ""
        if low >= 0 and high <= 255 and _spread(sample) > 32:
            return 0, 255, ""
    elif low >= 0:
        if bits == 12:
            return 0, 4095, ""
        used = max(8, int(high).bit_length())
        if used > bits - 2:
            return 0, 2 ** (bits - (kind == "i")) - 1, ""
        whole = next((size for size in (8, 10, 12, 14, 16, 24) if used <= size), used)
        if _spread(sample) >= 2**whole / 16:
            return 0, 2**whole - 1, f"Its numbers have {whole} of {bits} bits; white is {2**whole - 1:,}."
    most = np.percentile(sample[np.isfinite(sample)] if kind == "f" else sample, (RARE, 100 - RARE))
    black = low if most[0] - low <= 0.1 * (most[1] - most[0]) else most[0]
    white = high if high - most[1] <= 0.1 * (most[1] - most[0]) else most[1]
    if not white > black:
        black, white = (low, high) if high > low else (min(low, 0.0), max(high, 1.0))
    return black, white, f"Its numbers have no range of their own: {black:.4g} is shown black and {white:.4g} white."


def _spread(sample: np.ndarray) -> float:
    """How far apart most of the values lie."""
    finite = sample[np.isfinite(sample)]
    return float(np.subtract(*np.percentile(finite, (100 - RARE, RARE)))) if finite.size else 0.0
