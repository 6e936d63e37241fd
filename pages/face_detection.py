"""Haar features, the cascade built from them, and a small network beside it (book 5.1)."""

import numpy as np
import streamlit as st

from cnndemo import images, ui
from cnndemo.errors import VisitorError
from cnndemo.face_detection import CASCADES, SEARCH_SIDE, Box, conditions, cut, eyes, haar, locate, search, upright
from cnndemo.face_detection import figures as charts
from cnndemo.face_detection.views import cascade_face, lay_feature, set_upright, show_trials, tell_check, tell_turn
from cnndemo.figures import ACCENT, INPUT, KERNEL
from cnndemo.figures.boxes import boxed
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("face_detection")
PEOPLE = ("astronaut", "obama_1", "obama_2", "obama_3", "biden_1")
THINGS = ("cat", "coffee", "rocket", "motorcycle")
searched = st.cache_data(search, max_entries=64, show_spinner=False)
of_samples = st.cache_data(haar.strengths_of_samples, max_entries=1, show_spinner=False)
at_random = st.cache_data(haar.strength_at_random, max_entries=1, show_spinner=False)


@st.cache_data(max_entries=8, show_spinner=False)
def trials(image: np.ndarray, face: Box, threshold: float) -> list[conditions.Trial]:
    return conditions.compare(image, face, ui.predictor("tiny_face_detector"), threshold)


@st.fragment
def find() -> None:
    left, right = ui.try_it()
    with left:
        picture = ui.pick_image((*PEOPLE, "motorcycle", "cat"))
        with st.expander("Settings", icon=":material/tune:", expanded=True):
            kind = st.selectbox("Cascade", list(CASCADES)[:2], 1, **state.linked("cascade"))
            scale = st.slider("Scale factor", 1.03, 1.5, 1.1, 0.01, **state.linked("scale"))
            agree = st.slider("Minimum neighbours", 0, 12, 3, **state.linked("neighbours"))
            smallest = st.slider("Smallest window, pixels", 20, 200, 24, **state.linked("smallest"))
            score = st.slider("Least score of the network", 0.05, 0.95, 0.5, 0.05, **state.linked("score"))
            shown = st.pills("Show also", ["raw hits", "eyes"], selection_mode="multi", **state.linked("also"))
    found = set_upright(images.shrink(picture.image, SEARCH_SIDE))
    image = found.image
    with right, ui.guard():
        tell_turn(found)
        result = searched(image, kind, scale, agree, smallest, raw=True)
        groups = {"#888888": result.raw} if "raw hits" in shown else {}
        if "eyes" in shown:
            groups[ACCENT] = [eye for face in result.boxes for eye in eyes(image, face)]
        one, two = st.columns(2)
        with one:
            time = f"{result.seconds * 1e3:.0f} ms"
            st.metric("Cascade of Haar features", f"{len(result.boxes)} found", time, "off", delta_arrow="off")
            ui.show(
                images.shrink(boxed(image, {**groups, KERNEL: result.boxes}), 500),
                f"{len(result.raw)} raw hits, grouped where at least {agree} agree",
                f"{picture.alt}; the cascade found {len(result.boxes)} faces",
            )
        with two:
            boxes, seconds = conditions.timed(locate, image, ui.predictor("tiny_face_detector"), score)
            time = f"{seconds * 1e3:.0f} ms"
            st.metric("Convolutional network", f"{len(boxes)} found", time, "off", delta_arrow="off")
            ui.show(
                images.shrink(boxed(image, {INPUT: boxes}), 500),
                "scores " + ", ".join(f"{box.score:.2f}" for box in boxes) if boxes else "no score is high enough",
                f"{picture.alt}; the network found {len(boxes)} faces",
            )
        tell_check([*result.boxes, *boxes], found)
    state["_detection"] = picture, image, result, score
    settle("face_detection", (id(picture.image), result.seconds, score))


ui.section("Try it")
find()
picture, image, result, score = state["_detection"]
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
chance, measured = at_random(THINGS), dict(of_samples(PEOPLE))
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
    show_trials(trials(image, face, score))

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
raw = len(result.raw)
ui.check_yourself(
    [
        ui.Question(
            "A feature grows to twice its height and width. How many look-ups does it need now?",
            ["as many as before", "twice as many", "four times as many"],
            "as many as before",
            "Four corners a cell, whatever lies between them: the integral image has added the pixels already.",
        ),
        ui.Question(
            "How many windows of this picture did the cascade call a face, before neighbours were grouped?",
            sorted({str(raw), str(raw // 3 + 1), str(raw * 10 + 7)}, key=int),
            str(raw),
            "A face is hit again and again, at neighbouring places and sizes; a chance hit is mostly alone.",
        ),
    ]
)
ui.model_card("tiny_face_detector", "face_check")
