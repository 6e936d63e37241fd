"""Why networks want small, even numbers: gradient descent on squashed and on round contours (book 3.1)."""

import numpy as np
import streamlit as st

from cnndemo import images, normalization, ui
from cnndemo.normalization import figures as charts
from cnndemo.normalization.questions import questions
from cnndemo.normalization.views import NAMES, choose_problem, choose_rate, in_numbers
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("normalization")


@st.fragment
def descend() -> None:
    rate = float(choose_rate())
    bowls, result = ui.stage(), st.container()
    (a, b, c, d), scaling, steps, axes = choose_problem()
    settings = ((a, b), (c, d), scaling, rate)
    with result, ui.guard():
        problems = normalization.make((a, b), (c, d)), normalization.make((a, b), (c, d), scaling)
        state["_normalization"] = settings
        paths = [normalization.descend(problem, rate, steps) for problem in problems]
        verdicts = [normalization.verdict(problem, rate) for problem in problems]
        alt = "Contour lines of the loss over two weights, and the way of gradient descent on them. " + " ".join(
            f"{name}: {words}" for name, words in zip(NAMES, verdicts, strict=True)
        )
        ends = ["bursts" if "bursts" in words else words.removeprefix("It ").rstrip(".") for words in verdicts]
        titles = [f"{name}:<br>{end}" for name, end in zip(NAMES, ends, strict=True)]
        with bowls:
            ui.chart(charts.bowls(problems, paths, titles, axes == "same"), alt, key="bowls")
        for column, name, problem, words in zip(st.columns(2), NAMES, problems, verdicts, strict=True):
            column.markdown(f"**{name}.** {words}")
            best, least = normalization.fastest(problem)
            column.caption(
                f"It bursts above {problem.largest_rate:.2g}. The fewest steps that any rate needs: "
                f"{normalization.count(least)}, at {best:.2g}."
            )
        curves = {name: problem.excess(path) for name, problem, path in zip(NAMES, problems, paths, strict=True)}
        st.caption("One linear unit learns two weights by gradient descent; orange is its way to the green cross.")
        alt = "The loss above its lowest value, step by step, for both. The dotted line is where it counts as arrived."
        ui.chart(charts.losses(curves, 1e-3), alt, key="losses")
    settle("normalization", settings)


ui.section("Try it", figures=("3.1",))
descend()

ui.section("How it works")
first, second, scaling, rate = state.get("_normalization", (*normalization.PRESETS["gentle"], "standard", 0.2))
st.markdown(
    "The loss is a bowl over the two weights. A feature with large numbers makes it steep along its own weight. "
    "Gradient descent walks downhill, and the steeper the ground, the longer its step. On a steep wall it leaps across "
    "the valley; with a rate too high each leap lands higher than the last, and the bowl bursts. So the steep wall "
    "dictates a small rate, and with it the walk along the flat floor takes for ever. In a round bowl there is no "
    "such quarrel."
)
with ui.guard():
    in_numbers(first, second, scaling)

ui.section("On a picture")
st.markdown("A picture is an input like any other. Its numbers before and after:")


@st.cache_data(max_entries=1, show_spinner=False)
def data_set() -> tuple[np.ndarray, np.ndarray]:
    """Statistics of the gallery's own photographs, as a stand-in for a training set."""
    return normalization.channel_statistics([images.sample(name) for name in images.SAMPLES])


@st.fragment
def on_a_picture() -> None:
    left, right = ui.try_it()
    with left:
        picture = ui.pick_image()
        ui.state["_picture"] = picture
        image = images.shrink(picture.image, 640)
        method = st.radio(
            "What the network gets", list(normalization.METHODS), index=1, **state.linked("method"), 
            format_func=normalization.METHODS.get,
        )  # fmt: skip
    with right, ui.guard():
        values = normalization.normalize_image(image, method, data_set())
        with st.container(horizontal=True):
            ui.show(image, "As it is", picture.alt, width=220)
            ui.show(normalization.stretch(values), "What the network gets", f"{picture.alt}, normalised", width=220)
        for title, numbers in (("Before", image.astype(np.float32)), ("After", values)):
            alt = f"{title}: how often each value occurs, from {numbers.min():.3g} to {numbers.max():.3g}"
            bars = normalization.channel_histograms(image, numbers)
            ui.chart(charts.histograms(*bars, title), alt, key=f"histogram_{title}")
            st.caption(
                f"From {numbers.min():.3g} to {numbers.max():.3g}, mean {numbers.mean():.3g}, "
                f"standard deviation {numbers.std():.3g}"
            )


on_a_picture()
st.caption(
    "The shape of each histogram stays, the numbers move. Statistics of a data set come from its training pictures, "
    "here the gallery's photographs, and are used unchanged on every later picture. Pictures of 16 bits are divided by "
    "65535."
)
picture = ui.state["_picture"]
ui.code(
    [normalization.make, normalization.scale, normalization.descend, normalization.steps_needed]
    + [normalization.normalize_image],
    f"""
    from cnndemo import images, normalization

    problem = normalization.make({first}, {second}, {scaling!r})
    print(problem.condition, normalization.verdict(problem, {rate!r}))
    path = normalization.descend(problem, {rate!r}, steps=60)

    # in a Keras network: layers.Rescaling(1 / 255), or layers.Normalization() after adapt(pictures)
    image = images.shrink({picture.code}, 640)
    data_set = {tuple(np.round(each, 4).tolist() for each in data_set())}  # mean and deviation of each channel
    values = normalization.normalize_image(image, {ui.state["method"]!r}, data_set)
    print(values.min(), values.max(), values.mean(), values.std())
    """,
    result="""
    import plotly.graph_objects as go
    from PIL import Image

    display(Image.fromarray(normalization.stretch(values)))
    go.Figure(go.Scatter(x=path[:, 0], y=path[:, 1], mode="lines+markers"))
    """,
    pictures=[picture],
)
with ui.guard():
    ui.check_yourself(questions(first, second, rate))
