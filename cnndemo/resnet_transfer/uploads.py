"""The visitor's pictures for his own classes: files, ZIP archives of class folders, and ready sets."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from cnndemo import images
from cnndemo.errors import VisitorError
from cnndemo.models import efficientnet_lite0
from cnndemo.resnet_transfer import copies
from cnndemo.resnet_transfer.teaching import MAX_CLASSES, MAX_PICTURES, Shot

MAX_UNPACKED = 300_000_000  # bytes of a ZIP archive when unpacked
READY_SETS = {"digits": "Handwritten digits", "samples": "Crops of the samples"}


def shot(image: np.ndarray, name: str, label: str, source: str = "") -> Shot:
    """A picture of any size as the backbone will see it: this square of 224 pixels is kept, and a look at the whole.

    `source` names the picture that it was cut out of, if it was.
    """
    pixels = efficientnet_lite0.preprocess(image)
    return Shot(name, label, pixels, hashlib.sha256(pixels.tobytes()).hexdigest(), copies.look(image), source)


def add_files(
    shots: Sequence[Shot],
    files: Iterable[tuple[str, Callable[[], bytes]]],
    label: str,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Shot], list[str]]:
    """Adds pictures to a class, one after the other, so that only one is ever in memory at full size.

    Args:
        shots: the pictures that are there.
        files: (name, function that returns the bytes) pairs.
        label: the class.

    Returns:
        All pictures, and a sentence for everything that was left out; the rest is kept.
    """
    return _add(shots, ((name, label, read) for name, read in files), progress)


def add_zip(
    shots: Sequence[Shot],
    data: bytes,
    classes: Sequence[str] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Shot], list[str]]:
    """Adds the pictures of a ZIP archive with one folder a class; `cats/1.jpg` and `set/cats/1.jpg` are both "cats".

    Args:
        classes: classes that exist already.

    Raises:
        VisitorError: not a ZIP archive, encrypted, far too large, without class folders, or with too many of them.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if _is_picture(entry)]
            if any(entry.flag_bits & 1 for entry in entries):
                raise VisitorError("This ZIP archive is locked with a password. Please pack it without one.")
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
                raise VisitorError(
                    f"This ZIP archive holds more than {MAX_UNPACKED // 1_000_000} MB. Please take fewer pictures."
                )
            labelled = [(entry, _folder(entry.filename)) for entry in entries]
            labelled = [(entry, label) for entry, label in labelled if label]
            if not labelled:
                raise VisitorError("This ZIP archive has no folder with pictures. Make one folder for each class.")
            names = list(dict.fromkeys([*classes, *(label for _, label in labelled)]))
            if len(names) > MAX_CLASSES:
                raise VisitorError(f"That would make {len(names)} classes; at most {MAX_CLASSES} fit on this page.")

            def read(entry: zipfile.ZipInfo) -> Callable[[], bytes]:
                return lambda: archive.read(entry)

            return _add(shots, ((PurePosixPath(e.filename).name, label, read(e)) for e, label in labelled), progress)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError):
        raise VisitorError("This file is not a ZIP archive, or it is damaged.") from None


def _is_picture(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    endings = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
    return not entry.is_dir() and not hidden and path.suffix.lower() in endings


def _folder(name: str) -> str:
    """The class of an entry: the name of the folder it lies in."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return clean_name(parts[-2]) if len(parts) > 1 else ""


def clean_name(name: str) -> str:
    """A class name without control characters and outer blanks, at most 40 characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:40]


def _add(shots, labelled, progress) -> tuple[list[Shot], list[str]]:
    result, notes = list(shots), []
    seen = {each.digest: each for each in result}
    skipped = 0
    for number, (name, label, read) in enumerate(labelled, start=1):
        progress(number)
        if len(result) >= MAX_PICTURES:
            skipped += 1
            continue
        try:
            fresh = shot(images.load(read()), name, label)
        except (images.ImageError, zipfile.BadZipFile, zlib.error, OSError, RuntimeError) as error:
            reason = str(error) if isinstance(error, images.ImageError) else "It cannot be unpacked."
            notes.append(f"“{name}” was left out. {reason}")
            continue
        twin = seen.get(fresh.digest)
        if twin is None:
            seen[fresh.digest] = fresh
            result.append(fresh)
        elif twin.label == label:
            notes.append(f"“{name}” is there already as “{twin.name}”.")
        else:
            notes.append(f"“{name}” is in two classes, “{twin.label}” and “{label}”; it stays in “{twin.label}”.")
    if skipped:
        notes.append(f"{skipped} pictures were left out: at most {MAX_PICTURES} fit on this page.")
    return result, notes


def ready_set(name: str, each: int = 12) -> list[Shot]:
    """A set to start with, of pictures that ship with the gallery.

    Args:
        name: a key of `READY_SETS`: "digits" has the digits 0, 3 and 7, "samples" random crops of four samples.
        each: pictures a class.
    """
    generator = np.random.default_rng(7)
    if name == "digits":
        x, y = images.digits()
        rows = [
            (digit, row) for digit in (0, 3, 7) for row in generator.choice(np.flatnonzero(y == digit), each, False)
        ]
        return [shot(_enlarged(x[row]), f"digit {digit}, number {row}", f"digit {digit}") for digit, row in rows]
    result = []
    for sample in ("cat", "coffee", "rocket", "motorcycle"):
        image = images.sample(sample)
        height, width = image.shape[:2]
        for number in range(each):
            side = int(min(height, width) * generator.uniform(0.45, 0.8))
            top, left = generator.integers(0, height - side + 1), generator.integers(0, width - side + 1)
            part = image[top : top + side, left : left + side]
            result.append(shot(part, f"{sample}, crop {number + 1}", images.SAMPLES[sample].caption, sample))
    return result


def unseen_digit(number: int) -> np.ndarray:
    """A digit 0, 3 or 7 that is not in the ready set, as a picture; `number` from 1 chooses one."""
    x, y = images.digits()
    known = {int(shot.name.rsplit(" ", 1)[1]) for shot in ready_set("digits")}
    rows = [row for row in np.random.default_rng(1).permutation(len(y)) if y[row] in (0, 3, 7) and row not in known]
    return _enlarged(x[rows[(number - 1) % len(rows)]])


def _enlarged(digit: np.ndarray, side: int = 256) -> np.ndarray:
    """A 28×28 digit as a picture, uint8 (side, side, 3), black on white, with the margin that preparation cuts off."""
    paper = np.pad(255 - digit, 3, constant_values=255)
    large = Image.fromarray(paper).resize((side, side), Image.Resampling.BICUBIC)
    return np.repeat(np.asarray(large)[..., None], 3, axis=2)
