"""The input column of the pattern matching page, and what a search found in a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from cnndemo import images, pattern_matching
from cnndemo.pattern_matching import scenes, steps
from cnndemo.pattern_matching.figures import gray_picture
from cnndemo.pattern_matching.matching import METHODS, WORKED_EXAMPLES, Match, correlate
from cnndemo.pattern_matching.scenes import SHAPES, Scene
from cnndemo.ui.boxes import pick_box
from cnndemo.ui.bring import edit_table
from cnndemo.ui.choices import one_of
from cnndemo.ui.pictures import Picture, pick_image, show
from cnndemo.ui.session import state

BOX, MATRIX = "box", "matrix"
RESULT = """
from PIL import Image, ImageDraw

side = max(1, 480 // max(image.shape))  # pixels that each pixel of a small image gets
shown = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8)).convert("RGB")
shown = shown.resize((side * shown.width, side * shown.height), Image.Resampling.NEAREST)
for match in matches:
    top, left = side * match.row, side * match.column
    frame = (left, top, left + side * match.width - 1, top + side * match.height - 1)
    ImageDraw.Draw(shown).rectangle(frame, outline="#E69F00", width=3)
shown
"""
"""What the notebook shows in the end."""
TINY = 8  # up to so many rows and columns, the numbers are written out elsewhere
SEARCH_SIDE = 480  # pixels on the long side of a picture that is searched


@dataclass
class Quest:
    """What is searched for what, where it truly is when that is known, and the code that makes image and pattern."""

    image: np.ndarray
    pattern: np.ndarray
    wanted: str
    code: str
    center: tuple[float, float] | None = None
    scene: Scene | None = None
    picture: Picture | None = None


def choose_quest() -> Quest:
    """Let the visitor choose what to search for what; the settings are kept in the link."""
    sources = ["shapes", "picture", *WORKED_EXAMPLES]
    source = one_of(st.pills, "Search in", sources, "shapes", "source", wrap=True)
    quest = _quest(source)
    height, width = quest.pattern.shape
    if max(height, width) > TINY:
        show(gray_picture(quest.pattern), f"The pattern, {height} × {width}", f"The pattern: {quest.wanted}", width=130)
    return quest


def _choose_search() -> None:
    """How pattern and patch are compared, how many matches are sought, and in which sizes."""
    one_of(st.segmented_control, "Compare by", list(METHODS), "plain", "method", wrap=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider("Matches", 1, 8, 1, **state.linked("top"), width=160)
        st.toggle("Search sizes too", **state.linked("scales"))


def _quest(source: str) -> Quest:
    if source in WORKED_EXAMPLES:
        _choose_search()
        image = WORKED_EXAMPLES[source].image
        st.caption("The image that the book calculates by hand.")
        code = f"image = np.array({image.tolist()}, np.uint8)"
        return _matrix_quest(image, WORKED_EXAMPLES[source].pattern, f"matrix_{source}", code)
    return _scene_quest() if source == "shapes" else _picture_quest()


def _scene_quest() -> Quest:
    shapes = [*SHAPES, BOX, MATRIX]
    wanted = one_of(st.pills, "Look for", shapes, "circle", "shape", wrap=True)
    with st.expander("How to compare, and how the scene is drawn", icon=":material/tune:"):
        _choose_search()
        style = one_of(st.segmented_control, "Drawn as", ["outline", "filled"], "outline", "style")
        size = st.slider("Size of the shapes", 40, 100, 90, **state.linked("size"))
        seed = st.slider("Arrangement", 0, 99, 4, **state.linked("seed"))
        uneven = st.toggle("Each shape has its own grey", **state.linked("uneven"))
    scene = scenes.make_scene(size, style=style, seed=seed, uneven=uneven)
    code = (
        "from cnndemo.pattern_matching.scenes import make_scene, shape_pattern\n\n"
        f"image = make_scene(size={size}, style={style!r}, seed={seed}, uneven={uneven}).image"
    )
    if wanted == BOX:
        return _box_quest(scene.image, code)
    if wanted == MATRIX:
        return _matrix_quest(scene.image, pattern_matching.EDGE, "matrix", code)
    code += f"\npattern = shape_pattern({wanted!r}, {size}, {style!r})"
    pattern = scenes.shape_pattern(wanted, size, style)
    return Quest(scene.image, pattern, wanted, code, scene.center(wanted), scene)


def _picture_quest() -> Quest:
    picture = pick_image()
    _choose_search()
    image = images.to_gray(images.shrink(picture.image, SEARCH_SIDE))
    code = f"from cnndemo import images\n\nimage = images.to_gray(images.shrink({picture.code}, {SEARCH_SIDE}))"
    wanted = one_of(st.segmented_control, "Look for", [BOX, MATRIX], BOX, "kind")
    cut = wanted == BOX
    quest = _box_quest(image, code) if cut else _matrix_quest(image, pattern_matching.EDGE, "matrix", code)
    return replace(quest, picture=picture)


def _matrix_quest(image: np.ndarray, start: np.ndarray, key: str, code: str) -> Quest:
    """The visitor types the pattern."""
    st.caption("Type your own numbers into the pattern.")
    pattern = edit_table(key, start, width="content")
    return Quest(image, pattern, "the pattern", f"{code}\npattern = np.array({pattern.tolist()}, np.float32)")


def _box_quest(image: np.ndarray, code: str) -> Quest:
    """The visitor cuts the pattern from the image, which then may change."""
    st.caption("Draw a box with mouse or finger round what you want to find.")
    rows, columns = pick_box(image)
    pattern, (row, column) = steps.crop(image, rows, columns)
    options = {"format": "× %g"}
    grow = st.slider("Then the picture grows", 0.5, 2.0, 1.0, 0.05, **state.linked("grow"), **options)
    light = st.slider("and its brightness changes", 0.3, 1.7, 1.0, 0.05, **state.linked("light"), **options)
    code += f"\npattern, _ = steps.crop(image, {rows}, {columns})\nimage = steps.alter(image, {grow}, {light})"
    return Quest(steps.alter(image, grow, light), pattern, BOX, code, (row * grow, column * grow))


def verdict(quest: Quest, best: Match) -> str:
    """What was found, in a sentence."""
    found = f"Best score **{best.score:.6g}** at row {best.row}, column {best.column}."
    if quest.scene:
        place = quest.scene.at(best.center)
        return f"{found} That is **the {place}**" + (", as wanted." if place == quest.wanted else ": not as wanted.")
    if quest.center:
        return found + (" That is **the box**." if best.hits(quest.center) else " That is **not** the box.")
    for example in WORKED_EXAMPLES.values():
        if example.image is quest.image and np.array_equal(correlate(quest.image, quest.pattern), example.response):
            found += " The plain sums equal the book's, number for number."
    return found


def pick_position() -> None:
    """A click on the response map becomes the position of the step view."""
    if points := state["map"].selection.points:
        for axis, value in (("row", points[0]["y"]), ("column", points[0]["x"])):
            state[state[f"{axis}_key"]] = int(value)
