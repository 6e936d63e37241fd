"""Draw, sample or photograph a digit, and the book's network reads it (book 2.1–2.3)."""

import inspect

import numpy as np
import streamlit as st

from cnndemo import digit_classifier, digit_preparation, ui, weights
from cnndemo.figures import INPUT, OUTPUT, number_grid
from cnndemo.figures import digit_classifier as charts
from cnndemo.models import digit_classifier as architecture
from cnndemo.ui.pictures import Picture

MODEL = digit_classifier.MODEL


@st.cache_data(max_entries=64, show_spinner=False)
def read(image: np.ndarray, steps: frozenset[str]) -> list[digit_classifier.Reading]:
    return digit_classifier.read_number(image, ui.predictor(MODEL), steps)


def choose() -> tuple[Picture, bool]:
    """The picture to read, and whether it is only a stand-in."""
    picture = ui.pick_digit()
    if picture is not None:
        return picture, False
    st.caption("Nothing is there yet, so nothing of yours is read. Until you draw, a digit from MNIST stands in.")
    image = digit_classifier.sample(4, 2)
    return Picture(np.repeat(image[..., None], 3, axis=2), "the stand-in from MNIST", "sample"), True


def pick_steps() -> frozenset[str]:
    """The switches of the preparation steps."""
    names = list(digit_preparation.STEPS)
    chosen = st.pills(
        "What the network saw: switch a step off and see the answer change",
        names,
        selection_mode="multi",
        default=names,
        key="steps",
        bind="query-params",
        format_func=digit_preparation.STEPS.get,
    )
    return frozenset(chosen)


def show_answer(picture: Picture, readings: list, chosen: int, stand_in: bool) -> None:
    """The reading in large type."""
    text = "".join(str(reading.digit) for reading in readings)
    least = min(reading.confidence for reading in readings)
    name = "The stand-in reads" if stand_in else "The network reads"
    sure = f"{least:.1%} sure" + (" of the least sure digit" if len(readings) > 1 else "")
    st.metric(name, text, sure, delta_color="off", delta_arrow="off")
    if len(readings) > 1:
        ui.show(
            digit_classifier.boxed(picture.image, readings, chosen),
            alt=f"{picture.name}; boxes around {text}",
            width=460,
        )


def show_steps(reading) -> None:
    """Each preparation step as a picture."""
    with st.container(horizontal=True):
        for step in reading.steps:
            title = digit_preparation.STEPS[step.name]
            with st.container(width=118):
                ui.show(step.picture, f"{title}: {step.note}", f"after the step {title}, {step.note}", target=112)


ui.page("digit_classifier")
ui.section("Try it", figures=("2.2",))
left, right = ui.try_it()
with left:
    picture, stand_in = choose()
reading = None
with right, ui.guard():
    answer = st.container()
    steps = pick_steps()
    readings = read(picture.image, steps)
    chosen = 0
    if len(readings) > 1:
        with answer:
            labels = [f"{i + 1}: {r.digit}" for i, r in enumerate(readings)]
            chosen = labels.index(st.segmented_control("Look at digit", labels, default=labels[0], required=True))
    reading = readings[chosen]
    with answer:
        show_answer(picture, readings, chosen, stand_in)
        ui.chart(
            charts.probabilities(reading.probabilities, reading.digit),
            alt=f"probabilities of the ten digits; highest {reading.digit} with {reading.confidence:.1%}",
            key="probabilities",
        )
    show_steps(reading)
    if len(steps) < len(digit_preparation.STEPS):
        full = "".join(str(r.digit) for r in read(picture.image, digit_classifier.ALL_STEPS))
        st.caption(f"With every step on, the answer is **{full}**.")
ui.show(
    digit_classifier.mnist_sheet(),
    "MNIST: the network learned from 55,000 such digits, and from no other handwriting",
    "sixty handwritten digits, each column one digit",
)

ui.section("How it works", figures=("2.1", "2.11", "2.12", "2.13"), listings=("2.1", "2.2"))
left, right = st.columns(2, gap="large")
with left:
    st.markdown("**The network**, listing 2.1. The book forgets the channel axis in `input_shape`; it is here.")
    st.code(inspect.getsource(architecture.build), language="python")
with right, ui.guard():
    rows = digit_classifier.summary(ui.model(MODEL))
    st.markdown("**Its summary**, listing 2.2, read from the model that runs on this page.")
    st.dataframe(rows, hide_index=True)
    total = sum(row["parameters"] for row in rows)
    st.markdown(f"Together **{total:,}** parameters; {max(row['parameters'] for row in rows) / total:.1%} of them join the "
                "flattened maps to the first dense layer.")  # fmt: skip
