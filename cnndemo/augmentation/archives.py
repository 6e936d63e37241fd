"""ZIP files of class folders, read without ever trusting them and without writing anything to disk.

This is the book's `flow_from_directory` (listing 4.5) for an upload: the folder names are the classes, the pictures are
decoded batch by batch, so that memory is bounded by one batch however many pictures the archive holds.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from cnndemo import images
from cnndemo.errors import VisitorError

MEGABYTE = 1_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_ARCHIVE_BYTES = 200 * MEGABYTE
MAX_FILE_BYTES = 30 * MEGABYTE
MAX_TOTAL_BYTES = 1000 * MEGABYTE
MAX_RATIO = 100
MAX_ENTRIES = 10_000
MAX_PACKED_BYTES = 60 * MEGABYTE
MAX_CLASSES = 200
_RATIO_FREE = 1 * MEGABYTE  # below this an entry may be packed as tightly as it likes: flat drawings are
_DIRECTORY_ENTRY = b"PK\x01\x02"


class ArchiveError(VisitorError):
    """An archive that cannot be used; the message tells the visitor what to do."""


@dataclass(frozen=True)
class ImageFile:
    """One picture of the archive: its class, its name for people, its name in the archive, its bytes unpacked."""

    class_name: str
    name: str
    member: str
    size: int


@dataclass(frozen=True)
class Batch:
    """What one step of training would see.

    Attributes:
        images: uint8 (n, height, width, 3), RGB, resized.
        labels: int64 (n,), the index of each picture's class.
        names: file names, in the same order.
        skipped: a sentence for each file that could not be decoded.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassFolders:
    """A verified archive of class folders; the pictures themselves are still packed.

    Attributes:
        class_names: names of the folders that hold a picture, sorted as `flow_from_directory` sorts them.
        files: the pictures, ordered by class, then by name.
        notes: one sentence for everything that was left out, and why.
    """

    class_names: tuple[str, ...]
    files: tuple[ImageFile, ...]
    notes: tuple[str, ...]
    data: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.files)

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,): the class index of each file; what the book calls `class_mode="binary"`."""
        index = {name: number for number, name in enumerate(self.class_names)}
        return np.array([index[file.class_name] for file in self.files], dtype=np.int64)

    @property
    def counts(self) -> dict[str, int]:
        """Class name -> number of pictures."""
        numbers = np.bincount(self.labels, minlength=len(self.class_names)).tolist()
        return dict(zip(self.class_names, numbers, strict=True))

    def image(self, index: int) -> np.ndarray:
        """Unpack and decode one picture.

        Returns:
            uint8 (height, width, 3), RGB, at most `images.MAX_SIDE` pixels on the long side.

        Raises:
            VisitorError: the picture is damaged; the message names the file.
        """
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            return _decode(archive, self.files[index])

    def batches(
        self, batch_size: int = 32, size: tuple[int, int] = (150, 150), seed: int | None = None
    ) -> Iterator[Batch]:
        """Decode the archive batch by batch; only one batch is in memory at a time.

        Args:
            batch_size: pictures a batch, at least 1; the last batch may be smaller.
            size: (height, width) that each picture is resized to, as `target_size` of listing 4.5.
            seed: shuffles the order of the files when given; otherwise it is `files`' order.

        Yields:
            A `Batch`; damaged pictures are left out and named in `skipped`.
        """
        if batch_size < 1 or min(size) < 1:
            raise VisitorError("Batch size and picture size must be at least 1.")
        order = np.arange(len(self.files))
        if seed is not None:
            np.random.default_rng(seed).shuffle(order)
        labels = self.labels
        with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
            for start in range(0, len(order), batch_size):
                pixels, kept, skipped = [], [], []
                for index in order[start : start + batch_size]:
                    try:
                        picture = Image.fromarray(_decode(archive, self.files[index]))
                    except VisitorError as error:
                        skipped.append(str(error))
                        continue
                    pixels.append(np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)))
                    kept.append(index)
                yield Batch(
                    images=np.stack(pixels) if pixels else np.zeros((0, *size, 3), np.uint8),
                    labels=labels[kept],
                    names=tuple(self.files[index].name for index in kept),
                    skipped=tuple(skipped),
                )


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    """int (n,) -> float32 (n, classes): what the book calls `class_mode="categorical"`."""
    return np.eye(classes, dtype=np.float32)[labels]


def read_class_folders(
    data: bytes, *, max_entries: int = MAX_ENTRIES, max_total_bytes: int = MAX_TOTAL_BYTES, min_classes: int = 1
) -> ClassFolders:
    """Look through a ZIP of class folders; nothing is decoded yet.

    `cat/1.jpg`, `dog/1.jpg` and also `anything/cat/1.jpg`: a folder that wraps all others is ignored. Files in folders
    below a class folder belong to that class. Entries that climb out (`../`), hidden files, files that are no pictures
    and classes without a picture are left out and named in `notes`.

    Args:
        data: the bytes of the ZIP file.
        max_entries: most entries the archive may list.
        max_total_bytes: most bytes that all pictures together may have when unpacked.
        min_classes: fewest classes that make sense to the caller.

    Raises:
        ArchiveError: no ZIP, broken, encrypted, a bomb (entries, total or ratio out of bounds), or no class folder.
    """
    if not data:
        raise ArchiveError("This file is empty. Please choose a ZIP of class folders.")
    if len(data) > MAX_ARCHIVE_BYTES:
        raise ArchiveError(f"This ZIP is larger than {MAX_ARCHIVE_BYTES // MEGABYTE} MB. Please make it smaller.")
    if data.count(_DIRECTORY_ENTRY) > max_entries:  # counted before zipfile builds an object for each
        raise ArchiveError(f"This ZIP lists more than {max_entries:,} files. Please choose fewer.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError, EOFError, NotImplementedError, IndexError):
        raise ArchiveError("This file is not a ZIP, or it is damaged. Please pack the folders again.") from None
    _refuse_bombs(entries, max_entries, max_total_bytes)
    files, folders, notes = _sort_out(entries)
    class_names = tuple(sorted({file.class_name for file in files}))
    for empty in sorted(folders - set(class_names)):
        notes.append(f"The class “{empty}” has no picture, so it is left out.")
    if not class_names:
        raise ArchiveError(
            " ".join(
                [
                    "This ZIP holds no folder with pictures.",
                    *notes[:3],
                    "Please pack one folder a class: cat/1.jpg, dog/1.jpg.",
                ]
            )
        )
    if len(class_names) > MAX_CLASSES:
        raise ArchiveError(f"This ZIP has {len(class_names)} class folders; at most {MAX_CLASSES} fit.")
    if len(class_names) < min_classes:
        raise ArchiveError(
            f"This ZIP has only {len(class_names)} class folder with pictures (“{class_names[0]}”); "
            f"at least {min_classes} are needed. Please add another folder."
        )
    return ClassFolders(class_names, tuple(sorted(files, key=lambda f: (f.class_name, f.name))), tuple(notes), data)


def pack(pictures: Iterable[tuple[str, np.ndarray]], max_bytes: int = MAX_PACKED_BYTES) -> bytes:
    """Pack pictures into a ZIP, as PNG files.

    Args:
        pictures: (name without suffix, uint8 image) pairs; taken one by one, so a generator keeps memory small.
        max_bytes: most bytes that the ZIP may have.

    Raises:
        ArchiveError: it would grow larger.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:  # PNG is packed already
        for name, picture in pictures:
            archive.writestr(zipfile.ZipInfo(f"{name}.png", date_time=(2020, 1, 1, 0, 0, 0)), images.png(picture))
            if buffer.tell() > max_bytes:
                raise ArchiveError(
                    f"This ZIP would grow past {max_bytes // MEGABYTE} MB. Please ask for fewer or smaller."
                )
    return buffer.getvalue()


