"""Find a data file, or download the official one with progress and a checksum, or say which file to put where."""

from __future__ import annotations

import hashlib
import sys
import urllib.error
import urllib.request
from pathlib import Path


def find(data_dir: Path, file: str, url: str | None = None, sha256: str | None = None, instructions: str = "") -> Path:
    """The path of a data file.

    Args:
        data_dir: folder of `--data-dir`.
        file: name of the file in it.
        url: where the official file can be downloaded; None when it needs a registration or moves often.
        sha256: hex digest of the official file; a download that differs is refused.
        instructions: what to do when there is neither file nor network.

    Raises:
        SystemExit: the file is not there and could not be downloaded; the message says what to put where.
    """
    path = Path(data_dir) / file
    if path.is_file():
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
