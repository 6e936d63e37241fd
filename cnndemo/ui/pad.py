"""A pad to draw on, or to draw a box on, for mouse, finger, pen and keyboard; what is drawn comes as numbers."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import streamlit as st
from PIL import ImageColor

from cnndemo import images
from cnndemo.ui.session import state

PEN_DOWN = "pen_down"  # of the page: whether a stroke is being drawn right now
MOST_POINTS = 40_000  # of all strokes; the pad itself stops at half of it
_FINE = 4  # a drawing is made four times as large, then averaged: smooth edges
_HERE = Path(__file__).resolve().parent
_HTML = """
<canvas tabindex="0" role="application"></canvas>
<div class="bar"><span class="tools"><button type="button" class="pen">Pen</button>
<button type="button" class="eraser">Eraser</button></span>
<button type="button" class="undo">Undo</button><button type="button" class="clear">Clear</button></div>
<div class="said" role="status"></div>
"""
_component = st.components.v2.component(
    "cnndemo_pad", html=_HTML, css=(_HERE / "pad.css").read_text(), js=(_HERE / "pad.js").read_text()
)


@dataclass(frozen=True)
class Stroke:
    """One stroke: "pen", "eraser" or "box"; width in pixels; points (n, 2) as x and y in pixels of the pad."""

    tool: str
    width: float
    points: np.ndarray


@dataclass(frozen=True)
class Drawing:
    """What is on a pad of `height` × `width` pixels."""

    height: int
    width: int
    strokes: tuple[Stroke, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was drawn."""
        return not any(stroke.tool == "pen" for stroke in self.strokes)

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """The box drawn last: (top, left, height, width) in pixels of the pad."""
        for stroke in reversed(self.strokes):
            if stroke.tool == "box" and len(stroke.points) == 2:
                (left, top), (right, bottom) = stroke.points.min(axis=0), stroke.points.max(axis=0)
                return float(top), float(left), float(bottom - top), float(right - left)
        return None

    def on(self, mask: np.ndarray) -> np.ndarray:
        """A mask, bool (h, w) of any size, after the pen has added to it and the eraser has taken from it."""
        rows, columns = mask.shape
        scale = np.array([columns / self.width, rows / self.height])
        result = np.ascontiguousarray(mask, np.uint8)
        for stroke in self.strokes:
            if stroke.tool in ("pen", "eraser"):
                _line(result, stroke.points * scale, stroke.width * scale.mean(), int(stroke.tool == "pen"))
        return result.astype(bool)

    def ink(self) -> np.ndarray:
        """How much of each pixel is inked, float32 (height, width) in [0, 1]."""
        fine = self.on(np.zeros((_FINE * self.height, _FINE * self.width), bool))
        return fine.reshape(self.height, _FINE, self.width, _FINE).mean(axis=(1, 3), dtype=np.float32)

    def image(self, ink: str = "#000000", paper: str = "#ffffff") -> np.ndarray:
        """The drawing in two colours "#rrggbb", uint8 (height, width, 3)."""
        inked = self.ink()[..., None]
        dark, light = (np.array(ImageColor.getrgb(color)) for color in (ink, paper))
        return np.rint(inked * dark + (1 - inked) * light).astype(np.uint8)


def _line(canvas: np.ndarray, points: np.ndarray, width: float, value: int) -> None:
    """Draw a line with round ends and joints into uint8 `canvas`; points (n, 2) as x and y in pixels."""
    shift = 4
    fixed = np.rint(points * 2**shift).astype(np.int32)
    radius = max(width / 2, 0.5)
    if len(fixed) > 1:
        cv2.polylines(canvas, [fixed], False, value, max(1, round(width)), cv2.LINE_8, shift)
    for x, y in fixed[:: len(fixed) - 1] if len(fixed) > 1 else fixed:
        cv2.circle(canvas, (int(x), int(y)), round(radius * 2**shift), value, -1, cv2.LINE_8, shift)


def read(strokes: Any) -> tuple[Stroke, ...]:
    """The strokes that a browser sent; whatever is not a stroke is left out, since anybody can send anything."""
    found, left = [], MOST_POINTS
    for item in strokes if isinstance(strokes, list) else ():
        try:
            points = np.array(item["points"], float).reshape(-1, 2)[:left]
            tool, width = str(item["tool"]), float(item["width"])
        except (TypeError, ValueError, KeyError):
            continue
        if tool in ("pen", "eraser", "box") and len(points) and np.isfinite(points).all() and math.isfinite(width):
            left -= len(points)
            found.append(Stroke(tool, min(max(width, 0.0), 200.0), points.clip(-2000, 4000)))
    return tuple(found)


def _sent(strokes: Iterable[Stroke]) -> list[dict[str, Any]]:
    return [{"tool": s.tool, "width": s.width, "points": s.points.round(1).tolist()} for s in strokes]


def pad(
    key: str,
    height: int = 280,
    width: int = 280,
    alt: str = "Drawing area",
    pen: float = 18,
    color: str = "#000000",
    paper: str = "#ffffff",
    background: np.ndarray | None = None,
    eraser: str | None = None,
    box: bool = False,
) -> Drawing:
    """A drawing area. What is drawn is found again when the visitor comes back to the page.

    Args:
        key: short name; another name is another sheet.
        height, width: in pixels; where there is less room it shrinks, and the numbers stay.
        alt: what one draws here, for those who cannot see it.
        pen: width of the next stroke.
        color, paper: of the ink and of the empty pad.
        background: picture below, uint8 (h, w, 3); stretched to the pad.
        eraser: a colour in which the eraser's strokes are shown; without it, it rubs out.
        box: boxes are drawn instead of strokes, one at a time.
    """
    slot = f"{key}.strokes"
    known: tuple[Stroke, ...] = state.get(slot, ())
    data = {
        "height": height, "width": width, "alt": alt, "pen": pen, "color": color, "paper": paper, "box": box,
        "eraser": eraser, "strokes": _sent(known), "sheet": state.visit,
        "background": None if background is None else _data_url(background),
    }  # fmt: skip
    result = _component(key=state.key(f"{key}.pad"), data=data, on_strokes_change=lambda: None)
    if result.strokes is not None:
        known = state[slot] = read(result.strokes)
        state[PEN_DOWN] = isinstance(result.strokes, list) and any(
            isinstance(stroke, dict) and stroke.get("open") is True for stroke in result.strokes
        )
    return Drawing(height, width, known)


def _data_url(picture: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(images.png(picture)).decode()
