"""The visitor's pictures for his own classes: files, ZIP archives of class folders, and ready sets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from cnndemo import archives, images
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
    data: bytes | archives.ClassFolders,
    classes: Sequence[str] = (),
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Shot], list[str]]:
    """Adds the pictures of a ZIP archive with one folder a class.

    Args:
        data: of the archive, or what `read_zip` has read of it, all of it or one split.
        classes: classes that exist already.

    Raises:
        VisitorError: as `read_zip`, or too many classes.
    """
    folders = read_zip(data) if isinstance(data, bytes) else data
    names = dict.fromkeys([*classes, *folders.class_names])
    if len(names) > MAX_CLASSES:
        raise VisitorError(f"That would make {len(names)} classes; at most {MAX_CLASSES} fit on this page.")
    with folders.unpacker() as unpack:
        files = ((file.name, file.class_name, lambda file=file: unpack(file)) for file in folders.files)
        result, notes = _add(shots, files, progress)
    return result, [*folders.notes, *notes]


def read_zip(data: bytes) -> archives.ClassFolders:
    """Looks through a ZIP archive of class folders; `cats/1.jpg` and `set/train/cats/1.jpg` are both "cats".

    Raises:
        VisitorError: not a ZIP archive, encrypted, far too large, or without class folders.
    """
    return archives.read_class_folders(data, max_total_bytes=MAX_UNPACKED)


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
            loaded = images.read(read())
        except VisitorError as error:
            own = isinstance(error, archives.ArchiveError)  # which names the file itself
            notes.append(str(error) if own else f"“{name}” was left out. {error}")
            continue
        notes += [f"“{name}”: {note}" for note in loaded.notes]
        fresh = shot(loaded.image, name, label)
        del loaded
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


def take_home(shots: Sequence[Shot]) -> bytes:
    """The pictures as a ZIP, one folder a class, as this page and Keras' `image_dataset_from_directory` read it.

    The network's square of 224 pixels is given back the margin that its preparation cuts off, mirrored: what is brought
    back here is, pixel by pixel, what was taken home.
    """
    margin = (round(224 / efficientnet_lite0.CROP_FRACTION) - 224) // 2
    folders = folder_names(dict.fromkeys(shot.label for shot in shots))

    def pictures() -> Iterator[tuple[str, np.ndarray]]:
        for number, each in enumerate(shots, start=1):
            square = np.pad(each.pixels, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
            yield f"{folders[each.label]}/{number:03d}", square

    return archives.pack(pictures())


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Label -> a name that every system takes for a folder, never the same for two labels."""
    taken: dict[str, str] = {}
    for label in labels:
        clean = "".join("_" if letter in '/\\:*?"<>|`$[]' or not letter.isprintable() else letter for letter in label)
        name = clean.strip(". ") or "_"
        number, plain = 2, name
        while name.lower() in (other.lower() for other in taken.values()):
            name, number = f"{plain[:34]} ({number})", number + 1
        taken[label] = name
    return taken


def ready_set(name: str, each: int = 12) -> list[Shot]:
    """A set to start with, of pictures that ship with the gallery; its pixels are the same arrays for all visitors.

    Args:
        name: a key of `READY_SETS`: "digits" has the digits 0, 3 and 7, "samples" random crops of four samples.
        each: pictures a class.
    """
    return list(_ready_set(name, each))


@lru_cache(maxsize=4)
def _ready_set(name: str, each: int) -> tuple[Shot, ...]:
    shots = _made(name, each)
    for one in shots:
        one.pixels.flags.writeable = False
    return tuple(shots)


def _made(name: str, each: int) -> list[Shot]:
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
