"""Files that strangers bring, opened within bounds: what a file says of itself decides how it is read.

Nothing is decoded before it is known how much memory that takes. Colours, depth and size are left as they are.
"""

from __future__ import annotations

import importlib.util
import io
import struct
from contextlib import suppress
from dataclasses import dataclass, field

from PIL import Image, UnidentifiedImageError

from cnndemo.errors import VisitorError

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF")
HEIF = bool(importlib.util.find_spec("pi_heif"))
MAX_PIXELS = 50_000_000
MAX_BYTES = 230_000_000  # that decoding may take; shrinking and converting take the little that is left of 250 MB
PAGES = 20  # of a TIFF that are looked through for the full picture

ORIENTATION = 0x0112  # of EXIF
REDUCED, MASK = 1, 4  # bits of NewSubfileType
DAMAGED = "This picture is damaged or cut off. Please save it again or choose another."
EMPTY = 128  # the grey that stands for what a JPEG lacks
CUT = "This file is cut off or damaged: the picture is shown as far as it goes."

#: What files begin with that are pictures but cannot be read here, and how to get one that can.
_EXPORT = "Please open it in a photo program and export it as JPEG."
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\xff\x0a", f"This is a JPEG XL picture, which cannot be read here. {_EXPORT}"),
    (b"\x00\x00\x00\x0cJXL ", f"This is a JPEG XL picture, which cannot be read here. {_EXPORT}"),
    (b"\x00\x00\x00\x0cjP  ", f"This is a JPEG 2000 picture, which cannot be read here. {_EXPORT}"),
    (b"\xff\x4f\xff\x51", f"This is a JPEG 2000 picture, which cannot be read here. {_EXPORT}"),
    (b"8BPS", f"This is a Photoshop file, which cannot be read here. {_EXPORT}"),
    (b"%PDF", "This is a PDF, not a picture. Please export its page as PNG."),
    (b"%!PS", "This is a PostScript file, not a picture of pixels. Please export it as PNG."),
    (b"<svg", "This is an SVG drawing, not a picture of pixels. Please export it as PNG."),
)
_RAW = "This is a camera's RAW file ({}), which cannot be read here. Please export it as JPEG."
_RAW_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"FUJIFILMCCD-RAW", "RAF"),
    (b"II\x2a\x00\x10\x00\x00\x00CR", "CR2"),
    (b"II\x1a\x00\x00\x00HEAPCCDR", "CRW"),
    (b"IIU\x00", "RW2"),
    (b"IIRO", "ORF"),
    (b"IIRS", "ORF"),
    (b"MMOR", "ORF"),
    (b"FOVb", "X3F"),
    (b"\x00MRM", "MRW"),
)
_RAW_MAKERS = {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "RICOH": "PEF", "SAMSUNG": "SRW", "HASSELBLAD": "3FR"}
_RAW_PHOTOMETRIC, _RAW_COMPRESSION = {32803, 34892}, {32767, 32770, 34713, 65535}
_STARTS = (b"\x89PNG", b"\xff\xd8", b"RIFF", b"GIF8", b"BM", b"II\x2a\x00", b"MM\x00\x2a")  # of FORMATS


class ImageError(VisitorError):
    """A picture that cannot be used; the message tells the visitor what to do."""


@dataclass
class Opened:
    """A picture whose page is chosen, not yet decoded.

    Attributes:
        picture: Pillow's; `decode` loads it.
        orientation: EXIF's, 1 to 8.
        deep: whether its colours have 16 bits in the file, of which Pillow keeps the upper 8.
        notes: sentences to the visitor.
    """

    picture: Image.Image
    orientation: int = 1
    deep: bool = False
    notes: list[str] = field(default_factory=list)


