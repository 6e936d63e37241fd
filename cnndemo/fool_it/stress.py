"""What happens to a picture on its way: saved as JPEG, out of focus, moved. Does an attack survive it?"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from cnndemo.errors import VisitorError


def saved_as_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """The picture after it was saved as a JPEG file and opened again.

    Args:
        picture: uint8 (height, width) or (height, width, 3).
        quality: 1 to 100 as JPEG counts; 100 still rounds.

    Raises:
        VisitorError: another quality.
    """
    if not 1 <= quality <= 100:
        raise VisitorError(f"JPEG knows the qualities 1 to 100, not {quality}.")
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=int(quality), subsampling=0)
    return np.asarray(Image.open(io.BytesIO(buffer.getvalue())))


def blurred(picture: np.ndarray, deviation: float) -> np.ndarray:
    """Out of focus: a Gaussian of this standard deviation in pixels; 0 leaves the picture as it is."""
    return picture if deviation <= 0 else cv2.GaussianBlur(picture, (0, 0), deviation, borderType=cv2.BORDER_REFLECT)


def shifted(picture: np.ndarray, pixels: int) -> np.ndarray:
    """Moved to the right by so many pixels; the column at the edge is repeated into the gap."""
    pixels = min(pixels, picture.shape[1] - 1)
    if pixels <= 0:
        return picture
    gap = np.repeat(picture[:, :1], pixels, axis=1)
    return np.ascontiguousarray(np.concatenate([gap, picture[:, :-pixels]], axis=1))


def stressed(picture: np.ndarray, quality: int | None, deviation: float, pixels: int) -> np.ndarray:
    """All three, in the order in which a camera would: moved, out of focus, saved; no JPEG where `quality` is None."""
    result = blurred(shifted(picture, pixels), deviation)
    return result if quality is None else saved_as_jpeg(result, quality)
