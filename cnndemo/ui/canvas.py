"""The one adapter over streamlit-drawable-canvas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.errors import StreamlitAPIException


@dataclass(frozen=True)
class Canvas:
    """What is on the canvas.

    Attributes:
        image: uint8 (height, width, 4) RGBA as drawn, without the background picture; None before a stroke.
        objects: the drawn objects in canvas pixels, as Fabric.js describes them.
    """

    image: np.ndarray | None
    objects: list[dict[str, Any]] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return self.image is None or not self.objects

    @property
    def boxes(self) -> list[tuple[float, float, float, float]]:
        """The rectangles drawn, in the order of drawing: (top, left, height, width) in canvas pixels."""
        shift = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}
        found = []
        for item in self.objects:
            if str(item.get("type", "")).lower() != "rect":
                continue
            height = item.get("height", 0) * item.get("scaleY", 1)
            width = item.get("width", 0) * item.get("scaleX", 1)
            top = item.get("top", 0) - shift.get(item.get("originY"), 0.0) * height
            left = item.get("left", 0) - shift.get(item.get("originX"), 0.0) * width
            found.append((top, left, height, width))
        return found


def canvas(
    key: str,
    height: int = 280,
    width: int = 280,
    mode: str = "freedraw",
    stroke_width: int = 20,
    stroke_color: str = "#000000",
    background_color: str = "#ffffff",
    background: np.ndarray | None = None,
    fill_color: str = "rgba(213, 94, 0, 0.15)",
    initial: dict[str, Any] | None = None,
) -> Canvas:
    """A drawing area for mouse and finger.

    Args:
        key: unique key; a new key gives an empty canvas.
        height, width: size in pixels.
        mode: freedraw, line, rect, circle, point or polygon.
        stroke_width, stroke_color, fill_color: of the brush and of shapes.
        background_color: colour of the empty canvas.
        background: picture behind the drawing, uint8 (h, w, 3); stretched to the canvas.
        initial: a drawing to start with, as Fabric.js JSON.

    Returns:
        The drawing; empty where the component cannot run (outside a server).
    """
    try:
        from streamlit_drawable_canvas import st_canvas
    except StreamlitAPIException:  # its files are registered by a running server only
        st.caption("The drawing area needs a browser.")
        return Canvas(None)
    result = st_canvas(
        fill_color=fill_color,
        stroke_width=stroke_width,
        stroke_color=stroke_color,
        background_color=background_color,
        background_image=None if background is None else Image.fromarray(background),
        height=height,
        width=width,
        drawing_mode=mode,
        initial_drawing=initial,
        return_image_data=True,
        key=key,
    )
    objects = (result.json_data or {}).get("objects", [])
    return Canvas(result.image_data, objects)
