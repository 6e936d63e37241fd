"""Why networks want small, even numbers: gradient descent on squashed and on round contours (book 3.1)."""

import numpy as np
import streamlit as st

from cnndemo import images, normalization, ui
from cnndemo.normalization import figures as charts
from cnndemo.normalization.views import choose_problem
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("normalization")


@st.fragment
def descend() -> None:
    left, right = ui.try_it((1, 2))
    with left:
        (a, b, c, d), scaling, rate, steps, axes = choose_problem()
    settings = ((a, b), (c, d), scaling, float(rate))
    with right, ui.guard():
        raw, scaled = normalization.make((a, b), (c, d)), normalization.make((a, b), (c, d), scaling)
        state["_normalization"] = settings
        curves = {}
        for name, problem, column in zip(("As they are", "Rescaled"), (raw, scaled), st.columns(2), strict=True):
            path = normalization.descend(problem, float(rate), steps)
            curves[name] = problem.excess(path)
            words = normalization.verdict(problem, float(rate))
            least = normalization.count(normalization.steps_needed(problem, problem.best_rate))
            alt = f"{name}: contour lines of the loss and the path of gradient descent. {words}"
            with column:
                ui.chart(charts.bowl(problem, path, name, axes == "same"), alt, key=f"bowl_{name}")
                st.metric("Condition number", f"{problem.condition:,.4g}")
                st.markdown(words)
                st.caption(
                    f"Rates above {problem.largest_rate:.2g} diverge. "
                    f"At its own best rate, {problem.best_rate:.2g}, it needs {least} steps."
                )
        alt = "The loss above its lowest value, step by step, for both. The dotted line is where it counts as arrived."
        ui.chart(charts.losses(curves, 1e-3), alt, key="losses")
    settle("normalization", settings)


ui.section("Try it", figures=("3.1",))
st.caption("One linear unit learns from two features by gradient descent. Orange is its path to the green cross.")
descend()

ui.section("How it works")
first, second, scaling, rate = state.get("_normalization", (*normalization.PRESETS["gentle"], "standard", 0.2))
st.markdown(
    r"""
    The unit computes $\hat y = w_1 x_1 + w_2 x_2$. Its loss, $\frac12$ mean $(\hat y - y)^2$, is a bowl over the two
    weights. A feature with large numbers makes the bowl steep along its weight: the curvatures are the eigenvalues
    $\lambda$ of the mean of $x x^\top$. One step of rate $\eta$ multiplies the error along an axis of the bowl by
    $1 - \eta\lambda$. So the steep axis forbids rates above $2/\lambda_\text{max}$, and at such a rate the error
    along the flat axis hardly shrinks. The **condition number** $\lambda_\text{max}/\lambda_\text{min}$ says how bad
    it is; 1 is a round bowl. From these factors the number of steps follows, without taking them.
    """
)
st.dataframe(normalization.table(first, second), hide_index=True)
st.caption(
    "[0, 1] leaves both features positive, so they pull the weights together; centred features do not, hence the "
    "rounder bowl. There is no bias here, to keep the bowl flat enough to draw. It would be a third feature, always 1."
)

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
ui.code(
    [normalization.make, normalization.scale, normalization.descend, normalization.steps_needed]
    + [normalization.normalize_image],
    f"""
    from cnndemo import normalization

    problem = normalization.make({first}, {second}, {scaling!r})
    print(problem.condition, normalization.verdict(problem, {rate!r}))
    path = normalization.descend(problem, {rate!r}, steps=60)

    # in a Keras network: layers.Rescaling(1 / 255), or layers.Normalization() after adapt(pictures)
    """,
)
ratio = normalization.condition_when_scaled(first, second, 10)
better = min(normalization.SCALINGS, key=lambda key: normalization.make(first, second, key).condition)
ui.check_yourself(
    [
        ui.Question(
            "Multiply the first feature by ten and leave the second. What happens to the condition number?",
            list(dict.fromkeys(["× 1", "× 10", f"× {ratio:.3g}"])),
            f"× {ratio:.3g}",
            "Curvature is the mean square of a feature: ten times the feature, a hundred times its curvature. How much "
            "of that reaches the condition number depends on which feature was the steep one.",
        ),
        ui.Question(
            "Which rescaling makes the roundest bowl here?",
            list(normalization.SCALINGS.values()),
            normalization.SCALINGS[better],
            "Its condition number is the lowest of the three in the table: centred, and both of one spread.",
        ),
    ]
)
