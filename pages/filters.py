"""What nine numbers can find in a picture: derivatives, Sobel, Laplacian and the visitor's own kernel (book 3.3)."""

import numpy as np
import streamlit as st

from cnndemo import figures, filters, images, palette, ui
from cnndemo.filters import edges
from cnndemo.filters import figures as charts
from cnndemo.filters.questions import questions
from cnndemo.filters.views import (
    BOOK,
    PICTURE,
    RECALL,
    SIDE,
    choose_kernel,
    choose_picture,
    place,
    recall,
    show_book_filters,
    show_channels,
    show_live,
    show_response,
)  # fmt: skip
from cnndemo.grids import read_out
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("filters")
SMALL = 480  # pixels on the long side of the step pictures


@st.fragment
def try_it() -> None:
    (left, right), running = ui.try_it(), False
    with left, ui.guard():
        image, alt = choose_picture()
        running = ui.live_camera()
        kernel = choose_kernel()
        border = st.selectbox("Beyond the border", list(filters.BORDERS), **state.linked("border"))
        filters.apply(np.zeros(image.shape[:2], np.uint8), kernel, border)  # refuses what does not fit
        state[RECALL] = (image, alt, kernel, border)
    image, alt, kernel, border = recall()
    with right, ui.guard():
        how = ui.one_of(st.segmented_control, "Show the response", ["signed", "absolute", "clipped"], "signed", "view")
        (show_live if running else show_response)(image, alt, kernel, border, how)
    settle("filters", (alt, image.shape, kernel.tobytes(), border))


ui.section("Try it", figures=("3.4", *BOOK.values()))
try_it()
image, alt, kernel, border = recall()
gray, small = images.to_gray(image), images.shrink(image, SMALL)
small_gray = images.to_gray(small)
st.markdown("**The book's filters on this picture**")
with st.container(horizontal=True):
    ui.show(small, "The picture (3.4)", alt, width=SIDE)
    show_book_filters(small_gray, alt)

ui.section("How it works", figures=("3.3",))
found = edges.find(small_gray, 1, 1)
strongest, top = found.strongest, max(2, int(found.magnitude.max()))


@st.fragment
def pixel() -> None:
    left, right = ui.try_it((1, 1))
    with left:
        row, column = (
            place(*words, gray.shape) for words in zip(("Row", "Column"), gray.shape, strongest, strict=True)
        )
        ui.chart(
            charts.loupe(gray, kernel, row, column, border), f"Pixels around row {row}, column {column}", key="loupe"
        )
        st.caption("Hover a pixel for its sum. The kernel lies on the orange frame.")
    with right:
        under = filters.neighbourhood(gray, row, column, len(kernel), border)
        grid = figures.number_grid(under, "Pixels", colorscale=palette.GRAY, limits=(0, 255))
        ui.chart(grid, f"Pixels under the kernel: {read_out(under)}", key="under")
        drawn = figures.number_grid(kernel, "Kernel", signed=True)
        ui.chart(drawn, f"The kernel, row by row: {read_out(kernel)}", key="kernel_grid")
        drawn = figures.number_grid(under * kernel, "Products", signed=True, digits=4)
        ui.chart(drawn, f"Pixel times kernel: {read_out(under * kernel)}", key="products")
        st.markdown(f"Their sum is the response at this pixel: **{(under * kernel).sum():.4g}**")


pixel()
parts = filters.separate(kernel)
st.markdown(parts.words(gray.size))
st.markdown(
    "**The gradient** joins both derivatives into one arrow a pixel. It points to where the picture grows *brighter* "
    "fastest (the book says darker); its length, the magnitude, says how fast."
)
left, right = ui.try_it((1, 1))
with left:
    spacing = max(4, max(small_gray.shape) // 20)
    ui.chart(charts.gradient_arrows(small, edges.arrows(found, spacing)), f"Arrows on {alt}", key="arrows")
with right:
    hues = edges.hue_wheel(found.direction, found.magnitude)
    ui.show(hues, "Direction as hue, magnitude as light", f"Gradient of {alt}")
    ui.show(edges.wheel(), "Legend", "A wheel of hues: red points right, green down, blue up and left", width=96)
del found, hues  # what a page names stays in memory as long as the visit, since its fragments may ask for it

ui.section("From gradients to edges")


@st.fragment
def canny() -> None:
    low, high = st.slider("Thresholds on the magnitude", 0, top, (top // 10, top // 4), **state.linked(f"canny_{top}"))
    steps = edges.find(small_gray, low, high)
    with st.grid(2, min_column_width=260):
        for caption, step in steps.pictures().items():
            ui.show(step, caption, f"{caption}, of {alt}")
    st.caption(f"{steps.edges.sum():,} edge pixels of {steps.edges.size:,}. The last picture equals OpenCV's `Canny`.")


canny()
ui.section("Stack as channels")
st.markdown(
    "Filters do not replace the picture. The book lays both derivatives behind red, green and blue: a tensor of "
    f"**{image.shape[0]} × {image.shape[1]} × 5** for the network."
)
with st.container(horizontal=True):
    show_channels(small, alt)
ui.download(
    "Tensor as .npy (float32)", lambda: filters.npy(filters.stack_as_channels(image)), "stacked.npy",
    "application/octet-stream",
)  # fmt: skip
picture = state.get(PICTURE)
ui.code(
    [filters.apply, filters.separate, filters.stack_as_channels, edges.find],
    f"""
    import numpy as np
    from cnndemo import filters, images

    gray = images.to_gray({picture.code if picture else "filters.sudoku()"})
    kernel = np.array({np.round(kernel, 6).tolist()})
    response = filters.apply(gray, kernel, border={border!r})
    shown = filters.view(response, {state.get("view") or "signed"!r})
    """,
    result="from PIL import Image\n\nImage.fromarray(shown)", pictures=[picture] if picture else [],
)  # fmt: skip
ui.check_yourself(questions(gray, kernel))