def open_picture(data: bytes, long_side: int) -> Opened:
    """Look at a file's header and choose its page or frame; a JPEG will be decoded at a half, a quarter or an eighth
    of its size, if that is still longer than `long_side`.

    Raises:
        ImageError: empty, foreign, or larger than `MAX_PIXELS` or `MAX_BYTES`.
        Whatever Pillow raises on damaged headers.
    """
    if not data:
        raise ImageError("This file is empty. Please choose a picture.")
    _refuse_foreign(data)
    try:
        picture = _heif(data) or Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(_too_large()) from None
    except UnidentifiedImageError:
        if data.startswith(_STARTS) or data[4:12] == b"ftypavif":
            raise ImageError(DAMAGED) from None
        raise ImageError(f"This file is not a picture that can be read. Please choose a {_names()} file.") from None
    if picture.format == "TIFF":
        _full_page(picture)
    size, full = picture.size, picture.width * picture.height
    bound(*size)
    if picture.format in ("JPEG", "MPO"):
        picture.draft("RGB", bounded(*size, long_side))
    bound(*size, _bytes(picture, full))
    if getattr(picture, "default_image", False) and picture.n_frames > 1:
        picture.seek(1)  # the animation begins behind a picture for those who cannot play it
    opened = Opened(picture)
    if picture.format == "TIFF":  # Pillow would turn it at its full size
        opened.orientation = picture.tag_v2.pop(ORIENTATION, 1)
        picture.getexif().pop(ORIENTATION, None)
    tile = picture.tile[0] if getattr(picture, "tile", None) else None
    opened.deep = picture.mode == "RGB" and ";16" in str(tile)
    return opened


def decode(opened: Opened, data: bytes) -> None:
    """Load the pixels; of a file that is cut off, those that are there, and leave a note.

    Raises:
        Whatever Pillow raises on damaged files of which nothing can be shown.
    """
    picture = opened.picture
    try:
        picture.load()
        opened.orientation = picture.getexif().get(ORIENTATION, opened.orientation)
        return
    except (OSError, SyntaxError, EOFError, ValueError):
        if picture.format in ("JPEG", "MPO"):  # its decoder fills up what is missing if only the file has an end
            size, picture = picture.size, Image.open(io.BytesIO(data + b"\xff\xd9" * 16), formats=("JPEG",))
            picture.draft("RGB", size)
            picture.load()
        elif getattr(picture, "_im", None) is None:
            raise
        picture.tile = []  # what has been decoded until here stands
        if set(_extrema(picture)) <= {(0, 0), (EMPTY, EMPTY)}:
            raise
    opened.picture = picture
    with suppress(Exception):  # the end of the file, where a PNG may have it, is missing
        opened.orientation = picture.getexif().get(ORIENTATION, opened.orientation)
    opened.notes.append(CUT)


def _extrema(picture: Image.Image) -> tuple[tuple[float, float], ...]:
    """Smallest and largest value of each channel."""
    found = picture.getextrema()
    return found if isinstance(found[0], tuple) else (found,)


def bounded(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The size of a picture after it has been shrunk to a long side, if it is longer."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def bound(width: int, height: int, size: int = 0) -> None:
    """Refuse what is too large.

    Args:
        width, height: pixels.
        size: bytes that decoding takes.

    Raises:
        ImageError: more than `MAX_PIXELS` or `MAX_BYTES`.
    """
    if width * height > MAX_PIXELS:
        raise ImageError(_too_large(width, height))
    if size > MAX_BYTES:
        raise ImageError(
            f"This picture of {width} × {height} pixels takes {size // 1_000_000} MB to unpack, as it was saved; at "
            f"most {MAX_BYTES // 1_000_000} MB fit. Please make it smaller, or save it as a plain JPEG or PNG."
        )


def _names() -> str:
    names = ["PNG", "JPEG", "WebP", "AVIF", *(["HEIC"] if HEIF else []), "BMP", "GIF", "TIFF"]
    return ", ".join(names[:-1]) + " or " + names[-1]


def _too_large(width: int | None = None, height: int | None = None) -> str:
    size = f"is {width} × {height} pixels" if width else "has far too many pixels"
    return f"This picture {size}; at most {MAX_PIXELS // 1_000_000} megapixels fit. Please make it smaller."


def _refuse_foreign(data: bytes) -> None:
    """Say what a file is that is a picture, but none that can be read here."""
    for start, sentence in _FOREIGN:
        if data.startswith(start):
            raise ImageError(sentence)
    if b"<svg" in data[:1000].lower():
        raise ImageError(_FOREIGN[-1][1])
    for start, kind in _RAW_STARTS:
        if data.startswith(start):
            raise ImageError(_RAW.format(kind))
    if data[4:8] == b"ftyp":
        brands = data[8:64]
        if b"crx " in brands[:4]:
            raise ImageError(_RAW.format("CR3"))
        if _is_heif(data) and not HEIF:
            raise ImageError(f"This is a HEIC picture, as iPhones take them; it cannot be read here. {_EXPORT}")


def _is_heif(data: bytes) -> bool:
    """By its brands; AVIF is a brother of it that Pillow reads."""
    if data[4:8] != b"ftyp":
        return False
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, min(64, struct.unpack(">I", data[:4])[0]), 4))}
    return bool(brands & {b"heic", b"heix", b"hevc", b"heim", b"heis"}) or (
        data[8:12] in (b"mif1", b"msf1") and b"avif" not in brands
    )


