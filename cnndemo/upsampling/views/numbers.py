"""Small grids enlarged: three ways to interpolate, the transposed convolution, and its checkerboard."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import upsampling
from cnndemo.figures import grids
from cnndemo.grids import read_out
from cnndemo.layer_lab import largest_difference, number_text
from cnndemo.palette import ACCENT, GRAY, INPUT, KERNEL, OUTPUT
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, stage
from cnndemo.ui.grids import edit_grid, forget_typed, hold_within
from cnndemo.ui.keras import agreement
from cnndemo.ui.panels import chart
from cnndemo.ui.playing import goes_on, play
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle
from cnndemo.upsampling import figures as charts
from cnndemo.upsampling.methods import NAMES

INPUTS = {"counting": "Counting", "spot": "A single 1", "digits": "Whole numbers", "ones": "All ones"}
KERNELS = {"ones": "Ones", "bilinear": "Tent (bilinear)", "random": "Random"}


def _input(n: int, name: str) -> np.ndarray:
    """(n, n) to start from; cells keep their numbers when the size changes, except for counting."""
    if name == "spot":
        x = np.zeros((n, n))
        x[(n - 1) // 2, (n - 1) // 2] = 1
        return x
    if name == "ones":
        return np.ones((n, n))
    if name == "digits":
        return np.random.default_rng(7).integers(0, 10, (8, 8))[:n, :n].astype(float)
    return np.arange(1, n * n + 1, dtype=float).reshape(n, n)


def current() -> dict:
    """What the foot of the page shows: input, factor, kernel and stride as last set."""
    kernel, shown = upsampling.kernel_preset("ones", 3, 2), np.array(upsampling.BOOK_INPUT)
    return state.get("_up", {"x": shown, "factor": 16}) | state.get(
        "_transposed", {"kernel": kernel, "stride": 2, "padding": "same"}
    )


@st.fragment
def resize_view() -> None:
    """A small grid and its three enlargements, with the share of each input cell in one output cell."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        columns = st.columns(2)
        n = columns[0].slider("Input size", 2, 8, 2, **state.linked("n"))
        factor = columns[1].slider("Times", 2, upsampling.LARGEST_FACTOR, 16, **state.linked("by"))
        name = st.selectbox(
            "Input values", list(INPUTS), **state.linked("in"), format_func=INPUTS.get,
            on_change=forget_typed, args=("up",),
        )  # fmt: skip
        with st.expander("Type your own numbers", icon=":material/edit:"):
            x = edit_grid("up", _input(n, name), "Input", "The input")
        state["_up"] = {"x": x, "factor": factor}
        method = one_of(st.segmented_control, "Explain", NAMES, "bilinear", "how")
        hold_within("ur", n * factor - 1)
        hold_within("uc", n * factor - 1)
        columns = st.columns(2)
        row = int(columns[0].number_input("Output row", 0, n * factor - 1, n * factor // 2, **state.linked("ur")))
        column = int(columns[1].number_input("Output column", 0, n * factor - 1, n * factor // 4, **state.linked("uc")))
    with right, guard():
        if "_up" in state:
            _resized(**state["_up"], method=method, cell=(row, column))
    settle("up", (n, factor, name))


def _resized(x: np.ndarray, factor: int, method: str, cell: tuple[int, int]) -> None:
    results = {name: upsampling.upsample(x, factor, name) for name in upsampling.METHODS}
    limits = (float(x.min()), float(x.max()) if x.max() > x.min() else float(x.min()) + 1)
    cell = tuple(min(place, side - 1) for place, side in zip(cell, results[method].shape, strict=True))
    share = upsampling.shares(x.shape, factor, method, cell)
    used = [(int(i), int(j)) for i, j in np.argwhere(np.abs(share) > 1e-9)]
    with stage(), st.grid(2, min_column_width=150):
        drawn = grids.cells(x, "Input", INPUT, [grids.Outline(used)], height=240, scale=(GRAY, limits))
        chart(drawn, f"Input, row by row: {read_out(x)}; {len(used)} cells are used", "up_x")
        for name, values in results.items():
            title = f"{NAMES[name]}, {values.shape[0]} × {values.shape[1]}"
            framed = cell if name == method else None
            chart(charts.large(values, title, limits, framed), f"{title}: {read_out(values)}", f"up_{name}")
    parts = [f"{number_text(share[i, j])}×{number_text(x[i, j])}" for i, j in used]
    more = f" + … {len(parts) - 8} more" if len(parts) > 8 else ""
    value = number_text(results[method][cell])
    st.markdown(
        f"{NAMES[method]}, row {cell[0]}, column {cell[1]} (orange frame) is  \n"
        f"`{' + '.join(parts[:8])}{more} = {value}`"
    )
    if results["bicubic"].max() > x.max() + 1e-9 or results["bicubic"].min() < x.min() - 1e-9:
        st.caption(
            f":material/info: Bicubic overshoots: it reaches from {number_text(results['bicubic'].min())} to "
            f"{number_text(results['bicubic'].max())}, the input only from {number_text(x.min())} to "
            f"{number_text(x.max())}."
        )
    st.code(f'keras.layers.UpSampling2D({factor}, interpolation="{method}")', "python", wrap_lines=True)

    def compare(theirs: list[np.ndarray]) -> str:
        found = [largest_difference(one, results[name]) for one, name in zip(theirs, NAMES, strict=True)]
        listed = ", ".join(f"{label.lower()} {off:.1e}" for label, off in zip(NAMES.values(), found, strict=True))
        return f"NumPy and `keras.layers.UpSampling2D`, largest difference: {listed}."

    agreement(compare, "cnndemo.upsampling.methods:keras_upsamples", x, factor, tuple(NAMES))


@st.fragment
def transposed_view() -> None:
    """Transposed convolution as the book tells it: multiply, place, sum, crop."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        columns = st.columns(2)
        size = columns[0].slider("Kernel size", 1, 7, 3, **state.linked("ks"))
        stride = columns[1].slider("Stride", 1, 4, 2, **state.linked("st"))
        name = st.selectbox(
            "Kernel values", list(KERNELS), **state.linked("kv"), format_func=KERNELS.get,
            on_change=forget_typed, args=("upk",),
        )  # fmt: skip
        crops = "same crops to size × stride; valid keeps everything."
        padding = one_of(st.segmented_control, "Padding", ["same", "valid"], "same", "pad", help=crops)
        with st.expander("Type your own kernel", icon=":material/edit:"):
            kernel = edit_grid("upk", upsampling.kernel_preset(name, size, stride), "Kernel", "The kernel")
        if not kernel.any():
            st.caption(":material/info: A kernel of zeros makes everything zero.")
        state["_transposed"] = {"kernel": kernel, "stride": stride, "padding": padding}
        every = play("Places one more pixel", 0.9)
    with right, guard():
        st.fragment(_placed, run_every=every)()
    settle("transposed", (size, stride, name, padding))


def _placed() -> None:
    now = current()
    x, kernel, stride, padding = now["x"], now["kernel"], now["stride"], now["padding"]
    hold_within("steps", x.size, 1)
    if goes_on():
        state["steps"] = state.get("steps", 0) % x.size + 1
    steps = st.slider("Pixels placed", 1, x.size, x.size, **state.linked("steps"))
    row, column = divmod(steps - 1, x.shape[1])
    rows = upsampling.placement(x.shape[0], kernel.shape[0], stride, padding)
    columns = upsampling.placement(x.shape[1], kernel.shape[1], stride, padding)
    total = upsampling.placements(x, kernel, stride, steps)
    crop = np.ones(total.shape, dtype=bool)
    crop[rows.before : rows.full - rows.after, columns.before : columns.full - columns.after] = False
    landed = [(row * stride + a, column * stride + b) for a in range(kernel.shape[0]) for b in range(kernel.shape[1])]
    upper = st.columns(3)
    with upper[0]:
        picked = grids.cells(x, "Input", INPUT, [grids.Outline([(row, column)])], height=210)
        chart(picked, f"Input, row {row} and column {column} framed: {read_out(x)}", "tr_x")
    with upper[1]:
        chart(grids.cells(kernel, "Kernel", KERNEL, height=210), f"The kernel, row by row: {read_out(kernel)}", "tr_k")
    with upper[2]:
        product = grids.cells(x[row, column] * kernel, f"{number_text(x[row, column])} × kernel", ACCENT, height=210)
        chart(product, f"The pixel times the kernel: {read_out(x[row, column] * kernel)}", "tr_p")
    summed = grids.cells(
        total, f"Sum after {steps} of {x.size} pixels", OUTPUT, [grids.Outline(landed)], crop, height=360
    )
    chart(summed, f"The sum after {steps} pixels: {read_out(total)}", "tr_sum")
    st.caption("Orange frames: where the last copy was added. Grey: rows and columns that the crop drops.")
    ours = upsampling.transposed_convolution(x, kernel, stride, padding)
    st.markdown(
        f"{x.shape[0]} · {stride} + max({kernel.shape[0]} − {stride}, 0) = {rows.full} rows; the crop takes "
        f"{rows.before} before and {rows.after} after: **{ours.shape[0]} × {ours.shape[1]}**."
    )
    code = f'keras.layers.Conv2DTranspose(1, {kernel.shape}, strides={stride}, padding="{padding}")'
    st.code(code, "python", wrap_lines=True)
    agreement(
        lambda theirs: (
            "NumPy and `keras.layers.Conv2DTranspose`: the largest difference is "
            f"{largest_difference(theirs, ours):.1e}."
        ),
        "cnndemo.upsampling.methods:keras_transposed", x, kernel, stride, padding,
    )  # fmt: skip


@st.fragment
def checkerboard_view() -> None:
    """Uneven overlaps, and two ways out."""
    columns = st.columns(2, gap="large")
    size = columns[0].slider("Kernel", 1, 7, 3, **state.linked("cs"))
    stride = columns[1].slider("Stride of the kernel", 1, 4, 2, **state.linked("ct"))
    counted = upsampling.overlap_counts(8, size, stride)
    levels = upsampling.overlap_levels(size, stride)
    if len(levels) > 1:
        st.markdown(
            f"Inside, between **{levels[0]:g}** and **{levels[-1]:g}** kernel cells land on an output cell: {size} is "
            f"not a multiple of {stride}, so a checkerboard shows, whatever the picture."
        )
    else:
        st.markdown(
            f"Inside, **{levels[0]:g}** kernel cells land on every output cell: {size} is a multiple of {stride}, "
            "there is no checkerboard."
        )
    cured = upsampling.resize_then_convolve(np.ones((8, 8)), upsampling.kernel_preset("ones", 3, 2) / 9, 2)
    shown = (
        (f"Kernel {size}, stride {stride}", counted),
        ("Kernel 4, stride 2", upsampling.overlap_counts(8, 4, 2)),
        ("Resize, then convolve", cured),
    )
    for place, (column, (title, values)) in enumerate(zip(st.columns(3), shown, strict=True)):
        with column:
            chart(
                charts.counts(values, title),
                f"{title}, what a flat input becomes: {read_out(values)}",
                f"board_{place}",
            )
    st.markdown(
        "What a flat input becomes with a kernel of ones. **The cure** (Odena et al. 2016): choose a kernel that is a "
        "multiple of the stride, or enlarge by nearest neighbour first and convolve then."
    )