if reading is not None:
    with ui.guard():
        outputs = ui.predictor(MODEL, digit_classifier.STAGES)(reading.input[None, :, :, None])
        st.markdown(
            f"**The way of this {reading.digit} through the network.** A layer is what turns one into the next."
        )
        parameters = {row["layer"]: f", {row['parameters']:,} parameters" for row in rows if row["parameters"]}
        with st.container(horizontal=True):
            for name, shape, image in digit_classifier.journey(outputs, reading.input):
                with st.container(width=196):
                    ui.show(image, f"{name}: {shape}{parameters.get(name, '')}", f"values after {name}", target=190)


@st.fragment
def flatten(maps: np.ndarray, flat: np.ndarray) -> None:
    """Figure 2.11 on real numbers."""
    st.markdown("**Flatten** lays a grid out as one row: first along the channels, then the columns, then the rows.")
    row = st.slider("Top row", 0, maps.shape[0] - 3, 10, key="row", bind="query-params")
    channel = st.slider("Channel", 0, maps.shape[2] - 1, 0, key="channel", bind="query-params")
    window = maps[row : row + 3, 10:13, channel]
    places = [((row + r) * maps.shape[1] + 10 + c) * maps.shape[2] + channel for r in range(3) for c in range(3)]
    ui.chart(number_grid(window, f"Rows {row}–{row + 2}, columns 10–12 of channel {channel}", colorscale=[[0, "#FFF"], [1, INPUT]]),
             f"nine values of a feature map: {np.round(window, 2).tolist()}", key="window")  # fmt: skip
    ui.chart(number_grid(flat[places][None], "The same nine numbers in the flattened row", 110, colorscale=[[0, "#FFF"], [1, OUTPUT]]),
             "the same nine values in one row", key="row_of_nine")  # fmt: skip
    st.caption(
        f"Place of the first: ({row} × {maps.shape[1]} + 10) × {maps.shape[2]} + {channel} = {places[0]:,} of {flat.size:,}."
    )


@st.fragment
def dense(units: np.ndarray, digit: int) -> None:
    """Figure 2.13 on real numbers."""
    st.markdown("**Dense**: every unit speaks to every digit, each with its own weight.")
    asked = st.pills("What speaks for the digit …", range(10), default=digit, required=True, key=f"asked_{digit}")
    values, bias = digit_classifier.contributions(ui.model(MODEL), units, asked)
    ui.chart(charts.dense(values, bias, asked), f"the strongest units for and against {asked}; sum {values.sum() + bias:.2f}",
             key="dense")  # fmt: skip
    st.caption("Blue lines speak for it, orange against. Softmax turns the ten sums into probabilities.")


if reading is not None:
    left, right = st.columns(2, gap="large")
    with left, ui.guard():
        flatten(outputs["conv2d_2"][0], outputs["flatten_1"][0])
    with right, ui.guard():
        dense(outputs["dense_1"][0], reading.digit)

ui.code(
    [
        digit_classifier.read_number, digit_classifier.classify, digit_preparation.find_ink, digit_preparation.prepare,
        architecture.build,
    ],
    f"""
    from cnndemo import digit_classifier

    photo, written = digit_classifier.sample_photo()      # or any uint8 picture of your own
    steps = {sorted(steps) if reading else list(digit_preparation.STEPS)}
    for reading in digit_classifier.read_number(photo, steps=set(steps)):
        print(reading.digit, f"{{reading.confidence:.1%}}", reading.box)
    """,
)  # fmt: skip
if reading is not None:
    order = np.argsort(-reading.probabilities)
    middle = next(row for row in rows if row["layer"] == "flatten_1")["output shape"]
    ui.check_yourself(
        [
            ui.Question(
                f"The network reads a {order[0]}. Which digit comes second? Look at the shape before you look at the bars.",
                [str(n) for n in sorted(order[:4]) if n != order[0]],
                str(order[1]),
                f"It gets {reading.probabilities[order[1]]:.2%}.",
            ),
            ui.Question(
                "Which layer holds most of the parameters?",
                [row["layer"] for row in rows if row["parameters"]],
                max(rows, key=lambda row: row["parameters"])["layer"],
                f"Each of its 128 units has a weight for every number of the flattened maps, whose shape is {middle}.",
            ),
        ]
    )
ui.model_card(MODEL)
