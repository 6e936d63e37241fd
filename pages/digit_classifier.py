"""Draw, sample or photograph a digit, and the book's network reads it (book 2.1–2.3)."""

import hashlib
import inspect

import numpy as np
import streamlit as st

from cnndemo import digit_classifier, images, ui
from cnndemo.digit_classifier import looking, preparation, strokes, views
from cnndemo.digit_classifier.questions import questions
from cnndemo.models import digit_classifier as architecture
from cnndemo.ui import own_network
from cnndemo.ui.pictures import Picture
from cnndemo.ui.settling import settle

MODEL = digit_classifier.MODEL
STAND_IN = "np.repeat(images.digit(4, 2)[..., None], 3, axis=2)"
SOURCES = ("draw", "mnist", "photo", "own", "upload", "camera")


@st.cache_data(max_entries=64, show_spinner=False)
def _read(image: np.ndarray, steps: frozenset[str], part: tuple | None, network: str) -> digit_classifier.Readings:
    return digit_classifier.read_number(image, reader.predictor(), steps, area=part)


def read(image: np.ndarray, steps: frozenset[str], part: tuple | None = None) -> digit_classifier.Readings:
    return _read(image, steps, part, reader.key)


@st.fragment
def try_it() -> None:
    """Everything under Try it: it follows the pen, and the rest of the page follows when the pen is lifted."""
    left, right = ui.try_it()
    with left:
        picture, label = ui.pick_digit(sources=SOURCES, photo=digit_classifier.sample_photo), "The network reads"
        if picture is None:
            st.caption("Nothing is there yet, so nothing is read. Until then a digit of MNIST stands in.")
            image = np.repeat(images.digit(4, 2)[..., None], 3, axis=2)
            picture, label = Picture(image, "a digit of MNIST", "sample", STAND_IN), "The stand-in is read as"
    reading = part = None
    steps = digit_classifier.ALL_STEPS
    with left, ui.guard():
        part = views.pick_part(picture)
    with right, ui.guard():
        answer = ui.stage()
        steps = views.pick_steps()
        try:
            readings = read(picture.image, steps, part)
        except digit_classifier.NoDigit as error:
            with ui.guard():
                alone = digit_classifier.answer_to(error.ink, reader.predictor())
                with answer:
                    views.show_no_digit(error)
                    if alone:
                        views.show_probabilities(alone)
                views.explain_no_digit(picture, error, alone)
            raise
        with answer:
            chosen = views.show_number(readings, label)
            reading = readings[chosen]
            views.show_probabilities(reading)
        views.explain(picture, readings, chosen)
        if reading.doubtful:
            views.show_neighbours(reading)
        views.show_steps(reading, steps)
        if len(steps) < len(preparation.STEPS):
            whole = "".join(str(r.digit) for r in read(picture.image, digit_classifier.ALL_STEPS, part))
            st.caption(f"With every step on, it reads **{whole}**.")
    ui.state["_read"] = reading, steps, picture, part
    settle("read", (hashlib.sha1(picture.image).digest(), part, steps, reading and reading.box, reader.key))


ui.page("digit_classifier")
own = own_network.notice()
reader = own_network.reader(MODEL, own)
ui.section("Try it", figures=("2.2",))
try_it()
reading, steps, picture, part = ui.state["_read"]
ui.show(
    digit_classifier.mnist_sheet(),
    "MNIST: the network learned from digits like these, and from no other handwriting.",
    "sixty handwritten digits, from 0 to 9 and again",
)

ui.section("How it works", figures=("2.1", "2.11", "2.12", "2.13"), listings=("2.1", "2.2"))
left, right = st.columns(2, gap="large")
with left:
    st.markdown("**The network**, listing 2.1. The book forgets the channel axis of `input_shape`; here it is.")
    if own:
        st.caption("Yours has other layers: they are in the summary.")
    st.code(inspect.getsource(architecture.build), language="python", wrap_lines=True)
rows = []
with right, ui.guard():
    rows = digit_classifier.summary(reader.layers)
    total, largest = sum(row["parameters"] for row in rows), max(rows, key=lambda row: row["parameters"])
    st.markdown("**Its summary**, listing 2.2, read from the network that runs on this page.")
    ui.table(rows)
    st.markdown(
        f"Together **{total:,}** parameters. {largest['parameters'] / total:.1%} of them are in `{largest['layer']}`."
    )
outputs = None
if reading is not None:
    with ui.guard():
        outputs = reader.predictor(digit_classifier.stages(reader.layers))(reading.input[None, :, :, None])
        st.markdown(
            f"**The way of this {reading.digit} through the network.** A layer is what makes one from the other."
        )
        with st.container(horizontal=True):
            for name, shape, stage in digit_classifier.journey(outputs, reading.input):
                with st.container(width=130 if name == "input" else 380 if stage.shape[1] > 390 else 260):
                    ui.show(stage, f"{name}: {shape}", f"{name}, {shape} values, brighter is higher", target=380)
if outputs is not None:
    left, right = st.columns(2, gap="large")
    names = list(outputs)
    flat = next((place for place in range(1, len(names)) if names[place].startswith("flatten")), None)
    with left:
        if flat is not None and min(outputs[names[flat - 1]].shape[1:]) > 3:
            views.flatten(outputs[names[flat - 1]][0], outputs[names[flat]][0])
    with right:
        views.dense(outputs[names[-2]][0], reading.digit, reader.arrays(names[-1]))

ui.code(
    [digit_classifier.read_number, looking.look, strokes.contrast, preparation.prepare, architecture.build],
    f"""
    import numpy as np
    from cnndemo import digit_classifier, images

    photo = {picture.code}  # or any picture, uint8 (height, width, 3)
    readings = digit_classifier.read_number(photo, steps=set({sorted(steps)}){f", area={part}" if part else ""})
    for reading in readings:
        print(reading.digit, f"{{reading.confidence:.1%}}", reading.box)
    """,
    result=views.RESULT, networks=[MODEL, digit_classifier.JUDGE], pictures=[picture], instead=STAND_IN,
)  # fmt: skip
if outputs is not None:
    ui.check_yourself(questions(reading.probabilities, rows, reader.arrays(list(outputs)[-1])[0]))
ui.model_card(MODEL, digit_classifier.JUDGE)
