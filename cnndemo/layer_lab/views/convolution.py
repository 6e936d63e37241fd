"""Convolution geometry: input, kernel, output and Play first; the controls, most of them folded, below."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo import images, layer_lab
from cnndemo.figures.grids import Outline, cells
from cnndemo.grids import read_out
from cnndemo.palette import ACCENT, INPUT, KERNEL, OUTPUT
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, stage
from cnndemo.ui.grids import clicked, edit_grid, forget_typed, hold_within, with_typed
from cnndemo.ui.keras import agreement
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import own_picture
from cnndemo.ui.playing import goes_on, play
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

PRESETS = {
    "Figure 2.8": {"h": 4, "w": 4, "kh": 2, "kw": 2, "sh": 1, "sw": 1, "pad": "valid"},
    "Figure 2.9": {"h": 4, "w": 4, "kh": 2, "kw": 2, "sh": 2, "sw": 2, "pad": "valid"},
    "Figure 2.10, zeros": {"h": 4, "w": 4, "kh": 3, "kw": 3, "sh": 1, "sw": 1, "pad": "same"},
    "Figure 2.10, repeated": {"h": 4, "w": 4, "kh": 3, "kw": 3, "sh": 1, "sw": 1, "pad": "edge"},
}
DEFAULTS = {"h": 6, "w": 6, "kh": 3, "kw": 3, "sh": 1, "sw": 1, "dh": 1, "dw": 1, "ch": 1, "fl": 1, "pad": "valid"}
INPUT_NAMES = {
    "digits": "Whole numbers",
    "ramp": "Counting",
    "edge": "An edge",
    "spot": "A single 1",
    "picture": "Your picture, tiny",
}
KERNEL_NAMES = {
    "edge": "Edge finder",
    "small": "Small numbers",
    "ones": "Ones",
    "identity": "Identity",
    "blur": "Blur",
    "zeros": "Zeros",
}


GRID_HEIGHT = 200  # pixels: three grids beside each other


@dataclass(frozen=True)
class Settings:
    """What the controls say: sizes and steps as (down, across)."""

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: str
    channels: int
    filters: int

    def geometry(self) -> layer_lab.Geometry:
        return layer_lab.geometry(self.size, self.kernel, self.stride, self.dilation, self.padding)

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        return (*self.kernel, self.channels, self.filters)


def settings() -> Settings:
    """The settings as last chosen, the defaults before that."""
    kept = {name: state.get(name) for name in DEFAULTS}
    get = {name: DEFAULTS[name] if value is None else value for name, value in kept.items()}
    return Settings(
        (get["h"], get["w"]), (get["kh"], get["kw"]), (get["sh"], get["sw"]), (get["dh"], get["dw"]),
        get["pad"], get["ch"], get["fl"],
    )  # fmt: skip


def snippet() -> tuple[str, str]:
    """Python that computes what is on the screen, and what asks Keras for the same."""
    now = settings()
    fallback = (
        now,
        layer_lab.input_preset("digits", (*now.size, now.channels)),
        layer_lab.kernel_preset("edge", now.kernel_shape),
    )
    now, x, kernel = state.get("_lab", fallback)[:3]

    def literal(array: np.ndarray) -> str:
        numbers = ", ".join(f"{number:.10g}" for number in array.ravel())
        return f"np.array([{numbers}]).reshape{array.shape}"

    code = f"""import numpy as np
from cnndemo import layer_lab

x = {literal(x)}
kernel = {literal(kernel)}
settings = dict(stride={now.stride}, dilation={now.dilation}, padding="{now.padding}")
ours = layer_lab.convolve(x, kernel, **settings)
print(ours.shape)"""
    keras = """from cnndemo import layer_lab

