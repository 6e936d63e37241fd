"""The input column of the pattern matching page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo import images, pattern_matching, pattern_scenes, pattern_steps
from cnndemo.pattern_matching import WORKED_EXAMPLES
from cnndemo.pattern_scenes import SHAPES, Scene
from cnndemo.ui.boxes import pick_box
from cnndemo.ui.pictures import pick_image

BOX, MATRIX = "box", "matrix"
SEARCH_SIDE = 480  # pixels on the long side of a picture that is searched
LINKED = {"required": True, "bind": "query-params"}


@dataclass
class Quest:
    """What is searched for what, and where it truly is when that is known."""

    image: np.ndarray
    pattern: np.ndarray
    wanted: str
    center: tuple[float, float] | None = None
    scene: Scene | None = None


def choose_quest() -> Quest:
    """Let the visitor choose what to search for what; the settings are kept in the link."""
    source = st.pills(
        "Search in", ["shapes", "picture", *WORKED_EXAMPLES], default="shapes", key="source", wrap=True, **LINKED
    )
    if source in WORKED_EXAMPLES:
        st.caption("The image that the book calculates by hand. Type your own numbers into the pattern.")
        pattern = st.data_editor(WORKED_EXAMPLES[source].pattern, key=f"matrix_{source}", width="content")
        return Quest(WORKED_EXAMPLES[source].image, pattern, "the pattern")
    wanted, scene = BOX, None
    if source == "shapes":
        wanted = (
            st.pills("Look for", [*SHAPES, BOX, MATRIX], default="circle", key="shape", wrap=True, **LINKED) or "circle"
        )
        style = (
            st.segmented_control("Drawn as", ["outline", "filled"], default="outline", key="style", **LINKED)
            or "outline"
        )
        size = st.slider("Size of the shapes", 40, 100, 90, key="size", bind="query-params")
        seed = st.slider("Arrangement", 0, 99, 4, key="seed", bind="query-params")
        uneven = st.toggle("Each shape has its own grey", key="uneven", bind="query-params")
        scene = pattern_scenes.make_scene(size, style=style, seed=seed, uneven=uneven)
        image = scene.image
        if wanted in SHAPES:
            pattern = pattern_scenes.shape_pattern(wanted, size, style)
            return Quest(image, pattern, wanted, scene.center(wanted), scene)
    else:
        image = images.to_gray(images.shrink(pick_image().image, SEARCH_SIDE))
        wanted = st.segmented_control("Look for", [BOX, MATRIX], default=BOX, key="kind", **LINKED) or BOX
    if wanted == MATRIX:
        st.caption("Type your own numbers into the pattern.")
        return Quest(image, st.data_editor(pattern_matching.EDGE, key="matrix", width="content"), "the pattern")
    st.caption("Draw a box with mouse or finger round what you want to find.")
    pattern, center = pattern_steps.crop(image, *pick_box(image))
    grow = st.slider("Then the picture grows", 0.5, 2.0, 1.0, 0.05, key="grow", format="× %g", bind="query-params")
    light = st.slider(
        "and its brightness changes", 0.3, 1.7, 1.0, 0.05, key="light", format="× %g", bind="query-params"
    )
    return Quest(pattern_steps.alter(image, grow, light), pattern, BOX, (center[0] * grow, center[1] * grow))
