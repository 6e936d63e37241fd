"""Find a data file, or download the official one with progress and a checksum, or say which file to put where.

What is damaged is told by its name, and nothing is trained on it.
"""

from __future__ import annotations

import hashlib
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

REMOVE = "Remove it, and the script fetches the official one; or put that one there."

taken: dict[str, int] = {}
"""Names and bytes of the data files that the script has read so far."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """While a data file is read: remembers it, and tells its name if it cannot be read to its end.

    Raises:
        SystemExit: it is damaged, incomplete, or something else than its name says.
    """
    with named(path, REMOVE):
        taken[path.name] = path.stat().st_size
        yield


@contextmanager
def named(path: Path, advice: str) -> Iterator[None]:
    """Tells the name of a file that cannot be read to its end, and what to do.

    Raises:
        SystemExit: it is damaged, incomplete, or something else than its name says.
    """
    errors = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, tarfile.TarError, zlib.error)
    try:
        yield
    except errors as error:
        reason = getattr(error, "strerror", None) or (error.args[0] if error.args else "it ends too early")
        raise SystemExit(f"{path} is damaged or incomplete ({reason}). {advice}") from None


def stored(path: Path, advice: str, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """All arrays of an `.npz` file, by name.

    Raises:
        SystemExit: it is missing or damaged, or lacks one of `names`; the message names it and says `advice`.
    """
    with named(path, advice):
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            raise ValueError("it holds a single array")
        with content:
            arrays = dict(content)
        if missing := [name for name in names if name not in arrays]:
            raise ValueError(f"it has no {missing[0]}")
    return arrays


def picture(data: bytes, name: str, grey: bool = False) -> np.ndarray:
    """Decode a picture: uint8 RGB (height, width, 3), or (height, width).

    Raises:
        ValueError: it is none; the message has its name.
    """
    kind = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), kind) if data else None
    if pixels is None:
        raise ValueError(f"{name} cannot be decoded")
    return pixels if grey else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def find(
    data_dir: Path,
    file: str,
    url: str | None = None,
    sha256: str | None = None,
    instructions: str = "",
    verify: bool = True,
) -> Path:
    """The path of a data file.

    Args:
        data_dir: folder of `--data-dir`.
        file: name of the file in it.
        url: where the official file can be downloaded; None when it needs a registration or moves often.
        sha256: hex digest of the official file; a file that differs is refused.
        instructions: what to do when there is neither file nor network.
        verify: False if a file that is there may be packed otherwise, because its content is checked.

    Raises:
        SystemExit: the file is not there and could not be downloaded, or it is not the official one; the message says
            what to put where.
    """
    path = Path(data_dir) / file
    if path.is_file():
        if sha256 and verify:
            with open(path, "rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != sha256:
                    raise SystemExit(f"{path} is damaged, or not the official file: its checksum differs. {REMOVE}")
        return path
    if url:
        try:
            return download(url, path, sha256)
        except (OSError, urllib.error.URLError) as error:
            print(f"Could not download {url}: {error}", file=sys.stderr)
    raise SystemExit(f"{file} is missing. Put it into {data_dir} (--data-dir or CNNDEMO_DATA). {instructions}".strip())


def download(url: str, path: Path, sha256: str | None = None) -> Path:
    """Download to `path` with a progress line; the file appears only when it is whole and its checksum right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=60) as response, open(part, "wb") as out:
        total = int(response.headers.get("Content-Length") or 0)
        while block := response.read(1 << 20):
            out.write(block)
            digest.update(block)
            done += len(block)
            percent = f" of {total / 1e6:.0f}" if total else ""
            print(f"\r{path.name}: {done / 1e6:.0f}{percent} MB", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if sha256 and digest.hexdigest() != sha256:
        part.unlink()
        raise OSError(f"checksum of {path.name} is {digest.hexdigest()}, expected {sha256}")
    return part.replace(path)
