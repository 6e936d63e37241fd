"""ZIP files of class folders, read without ever trusting them and without writing anything to disk.

This is the book's `flow_from_directory` (listing 4.5) for an upload: the folder names are the classes, the pictures are
unpacked one by one, so that memory is bounded by one picture or batch however many the archive holds.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from cnndemo import class_folders, entry_names, images
from cnndemo.errors import VisitorError

MEGABYTE = 1_000_000
#: Files that are tried as pictures; those that cannot be read say why.
FOREIGN = ("heic", "heif", "jxl", "jp2", "dng", "cr2", "cr3", "nef", "arw", "raf", "orf", "rw2", "pef", "srw", "svg")
SUFFIXES = tuple(f".{ending}" for ending in dict.fromkeys((*images.SUFFIXES, *FOREIGN)))
PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8", b"RIFF", b"GIF8", b"BM", b"II\x2a\x00", b"MM\x00\x2a")
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
    """One picture of the archive: its class, its name for people, its place in the archive's list, its bytes unpacked,
    and the split that it belongs to, "" if there are none."""

    class_name: str
    name: str
    place: int
    size: int
    split: str = ""


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
        splits: names of the folders above the classes that are known as splits, such as "train" and "val".
    """

    class_names: tuple[str, ...]
    files: tuple[ImageFile, ...]
    notes: tuple[str, ...]
    data: bytes = field(repr=False)
    splits: tuple[str, ...] = ()

    def of(self, split: str) -> ClassFolders:
        """The pictures of one split only."""
        files = tuple(file for file in self.files if file.split == split)
        return replace(self, class_names=tuple(sorted({file.class_name for file in files})), files=files, splits=())

    @contextmanager
    def unpacker(self) -> Iterator[Callable[[ImageFile], bytes]]:
        """A function that gives the bytes of a file; it raises an `ArchiveError` that names a damaged one."""
        with zipfile.ZipFile(io.BytesIO(_readable_names(self.data))) as archive:
            entries = archive.infolist()
            yield lambda file: _unpack(archive, entries[file.place], file.name)

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
        with self.unpacker() as unpack:
            return _decode(unpack, self.files[index])

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
        with self.unpacker() as unpack:
            for start in range(0, len(order), batch_size):
                pixels, kept, skipped = [], [], []
                for index in order[start : start + batch_size]:
                    try:
                        picture = Image.fromarray(_decode(unpack, self.files[index]))
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

    `cat/1.jpg`, `dog/1.jpg` and also `any/thing/cat/1.jpg`: folders that wrap all others are ignored; below `train/`
    and `val/` the classes come next. Files in folders below a class folder belong to that class. Entries that climb out
    (`../`), links, files that lie beside the class folders, files that are no pictures and classes without a picture
    are left out and named in `notes`; hidden files are passed over.

    Args:
        data: the bytes of the ZIP file.
        max_entries: most entries the archive may list.
        max_total_bytes: most bytes that all pictures together may have when unpacked.
        min_classes: fewest classes that make sense to the caller.

    Raises:
        ArchiveError: no ZIP, broken, encrypted, a bomb (entries, total or ratio out of bounds), or no class folder.
    """
    if not data:
        raise ArchiveError("This file is empty, not a ZIP. Please choose a ZIP of class folders.")
    if len(data) > MAX_ARCHIVE_BYTES:
        raise ArchiveError(f"This ZIP is larger than {MAX_ARCHIVE_BYTES // MEGABYTE} MB. Please make it smaller.")
    if data.count(_DIRECTORY_ENTRY) > max_entries:  # counted before zipfile builds an object for each
        raise ArchiveError(f"This ZIP lists more than {max_entries:,} files. Please choose fewer.")
    try:
        with zipfile.ZipFile(io.BytesIO(_readable_names(data))) as archive:
            entries = archive.infolist()
            _refuse_bombs(entries, max_entries, max_total_bytes)
            files, folders, notes = _sort_out(archive, entries)
    except VisitorError:
        raise
    except Exception:  # a hostile archive can fail anywhere in zipfile, and with anything
        raise ArchiveError(_no_zip(data)) from None
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
    splits = tuple(sorted({file.split for file in files}, key=class_folders.order))
    splits = splits if len(splits) > 1 else ()
    if splits:
        counts = ", ".join(f"“{split}” with {sum(file.split == split for file in files)}" for split in splits)
        notes.append(f"The pictures come in splits: {counts}.")
    files.sort(key=lambda file: (file.class_name, file.name))
    return ClassFolders(class_names, tuple(files), tuple(notes), data, splits)


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


def _no_zip(data: bytes) -> str:
    for start, kind in ((b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2")):
        if data.startswith(start):
            return f"This file is a {kind} archive, not a ZIP. Please pack the folders as ZIP."
    return "This file is not a ZIP, or it is damaged. Please pack the folders again."


def _readable_names(data: bytes) -> bytes:
    """The archive itself, or mended where a name is not in the coding that its flag claims."""
    try:
        zipfile.ZipFile(io.BytesIO(data)).close()
        return data
    except UnicodeDecodeError:
        return entry_names.without_false_flags(data)


def _sort_out(
    archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]
) -> tuple[list[ImageFile], set[str], list[str]]:
    """The usable pictures, the names of all class folders, and a note for each kind of entry that is left out."""
    pictures: list[class_folders.Entry] = []
    empty: set[tuple[str, ...]] = set()
    outside, links, foreign, too_big = [], [], [], []
    for place, (entry, name) in enumerate(zip(entries, entry_names.decoded(entries), strict=True)):
        name = name.replace("\\", "/")
        parts = tuple(part.strip() for part in name.split("/") if part.strip() not in ("", "."))
        if ".." in parts or name.startswith("/") or (parts and parts[0].endswith(":")):
            outside.append(name)
        elif not parts or any(part.startswith(".") or part == "__MACOSX" for part in parts):
            continue
        elif name.endswith("/"):
            empty.add(parts)
        elif entry.external_attr >> 28 == 0xA:
            links.append(name)
        elif not _is_picture(archive, entry, parts[-1]):
            foreign.append(name)
        elif entry.file_size > MAX_FILE_BYTES:
            too_big.append(name)
        else:
            pictures.append(class_folders.Entry(parts[:-1], parts[-1], place, entry.file_size))
    found, loose = class_folders.find(pictures)
    named = class_folders.names({entry.folders[depth] for _, depth, entry in found})
    files = [
        ImageFile(
            named[entry.folders[depth]],
            class_folders.readable("/".join((*entry.folders[depth + 1 :], entry.name)), 80),
            entry.place,
            entry.size,
            split,
        )
        for split, depth, entry in found
    ]
    beside = {entry.folders[:depth] for _, depth, entry in found} or {()}
    full = {entry.folders[: depth + 1] for _, depth, entry in found} | beside
    lone = {class_folders.readable(parts[-1], class_folders.MAX_NAME) for parts in empty - full if parts[:-1] in beside}
    most = f"{MAX_FILE_BYTES // MEGABYTE} MB"
    notes = [
        _note(outside, "points outside the archive", "point outside the archive"),
        _note(links, "is a link, not a file", "are links, not files"),
        _note([entry.name for entry in loose], "lies in no class folder", "lie in no class folder"),
        _note(foreign, "is not a picture", "are not pictures"),
        _note(too_big, f"is larger than {most}", f"are larger than {most}"),
    ]
    return files, lone, [note for note in notes if note]


def _is_picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bool:
    """By its ending; what has none is looked into."""
    if "." in name:
        return name.lower().endswith(SUFFIXES)
    try:
        with archive.open(entry) as stream:
            return stream.read(12).startswith(PICTURE_STARTS)
    except Exception:  # it is damaged, and nothing says that it is a picture
        return False


def _note(names: list[str], one: str, many: str) -> str:
    if not names:
        return ""
    if len(names) == 1:
        return f"Left out: “{class_folders.readable(names[0], 80)}” {one}."
    return f"Left out: {len(names)} files {many}, such as “{class_folders.readable(names[0], 80)}”."


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> bytes:
    try:
        with archive.open(entry) as stream:
            return stream.read(MAX_FILE_BYTES)
    except NotImplementedError:
        raise ArchiveError(f"“{name}” is packed in a way that cannot be unpacked here. Please pack it again.") from None
    except Exception:  # as for the archive itself
        raise ArchiveError(f"“{name}” is damaged inside the ZIP. Please pack it again.") from None


def _decode(unpack: Callable[[ImageFile], bytes], file: ImageFile) -> np.ndarray:
    try:
        return images.load(unpack(file))
    except images.ImageError as error:
        raise ArchiveError(f"“{file.name}”: {error}") from None
