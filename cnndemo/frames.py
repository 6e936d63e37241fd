"""Frames of a running camera: small JPEGs that a browser sends, and the pictures that go back. None of them is kept."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
from PIL import Image

from cnndemo import images
from cnndemo.images import ImageError

SIDE = 320  # pixels on the long side that a browser is asked for
LARGEST = 640  # that is looked at all the same
LONGEST = 400_000  # letters of base64; a frame has a twentieth of it
EXACT = 64  # pixels up to which a picture goes back without loss, since each of them is looked at
DAMAGED = "The camera sent a picture that cannot be read."


def decode(sent: Any) -> np.ndarray:
    """A frame as a browser sent it.

    Args:
        sent: a JPEG in base64; anything else is refused, since anybody can send anything.

    Returns:
        uint8 (height, width, 3), at most `SIDE` pixels long.

    Raises:
        ImageError: no text, too long, no base64, no JPEG, damaged, or more than `LARGEST` pixels long.
    """
    if not isinstance(sent, str) or not 0 < len(sent) <= LONGEST:
        raise ImageError(DAMAGED)
    try:
        data = base64.b64decode(sent, validate=True)
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as header:  # looks at its first bytes only
            longest = max(header.size)
    except (binascii.Error, ValueError, OSError, SyntaxError, Image.DecompressionBombError):
        raise ImageError(DAMAGED) from None
    if longest > LARGEST:
        raise ImageError(f"The camera sent a picture of {longest} pixels; at most {LARGEST} are looked at.")
    return images.shrink(images.load(data), SIDE)


def encode(picture: np.ndarray) -> str:
    """A picture, uint8 grey or RGB, as an address that holds it: a small one as PNG, a larger one as JPEG."""
    exact, buffer = max(picture.shape[:2]) <= EXACT, io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG" if exact else "JPEG", **({} if exact else {"quality": 82}))
    return f"data:image/{'png' if exact else 'jpeg'};base64,{base64.b64encode(buffer.getvalue()).decode()}"
