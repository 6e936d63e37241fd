"""Pattern matching (book, 1.3): slide a pattern over an image, see the bright dot, and see it fail."""

import numpy as np
import streamlit as st

from cnndemo import figures, images, palette, pattern_matching, ui
from cnndemo.pattern_matching import Match, pictures, scenes, steps
from cnndemo.pattern_matching import figures as drawings
from cnndemo.pattern_matching.questions import questions
from cnndemo.pattern_matching.scenes import SCALES, SHAPES
from cnndemo.pattern_matching.views import RESULT, Quest, choose_quest, pick_position, slide, verdict
from cnndemo.ui import state

SMALL = 8  # up to so many rows and columns, numbers are written out

find = st.cache_data(max_entries=64, show_spinner="Searching …")(pattern_matching.find)
respond = st.cache_data(max_entries=16, show_spinner=False)(pattern_matching.response)
contest = st.cache_data(max_entries=32, show_spinner=False)(scenes.contest)
three_ways = st.cache_data(max_entries=32, show_spinner=False)(steps.three_ways)


def search(quest: Quest) -> tuple[Match, str]:
    """Compare the pattern with every place. Returns the best match and the method."""
    method, top, scales = state.get("method") or "plain", state.get("top") or 1, state.get("scales")
    matches = find(quest.image, quest.pattern, method, SCALES if scales else (1.0,), top)
    best = matches[0]
    scores = respond(quest.image, pattern_matching.resize(quest.pattern, best.scale), method)
    keys = {axis: "_".join(map(str, (axis, *scores.shape, best.row, best.column))) for axis in ("row", "column")}
    state.update({f"{axis}_key": key for axis, key in keys.items()})
    small = max(quest.image.shape) <= SMALL
    if not small:
        slide(quest.image, pattern_matching.resize(quest.pattern, best.scale), scores, best, quest.wanted)
    with result:
        st.markdown(verdict(quest, best))
        if small:
            box = (best.row, best.column, best.height, best.width)
            grid = figures.number_grid(quest.image, "Image", outline=box, colorscale=palette.GRAY)
            ui.chart(grid, alt=f"The image as numbers: {quest.image.tolist()}")
            st.caption("The response: one score for each place of the pattern. Click one to see its sum.")
            picked = tuple(state.get(keys[axis], getattr(best, axis)) for axis in keys)
            chart = drawings.response_map(scores, [match for match in matches if match.scale == best.scale], picked)
            ui.chart(chart, alt=f"The response: {scores.tolist()}", key="map", on_select=pick_position)
        else:
            alt = f"The image with a box round the best match at row {best.row}, column {best.column}"
            ui.show(pictures.marked(quest.image, matches), "The best match and its centre", alt=alt)
        with st.container(horizontal=True):
            picture = pictures.marked(quest.image, matches)
            ui.download("Marked image", lambda: images.png(picture), "match.png", "image/png")
            ui.download("Scores", lambda: steps.to_csv(scores), "scores.csv", "text/csv")
    return best, method