def _refuse_bombs(entries: list[zipfile.ZipInfo], max_entries: int, max_total_bytes: int) -> None:
    """Python's zipfile never unpacks more than the announced size, so the announced sizes can be relied on."""
    if len(entries) > max_entries:
        raise ArchiveError(f"This ZIP lists more than {max_entries:,} files. Please choose fewer.")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise ArchiveError("This ZIP is locked with a password. Please pack the folders without one.")
    total = sum(entry.file_size for entry in entries)
    if total > max_total_bytes:
        raise ArchiveError(
            f"This ZIP unpacks to more than {max_total_bytes // MEGABYTE:,} MB. Please choose fewer pictures."
        )
    for entry in entries:
        if entry.file_size > max(_RATIO_FREE, MAX_RATIO * entry.compress_size):
            raise ArchiveError(f"A file in this ZIP unpacks to more than {MAX_RATIO} times its size. Pictures do not.")


def _sort_out(entries: list[zipfile.ZipInfo]) -> tuple[list[ImageFile], set[str], list[str]]:
    """The usable pictures, the names of all class folders, and a note for each kind of entry that is left out."""
    paths: list[tuple[tuple[str, ...], zipfile.ZipInfo]] = []
    outside, foreign, too_big = [], [], []
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if ".." in parts or name.startswith("/") or (parts and parts[0].endswith(":")):
            outside.append(name)
        elif parts and not any(part.startswith(".") or part == "__MACOSX" for part in parts):
            paths.append((parts, entry))
    depth = 1 if _wrapped([parts for parts, entry in paths if not entry.is_dir()]) else 0
    files, folders, loose = [], set(), []
    for parts, entry in paths:
        parts = parts[depth:]
        if not parts:
            continue
        if entry.is_dir():
            folders.add(_readable(parts[0]))
        elif len(parts) == 1:
            loose.append(parts[0])
        else:
            folders.add(_readable(parts[0]))
            if not parts[-1].lower().endswith(SUFFIXES):
                foreign.append(parts[-1])
            elif entry.file_size > MAX_FILE_BYTES:
                too_big.append(parts[-1])
            else:
                name = _readable("/".join(parts[1:]))
                files.append(ImageFile(_readable(parts[0]), name, entry.filename, entry.file_size))
    notes = [
        _note(outside, "points outside the archive", "point outside the archive"),
        _note(loose, "lies in no class folder", "lie in no class folder"),
        _note(foreign, "is not a picture", "are not pictures"),
        _note(
            too_big,
            f"is larger than {MAX_FILE_BYTES // MEGABYTE} MB",
            f"are larger than {MAX_FILE_BYTES // MEGABYTE} MB",
        ),
    ]
    return files, folders, [note for note in notes if note]


def _wrapped(files: list[tuple[str, ...]]) -> bool:
    """Whether all files lie in one top folder that itself holds class folders, as in `train/cat/1.jpg`."""
    return bool(files) and len({parts[0] for parts in files}) == 1 and all(len(parts) >= 3 for parts in files)


def _note(names: list[str], one: str, many: str) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"Left out: “{_readable(names[0])}” {one}."
    return f"Left out: {len(names)} files {many}, such as “{_readable(names[0])}”."


def _readable(name: str) -> str:
    """A name that can be shown: printable, at most 80 characters, no Markdown."""
    clean = "".join(letter if letter.isprintable() and letter not in "`*[]<>$|" else "_" for letter in name).strip()
    return clean[:80] or "_"


def _decode(archive: zipfile.ZipFile, file: ImageFile) -> np.ndarray:
    try:
        with archive.open(file.member) as stream:
            return images.load(stream.read(MAX_FILE_BYTES))
    except images.ImageError as error:
        raise ArchiveError(f"“{file.name}”: {error}") from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError, ValueError, KeyError):
        raise ArchiveError(f"“{file.name}” is damaged inside the ZIP. Please pack it again.") from None
