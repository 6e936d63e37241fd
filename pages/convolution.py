"""Two curves slide over each other, and a picture is a landscape of brightness (book 1.1 and 1.2)."""

import numpy as np
import streamlit as st

from cnndemo import convolution, images, ui
from cnndemo.convolution import figures as charts
from cnndemo.convolution.questions import questions
from cnndemo.convolution.views import RESULT, pick_curve, presets
from cnndemo.figures.grids import cells
from cnndemo.palette import INPUT, KERNEL, OUTPUT
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("convolution")
OPERATIONS = {"flip": "Convolution: flip g", "keep": "Cross-correlation: do not flip"}


def curves() -> tuple[convolution.Curve, convolution.Curve, bool]:
    """f, g and whether to flip, as last set; the book's until then."""
    return state.get("_curves", (convolution.BOOK_F, convolution.BOOK_G, True))


@st.fragment
def slide() -> None:
    left, right = ui.try_it()
    with left, ui.guard():
        with st.container(horizontal=True):
            presets()
        f, g = pick_curve("f"), pick_curve("g")
        operation = st.radio("Operation", list(OPERATIONS), **state.linked("op"), format_func=OPERATIONS.get)
        state["_curves"] = (f, g, operation == "flip")
    f, g, flip = curves()
    with right, ui.guard():
        at = st.slider("Slide to t", -4.0, 5.0, 0.6, 0.05, **state.linked("t"))
        area = convolution.overlap(f, g, at, flip)["area"]
        with ui.stage():
            ui.chart(
                charts.slide(f, g, at, flip),
                key="slide",
                alt=f"f, the moved g, their product, and the curve of the areas; at t = {at:g} the area is {area:.3f}.",
            )
        t, values = convolution.convolve_curves(f, g, flip)
        shape, exact = convolution.moments(t, values), convolution.closed_form(f, g, t, flip)
        with st.container(horizontal=True):
            st.metric(f"Area at t = {at:g}", f"{area:.4f}", width="content")
            st.metric("Mean of the result", f"{shape['mean']:.3f}", width="content")
            st.metric("Its deviation σ", f"{shape['deviation']:.3f}", width="content")
        if exact is not None:
            off = np.abs(values - exact).max()
            st.caption(f"This pair has a closed formula; the numbers differ from it by at most {off:.1e}.")
    settle("curves", (f, g, flip))


ui.section("Try it", figures=("1.1",))
slide()

ui.section("How it works")
st.markdown(
    "For each shift $t$: move one curve, multiply the two, add up the area of the product. The areas, "
    "one for each $t$, are the result."
)
st.latex(r"\underset{\text{convolution}}{(f * g)(t)} = \int f(\tau)\,g(t-\tau)\,d\tau")
st.latex(r"\underset{\text{cross-correlation}}{(f \star g)(t)} = \int f(\tau)\,g(\tau-t)\,d\tau")
st.markdown(
    "The two differ by the flip of $g$ alone, which an even curve does not notice. **A “convolution” layer does not "
    "flip**: it computes the cross-correlation, and keeps the mathematicians' name. It may, because its kernel is "
    "learned: whatever had to be flipped is learned flipped. With a single 1 as input, you see it in the numbers:"
)
impulse, kernel = np.array([[0.0, 0, 1, 0, 0]]), np.array([[1.0, 2, 3]])
answers = {
    "Input": (impulse, INPUT),
    "Kernel": (kernel, KERNEL),
    "Convolution: the kernel": (np.convolve(impulse[0], kernel[0], "same")[None], OUTPUT),
    "Layer: the kernel, mirrored": (np.correlate(impulse[0], kernel[0], "same")[None], OUTPUT),
}
with st.container(horizontal=True):
    for title, (row, colour) in answers.items():
        with st.container(width=240):
            ui.chart(cells(row, title, colour, height=96), f"{title}: {row[0].tolist()}", key=f"grid_{title}")

ui.section("An image is a function", figures=("1.2", "1.3"))


@st.fragment
def landscape() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        kinds = ["Drawn puppy", "Photo"]
        # A picture that the visitor brought from another page goes first.
        first = kinds[ui.own_picture() is not None]
        kind = st.segmented_control("Show", kinds, default=first, required=True)
        if kind == "Photo":
            picture = ui.pick_image()
            image, alt = picture.image, picture.alt
        else:
            image, alt = convolution.cartoon_dog(), "a drawn puppy with large flat areas"
        start = st.slider("Line starts at the left, height in %", 0, 100, 45, **state.linked("y0")) / 100
        end = st.slider("Line ends at the right, height in %", 0, 100, 45, **state.linked("y1")) / 100
        # Heights count from the bottom, rows of a picture from the top.
        ends = (0.0, 1 - start), (1.0, 1 - end)
        marked = convolution.draw_line(images.shrink(image, 480), *ends)
        ui.show(marked, "The picture I(x, y), and a line across it", alt)
    with right:
        gray = images.to_gray(image)
        heights = convolution.surface(gray)
        along, values = convolution.profile(gray, *ends)
        rows, columns = heights.shape
        x = np.linspace(0, columns - 1, len(along))
        y = np.linspace(ends[0][1], ends[1][1], len(along)) * (rows - 1)
        _, low = convolution.profile(heights, *ends)
        z = np.interp(np.linspace(0, 1, len(along)), np.linspace(0, 1, len(low)), low)
        ui.chart(
            charts.landscape(heights, (x, y, z)), key="landscape", alt=f"Brightness as a landscape over x and y: {alt}"
        )
        st.caption(f"z = I(x, y), {columns} × {rows} points: drag to turn it. White is high, black is low.")
        ui.chart(
            charts.profile(along, values),
            key="profile",
            alt=f"Brightness along the line, from {values.min():.0f} to {values.max():.0f} in {len(values)} pixels",
        )


landscape()
f, g, flip = curves()
ui.code(
    [convolution.Curve, convolution.convolve_curves, convolution.overlap, convolution.closed_form, convolution.surface],
    f"""
    from cnndemo.convolution import Curve, convolve_curves, moments

    f = {f!r}
    g = {g!r}
    t, values = convolve_curves(f, g, flip={flip})
    print(moments(t, values))
    """,
    result=RESULT,
)
ui.check_yourself(questions(f, g, flip))