def _heif(data: bytes) -> Image.Image | None:
    """A HEIC picture by the decoder of `pi-heif`, if it is one."""
    if not HEIF or not _is_heif(data):
        return None
    from pi_heif import HeifImageFile

    return HeifImageFile(io.BytesIO(data))


def _full_page(picture: Image.Image) -> None:
    """Go to the first page of a TIFF that is no thumbnail and no mask.

    Raises:
        ImageError: a camera's RAW file, which is a TIFF too.
    """
    _refuse_raw(picture)
    sizes: dict[int, int] = {}
    for page in range(PAGES):
        try:
            picture.seek(page)
        except EOFError:
            break
        except (SyntaxError, OSError, KeyError, ValueError, struct.error):
            continue  # of a kind that cannot be read; another may be
        kind, old = picture.tag_v2.get(254, 0), picture.tag_v2.get(255, 1)
        if not kind & (REDUCED | MASK) and old != 2:
            return
        if not kind & MASK:
            sizes[page] = picture.width * picture.height
    picture.seek(max(sizes, key=sizes.get) if sizes else 0)


def _refuse_raw(picture: Image.Image) -> None:
    """DNG, NEF, ARW and their like: by their own tag, or by pages of sensor data."""
    tags = [picture.tag_v2]
    places = picture.tag_v2.get(330, ())
    for place in (places if isinstance(places, tuple) else (places,))[:4]:
        with suppress(Exception):  # a broken offset is no reason to refuse
            picture.fp.seek(0)
            page = type(picture.tag_v2)(picture.fp.read(8))
            picture.fp.seek(place)
            page.load(picture.fp)
            tags.append(page)
    sensor = any(tag.get(262) in _RAW_PHOTOMETRIC or tag.get(259) in _RAW_COMPRESSION for tag in tags)
    if 50706 in picture.tag_v2 or sensor:
        maker = str(picture.tag_v2.get(271, "")).upper()
        kind = next((kind for name, kind in _RAW_MAKERS.items() if maker.startswith(name)), "DNG")
        raise ImageError(_RAW.format("DNG" if 50706 in picture.tag_v2 else kind))


def _bytes(picture: Image.Image, pixels: int) -> int:
    """Bytes that Pillow takes to decode it, as measured for each format; `pixels` are those of the file."""
    if picture.format == "WEBP":
        return 16 * pixels  # two canvases, and the frame twice
    if picture.format in ("AVIF", "HEIF"):
        return (12 if picture.format == "AVIF" else 9) * pixels
    depth = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}.get(picture.mode, 4)
    size = picture.width * picture.height * depth
    if picture.info.get("progressive"):  # kept as coefficients until its end
        layers = [(layer[1], layer[2]) for layer in picture.layer]
        most = max(across for across, _ in layers) * max(down for _, down in layers)
        size += int(2 * pixels * sum(across * down for across, down in layers) / most)
    if picture.format == "TIFF" and picture.tag_v2.get(259, 1) != 1:
        size += _strip(picture)  # unpacked as a whole
    if getattr(picture, "default_image", False) and getattr(picture, "n_frames", 1) > 1:
        size *= 3
    return size


def _strip(picture: Image.Image) -> int:
    """Bytes of a strip or tile of a TIFF."""
    tags = picture.tag_v2
    rows = tags.get(323, min(tags.get(278, picture.height), picture.height))
    return tags.get(322, picture.width) * rows * tags.get(277, 1) * -(-max(tags.get(258, (8,))) // 8)
