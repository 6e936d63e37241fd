"""A camera for Chromium that films shipped pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from cnndemo import images
from tests.conftest import encode

SIZE = (640, 480)
FRAMES = 45  # of each picture; Chromium plays 30 a second and begins anew at the end


def film(file: Path, *names: str) -> tuple[str, ...]:
    """Write a film of samples, one after the other, as MJPEG; returns the arguments with which Chromium films it."""
    pictures = (Image.fromarray(images.sample(name)).resize(SIZE) for name in names)
    file.write_bytes(b"".join(encode(picture, "JPEG", quality=85) * FRAMES for picture in pictures))
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",  # permission is given without a question
        f"--use-file-for-fake-video-capture={file}",
    )