keras_says = layer_lab.keras_convolve(x, kernel, **settings)
print(layer_lab.largest_difference(ours, keras_says))"""
    return code, keras


def _preset(name: str) -> None:
    state.update(DEFAULTS | PRESETS[name] | {"r": 0, "c": 0})


def _both(down: str, across: str) -> None:
    """Callback of a slider for square shapes: across follows down."""
    state[across] = state[down]


def _square(label: str, keys: tuple[str, str], low: int, high: int, help: str | None = None) -> None:
    """One slider for down and across; `_across` is where they may differ."""
    down = state.linked(keys[0])
    st.slider(label, low, high, DEFAULTS[keys[0]], **down, on_change=_both, args=keys, help=help)


def _across(label: str, key: str, low: int, high: int) -> None:
    st.slider(f"{label} across", low, high, DEFAULTS[key], **state.linked(key))


def _controls() -> None:
    """What most visitors change; one slider a square shape."""
    with st.grid(4, min_column_width=150):
        _square("Input size", ("h", "w"), 3, 12)
        _square("Kernel size", ("kh", "kw"), 1, 7)
        _square("Stride", ("sh", "sw"), 1, 4)
        _square("Dilation", ("dh", "dw"), 1, 3, "The distance between the cells that the kernel reads.")
    one_of(st.pills, "Padding", layer_lab.PADDINGS, "valid", "pad", wrap=True)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        one_of(st.segmented_control, "Pick a cell of the", ["output", "input"], "output", "pick")
        for name in PRESETS:
            st.button(name, on_click=_preset, args=(name,))


def _more_controls() -> None:
    """Shapes that are not square, channels and filters."""
    with st.grid(3, min_column_width=150):
        _across("Input", "w", 3, 12)
        _across("Kernel", "kw", 1, 7)
        _across("Stride", "sw", 1, 4)
        _across("Dilation", "dw", 1, 3)
        st.slider("Channels", 1, 3, 1, **state.linked("ch"))
        st.slider("Filters", 1, 3, 1, **state.linked("fl"))


def _numbers(now: Settings, channel: int, filter_: int) -> tuple[np.ndarray, np.ndarray]:
    """Input (H, W, C) and kernel (h, w, C, F): presets with what was typed laid over them."""
    own = own_picture()
    picture = own.image if own else images.sample("cat")
    input_name = st.selectbox(
        "Input values", layer_lab.INPUTS, **state.linked("in"), format_func=INPUT_NAMES.get,
        on_change=lambda: [forget_typed(f"x{c}") for c in range(3)],
    )  # fmt: skip
    kernel_name = st.selectbox(
        "Kernel values", layer_lab.KERNELS, **state.linked("kv"), format_func=KERNEL_NAMES.get,
        on_change=lambda: [forget_typed(f"k{c}{f}") for c in range(3) for f in range(3)],
    )  # fmt: skip
    x = layer_lab.input_preset(input_name, (*now.size, now.channels), picture)
    kernel = layer_lab.kernel_preset(kernel_name, now.kernel_shape)
    with st.expander("Type your own numbers", icon=":material/edit:"):
        shown = edit_grid(f"k{channel}{filter_}", kernel[..., channel, filter_], "Kernel", "The kernel")
        shown_x = edit_grid(f"x{channel}", x[..., channel], "Input", "The input")
    for c in range(now.channels):
        x[..., c] = shown_x if c == channel else with_typed(f"x{c}", x[..., c])
        for f in range(now.filters):
            typed = shown if (c, f) == (channel, filter_) else with_typed(f"k{c}{f}", kernel[..., c, f])
            kernel[..., c, f] = typed
    return x, kernel


def _shown(now: Settings) -> tuple[int, int]:
    """Which channel and which filter are looked at."""
    hold_within("vc", now.channels - 1)
    hold_within("vf", now.filters - 1)
    if now.channels == now.filters == 1:
        return 0, 0
    columns = st.columns(2)
    channel = columns[0].number_input("Look at channel", 0, now.channels - 1, 0, **state.linked("vc"))
    filter_ = columns[1].number_input("Look at filter", 0, now.filters - 1, 0, **state.linked("vf"))
    return int(channel), int(filter_)


@st.fragment
def convolution_view() -> None:
    """Everything under Try it."""
    top, fresh = st.container(), False
    with guard():
        _controls()
        with st.expander("Shapes that are not square, channels, numbers of your own", icon=":material/tune:"):
            _more_controls()
            now = settings()
            now.geometry()  # refuses what has no output, before anything is computed
            channel, filter_ = _shown(now)
            state["_lab"] = (now, *_numbers(now, channel, filter_), channel, filter_)
        fresh = True
    with top, guard():
        if "_lab" not in state:
            return
        if not fresh:
            st.caption("Below: the last settings that gave an output.")
        st.fragment(_step, run_every=play("Moves the window on by an output cell", 0.8))()
    with guard():
        _result(state["_lab"][0].geometry())
    settle("lab", settings())


def _result(shape: layer_lab.Geometry) -> None:
    """Size, cost, formula and code of the layer, and who agrees with it."""
    now, x, kernel, _, filter_ = state["_lab"]
    work = layer_lab.count_work(now.kernel_shape, shape.output)
    with st.container(horizontal=True):
        st.metric("Output", " × ".join(map(str, (*shape.output, now.filters))), width="content")
        st.metric("Parameters", f"{work['parameters']:,}", width="content")
        st.metric("Multiply-adds", f"{work['multiply_adds']:,}", width="content")
    with st.container(horizontal=True):
        st.markdown(f"$O_h = {shape.rows.formula()}$", width="content")
        st.markdown(f"$O_w = {shape.columns.formula()}$", width="content")
    for note in shape.notes():
        st.caption(f":material/info: {note}")
    st.code(
        layer_lab.to_keras_code(now.kernel_shape, now.stride, now.dilation, now.padding, shape.pads),
        "python",
        wrap_lines=True,
    )
    arguments = (x, kernel, now.stride, now.dilation, now.padding)
    ours = layer_lab.convolve(*arguments)
    one = kernel[..., filter_ : filter_ + 1]
    hand = layer_lab.convolve_by_hand(x, one, *arguments[2:])[..., 0]
    off = layer_lab.largest_difference(hand, ours[..., filter_])
    st.caption(f"By hand (loops) and by NumPy: the largest difference is {off:.1e}.")
    agreement(
        lambda theirs: (
            "NumPy and `keras.layers.Conv2D`: the largest difference is "
            f"{layer_lab.largest_difference(theirs, ours):.1e}."
        ),
        "cnndemo.layer_lab.agreement:keras_convolve",
        *arguments,
    )


def _step() -> None:
    """The picked cell, the three grids and the arithmetic; a fragment of its own, so that a click is quick."""
    now, x, kernel, channel, filter_ = state["_lab"]
    shape = now.geometry()
    by_output = state.get("pick") != "input"
    limits = shape.output if by_output else now.size
    hold_within("r", limits[0] - 1)
    hold_within("c", limits[1] - 1)
    if goes_on() and by_output:
        place = (state.get("r", 0) * limits[1] + state.get("c", 0) + 1) % (limits[0] * limits[1])
        state["r"], state["c"] = divmod(place, limits[1])
    with stage():
        grids = st.grid(3, min_column_width=150)  # on a phone input and output beside each other, the kernel below
    with st.container(horizontal=True, vertical_alignment="center"):
        row = int(st.number_input("Row", 0, limits[0] - 1, 0, **state.linked("r"), width=110))
        column = int(st.number_input("Column", 0, limits[1] - 1, 0, **state.linked("c"), width=110))
        words = st.container(width="stretch")
    padded = layer_lab.pad(x, shape.pads, now.padding)
    result = layer_lab.convolve(x, kernel, now.stride, now.dilation, now.padding)[..., filter_]
    (top, _), (before, _) = shape.pads
    if by_output:
        cell = layer_lab.explain_convolution(
            x, kernel[..., filter_], (row, column), now.stride, now.dilation, now.padding
        )
        reads, fed = [(int(i), int(j)) for i in cell.rows for j in cell.columns], [(row, column)]
    else:
        reads = [(row + top, column + before)]
        fed = [(int(i), int(j)) for i in shape.rows.feeds(row) for j in shape.columns.feeds(column)]
    padded_title = "Padded input" if any(map(any, shape.pads)) else "Input"
    with grids:
        chart(
            cells(
                padded[..., channel], padded_title, INPUT, [Outline(reads)], ~shape.used,
                (top, before, *now.size), hover=_padded_hover(padded[..., channel], top, before), height=GRID_HEIGHT,
            ),
            f"{padded_title}, row by row: {read_out(padded[..., channel])}", "lab_input",
            **({} if by_output else {"on_select": clicked("lab_input", "r", "c", (top, before))}),
        )  # fmt: skip
        hover = _output_hover(x, kernel[..., filter_], now, result) if result.size <= 200 else None
        chart(
            cells(result, "Output", OUTPUT, [Outline(fed, ACCENT)], hover=hover, height=GRID_HEIGHT),
            f"Output, row by row: {read_out(result)}", "lab_output",
            **({"on_select": clicked("lab_output", "r", "c")} if by_output else {}),
        )  # fmt: skip
        one = kernel[..., channel, filter_]
        chart(
            cells(one, "Kernel", KERNEL, height=GRID_HEIGHT), f"The kernel, row by row: {read_out(one)}", "lab_kernel"
        )
    with words:
        if by_output:
            st.markdown(f"Output row {row}, column {column} is")
            st.markdown(f"`{cell.arithmetic()}`")
        else:
            readers = "no output cell" if not fed else f"{len(fed)} output cell{'s' if len(fed) > 1 else ''}"
            st.markdown(f"Input row {row}, column {column} is read by **{readers}**.")
            st.caption("Click an input cell to see where it goes.")


def _padded_hover(values: np.ndarray, top: int, left: int) -> np.ndarray:
    return np.array(
        [
            [f"input row {i - top}, column {j - left}: {layer_lab.number_text(v)}" for j, v in enumerate(line)]
            for i, line in enumerate(values)
        ]
    )


def _output_hover(x: np.ndarray, kernel: np.ndarray, now: Settings, result: np.ndarray) -> np.ndarray:
    texts = np.empty(result.shape, dtype=object)
    for place in np.ndindex(result.shape):
        cell = layer_lab.explain_convolution(x, kernel, place, now.stride, now.dilation, now.padding)
        texts[place] = cell.arithmetic(9).replace(" + ", "<br>+ ")
    return texts
