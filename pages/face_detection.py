"""Haar features, the cascade built from them, and a small network beside it (book 5.1)."""

import numpy as np
import streamlit as st

from cnndemo import images, ui
from cnndemo.errors import VisitorError
from cnndemo.face_detection import CASCADES, SEARCH_SIDE, Box, conditions, cut, haar, locate, search, upright
from cnndemo.face_detection import figures as charts
from cnndemo.face_detection.questions import questions
from cnndemo.face_detection.views import TRIED, cascade_face, compare, lay_feature, set_upright, show_live, show_trials
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("face_detection")
searched = st.cache_data(search, max_entries=64, show_spinner=False)
of_samples = st.cache_resource(haar.strengths_of_samples, max_entries=1, show_spinner=False)
at_random = st.cache_resource(haar.strength_at_random, max_entries=1, show_spinner=False)


@st.cache_data(max_entries=8, show_spinner=False)
def trials(image: np.ndarray, face: Box) -> list[conditions.Trial]:
    found = conditions.first_compared(image, face, ui.predictor("tiny_face_detector"), conditions.LEAST)
    return [trial.shrunk(TRIED) for trial in found]


@st.fragment
def find() -> None:
    left, right = ui.try_it()
    with left:
        picture = ui.pick_image((*haar.PEOPLE, "motorcycle", "cat"))
        running = ui.live_camera()
        with st.expander("Settings", icon=":material/tune:", expanded=True):
            kind = st.selectbox("Cascade", list(CASCADES)[:2], 1, **state.linked("cascade"))
            scale = st.slider("Scale factor", 1.03, 1.5, 1.1, 0.01, **state.linked("scale"))
            agree = st.slider("Minimum neighbours", 0, 12, 3, **state.linked("neighbours"))
            smallest = st.slider("Smallest window, pixels", 20, 200, 24, **state.linked("smallest"))
            score = st.slider("Least score of the network", conditions.LEAST, 0.95, 0.5, 0.05, **state.linked("score"))
            shown = st.pills("Show also", ["raw hits", "eyes"], selection_mode="multi", **state.linked("also"))
    found = set_upright(images.shrink(picture.image, SEARCH_SIDE))
    image = found.image
    with right, ui.guard():
        result = searched(image, kind, scale, agree, smallest, raw=True)
        if running:
            show_live(image, (kind, scale, agree, smallest), score, shown)
        else:
            compare(picture, found, result, agree, score, shown)
    state["_detection"] = picture, image, result, score, (kind, scale, smallest)
    settle("face_detection", (id(picture.image), result.seconds, score))


ui.section("Try it")
find()
picture, image, result, score, search_settings = state["_detection"]
face = cascade_face(image)

ui.section("How it works", figures=("5.1",))
st.markdown(
    "A Haar feature is a kernel of whole rectangles, set by hand: grey under the light cells minus grey under the dark "
    "ones. The cascade asks hundreds of thousands of such questions a picture; the integral image makes each cheap."
)
if face is None:
    st.caption("No face was found, so the whole picture stands here.")
lay_feature(cut(image, face), picture.alt)

ui.section("Do faces keep the promise?")
st.markdown(
    "The book assumes that the eyes are darker than the cheeks; Viola and Jones add the bridge of the nose. "
    "Here both are measured, in standard deviations of the grey levels: on the sample faces, and on squares at random "
    "places of pictures without people."
)
chance, measured = at_random(), dict(of_samples())
here = images.SAMPLES[picture.name].caption if picture.source == "sample" else "Your picture"
if face and here not in measured:
    measured[here] = haar.strengths(image, face)
ui.chart(charts.assumptions(chance, measured, here), "Faces lie up and to the right, random squares everywhere.")
first, second = chance.values()
st.markdown(
    f"{sum(min(values.values()) > 0 for values in measured.values())} of {len(measured)} faces keep both promises, but "
    f"so do {np.mean((first > 0) & (second > 0)):.0%} of the random squares (each alone: {np.mean(first > 0):.0%} and "
    f"{np.mean(second > 0):.0%}). One feature is a weak classifier. A cascade multiplies many: a square that fails an "
    "early one is dropped at once, and what passes all is called a face."
)

ui.section("Where each wins")
with ui.guard():
    if face is None:
        raise VisitorError("For this comparison the cascade must find a face. Please choose another picture.")
    show_trials([trial.at(score) for trial in trials(image, face)])

usual = {"cascade": "frontal alt2", "scale": 1.1, "neighbours": 3, "smallest": 24}
ui.code(
    [haar.integral, haar.respond, search, locate, upright],
    f"""
    from cnndemo import images, inference
    from cnndemo.face_detection import SEARCH_SIDE, haar, locate, search

    image = images.shrink({picture.code}, SEARCH_SIDE)
    by_cascade = search(image, {", ".join(f"{state.get(*each)!r}" for each in usual.items())}).boxes
    by_network = locate(image, inference.predictor("tiny_face_detector"), {score})
    print(by_cascade, by_network, sep="\\n")
    table = haar.integral(images.to_gray(image))
    print(haar.respond(table, "dark above light", *haar.snap("dark above light", 100, 180, 40, 90, image.shape[:2])))
    """,
    result="""
    from PIL import Image

    from cnndemo.figures import boxes

    Image.fromarray(boxes.boxed(image, {"#E69F00": by_cascade, "#0072B2": by_network}))  # orange: the cascade
    """,
    networks=["tiny_face_detector"], pictures=[picture], instead='images.sample("astronaut")',
)  # fmt: skip
kind = state.get("kind") or next(iter(haar.KINDS))
ui.check_yourself(questions(len(result.raw), kind, image.shape[:2], *search_settings))
ui.model_card("tiny_face_detector", "face_check")