def how_it_works(quest: Quest, best: Match, method: str) -> None:
    """Three positions on the way to the match, then the arithmetic of any position."""
    window = pattern_matching.resize(quest.pattern, best.scale)
    with st.container(horizontal=True):
        for name, share in (("Far", 0.5), ("Closer", 0.2), ("The match", 0.0)):
            place = steps.beside(quest.image, window, best, share)
            score = steps.step(quest.image, window, *place, method).score
            picture = drawings.laid_over(quest.image, window, *place, max(window.shape) // 2)
            ui.show(picture, f"{name}: {score:.6g}", alt=f"The pattern at row and column {place}", width=165)
    st.caption("The pattern, in orange, on its way to the best match, and its score there. Now pick your own place:")
    places = []
    for axis, side, size, place in zip(("row", "column"), quest.image.shape, window.shape, st.columns(2), strict=True):
        key, limit = state[f"{axis}_key"], side - size
        start = getattr(best, axis)
        places.append(place.slider(axis.capitalize(), 0, limit, start, **state.linked(key)) if limit else 0)
    step = steps.step(quest.image, window, *places, method)
    with st.container(horizontal=True):
        for name, values in (("Patch", step.patch), ("Pattern", step.kernel), ("Products", step.products)):
            if max(values.shape) <= SMALL:
                grid = figures.number_grid(values, name, signed=values.min() < 0, digits=4)
                ui.chart(grid, alt=f"{name}: {np.round(values, 2).tolist()}", key=f"step_{name}", width=230)
            else:
                ui.show(drawings.gray_picture(values), name, alt=f"{name}, as a picture", width=165)
    st.code(steps.written_out(step), language=None, wrap_lines=True)


@st.fragment
def limitation(wanted: str) -> None:
    """Let the shapes grow and turn, and compare four ways to search."""
    size, style, seed = (state.get(*item) for item in (("size", 90), ("style", "outline"), ("seed", 4)))
    left, right = ui.try_it()
    with left:
        st.markdown(f"The scene changes; the pattern, an upright **{wanted}** of {size} pixels, does not.")
        growth = st.slider("The shapes grow", 0.6, 2.0, 1.1, 0.05, **state.linked("growth"), format="× %g")
        angle = st.slider("and turn by", 0, 90, 0, 5, **state.linked("angle"), format="%d°")
    scene = scenes.make_scene(size, growth, angle, style, seed, state.get("uneven", False))
    outcomes = contest(scene, scenes.shape_pattern(wanted, size, style), wanted)
    with right, st.container(horizontal=True):
        for way in (outcomes[0], outcomes[-1]):
            picture, words = (
                pictures.marked(scene.image, [way.matches[way.winner]]),
                f"{way.approach}: the {way.winner}",
            )
            ui.show(picture, words, alt=words, width=220)
    st.dataframe([outcome.row for outcome in outcomes], hide_index=True)
    st.caption(
        "Plain and zero-mean sums are per pixel of the pattern. Normalising forgives brightness, a search over sizes "
        "forgives growth and takes its time; nothing here forgives a turn. A network learns many patterns instead."
    )


ui.page("pattern_matching")
ui.section("Try it", figures=("1.4", "1.5", "1.6", "1.7", "1.8"))
st.markdown("Drag the orange pattern over the scene. Where it fits, the sum is large and the response is bright.")
stage, (left, result) = st.container(), ui.try_it()
quest = found = None
with left, ui.guard():
    quest = choose_quest()
with stage, ui.guard():
    found = quest and search(quest)

ui.section("How it works", figures=("1.9", "1.10", "1.11"))
st.markdown(
    "Lay the pattern on the image, multiply what lies on top of each other, add up, move on by a pixel. The sum is "
    "large where bright meets bright. The book calls it convolution; as nothing is flipped, it is cross-correlation."
)
with ui.guard():
    if found:
        how_it_works(quest, *found)

ui.section("Where it fails, and what helps", figures=("1.12", "1.13"))
wanted = quest.wanted if quest and quest.wanted in SHAPES else "circle"
limitation(wanted)

ui.section("Three ways that agree", listings=("1.1",))
with ui.guard():
    if found:
        ways, shape = three_ways(quest.image, quest.pattern)
        st.dataframe([way.row for way in ways], hide_index=True)
        st.caption(f"On {shape[0]} × {shape[1]} pixels: the search above, made small enough for loops in Python.")

if found:
    best, method, scales = *found, "SCALES" if state.get("scales") else "(1.0,)"
    ui.code(
        [pattern_matching.correlate, pattern_matching.response, pattern_matching.find, steps.dot_product],
        "import numpy as np\n\nfrom cnndemo.pattern_matching import find, steps\n"
        f"from cnndemo.pattern_matching.scenes import SCALES\n{quest.code}\n"
        f"matches = find(image, pattern, {method!r}, {scales}, top={state.get('top', 1)})\n"
        "for match in matches:\n    print(match)",
        result=RESULT,
        pictures=[quest.picture] if quest.picture else [],
    )
if quest:
    ui.check_yourself(questions(quest.image, quest.pattern, wanted))
