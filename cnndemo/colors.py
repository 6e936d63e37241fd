"""Colours as they were meant: embedded profiles, and what a PNG says of its gamma and primaries, to sRGB.

Phones save Display P3, cameras Adobe RGB, printers CMYK; read as sRGB their colours are wrong by up to 60 levels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

SRGB_CHROMATICITY = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # white, red, green, blue: x, y each
GAMMA = 0.45455  # of a PNG that means sRGB
#: Bradford's cone responses, to adapt one white to another (Lam 1985).
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_ROOM = 400_000  # bytes of the largest profile that is kept


def to_srgb(picture: Image.Image, info: Mapping) -> Image.Image:
    """A small picture in its colours.

    Args:
        picture: L, RGB, RGBA, CMYK or LAB.
        info: what Pillow found in the file: "icc_profile", or of a PNG "srgb", "gamma" and "chromaticity".

    Returns:
        RGB, or RGBA where it was that.
    """
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    flat = picture.convert("RGB") if alpha else picture
    profile = info.get("icc_profile")
    if isinstance(profile, bytes) and profile:
        flat = _by_profile(flat, profile)
    elif "srgb" not in info and ("gamma" in info or "chromaticity" in info):
        flat = _by_gamma(flat, info.get("gamma"), info.get("chromaticity"))
    flat = flat if flat.mode == "RGB" else flat.convert("RGB")
    if alpha:
        flat.putalpha(alpha)
    return flat


def _by_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    """Through the file's profile; one that is broken or of other colours than the picture is passed over."""
    build = _transform if len(profile) <= _ROOM else _transform.__wrapped__
    for mode in (picture.mode, "RGB"):
        if (mode == picture.mode or picture.mode == "L") and (transform := build(profile, mode)):
            return transform.apply(picture if mode == picture.mode else picture.convert(mode))
    return picture


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From a profile to sRGB, for pictures of this mode; None if it is broken, or for others."""
    space = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}.get(mode)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != space:
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _by_gamma(picture: Image.Image, gamma: float | None, chromaticity: tuple | None) -> Image.Image:
    """What gAMA and cHRM of a PNG say; the usual values mean sRGB."""
    usual = gamma is None or abs(gamma - GAMMA) < 0.005
    corners = chromaticity if _sound(chromaticity) else SRGB_CHROMATICITY
    same = np.allclose(corners, SRGB_CHROMATICITY, atol=0.002)
    if (usual and same) or (gamma is not None and not 0.05 <= gamma <= 5) or picture.mode not in ("L", "RGB"):
        return picture
    levels = np.arange(256) / 255
    linear = _srgb_to_linear(levels) if gamma is None else levels ** (1 / gamma)
    if same:
        table = np.rint(255 * _linear_to_srgb(linear)).astype(np.uint8).tolist()
        return picture.point(table * len(picture.getbands()))
    values = linear.astype(np.float32)[np.asarray(picture.convert("RGB"))]
    values = values @ (np.linalg.inv(_matrix(SRGB_CHROMATICITY)) @ _matrix(corners)).T.astype(np.float32)
    return Image.fromarray(np.rint(255 * _linear_to_srgb(values.clip(0, 1))).astype(np.uint8))


def _sound(chromaticity: tuple | None) -> bool:
    """Whether it gives a white and three corners that span a triangle."""
    if chromaticity is None or len(chromaticity) != 8 or min(chromaticity[1::2]) <= 0:
        return False
    return abs(np.linalg.det(_corners(chromaticity))) > 1e-3


def _corners(chromaticity: tuple) -> np.ndarray:
    """XYZ of the three primaries as columns, each of luminance one."""
    return np.array(
        [[x / y, 1, (1 - x - y) / y] for x, y in zip(chromaticity[2::2], chromaticity[3::2], strict=True)]
    ).T


def _matrix(chromaticity: tuple) -> np.ndarray:
    """From linear RGB of these primaries to XYZ, adapted to the white of sRGB."""
    x, y = chromaticity[:2]
    white = np.array([x / y, 1, (1 - x - y) / y])
    corners = _corners(chromaticity)
    matrix = corners * np.linalg.solve(corners, white)
    x, y = SRGB_CHROMATICITY[:2]
    gains = (BRADFORD @ [x / y, 1, (1 - x - y) / y]) / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD @ matrix


def _srgb_to_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _linear_to_srgb(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
