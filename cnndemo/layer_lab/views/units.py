"""Layers without a window: flatten and dense, activations, softmax, dropout."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import images, layer_lab
from cnndemo.figures import bars
from cnndemo.figures.grids import Outline, cells
from cnndemo.grids import read_out
from cnndemo.layer_lab import figures as charts
from cnndemo.palette import INPUT, KERNEL, OUTPUT, signed_picture
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard
from cnndemo.ui.grids import clicked, edit_grid
from cnndemo.ui.keras import agreement
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state

NAMES = {"relu": "ReLU", "elu": "ELU", "sigmoid": "Sigmoid", "tanh": "tanh", "leaky_relu": "Leaky ReLU"}
FORMULAS = {
    "relu": r"\max(0, x)",
    "elu": r"x \text{ for } x > 0, \quad \alpha\,(e^x - 1) \text{ otherwise}",
    "sigmoid": r"\frac{1}{1 + e^{-x}}",
    "tanh": r"\frac{e^x - e^{-x}}{e^x + e^{-x}}",
    "leaky_relu": r"x \text{ for } x > 0, \quad \alpha\,x \text{ otherwise}",
}
EDGE = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4


@st.fragment
def dense_view() -> None:
    """A 3 × 3 grid laid out as a row, and the dense layer that reads it."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        columns = st.columns(2)
        channels = columns[0].slider("Channels of the grid", 1, 2, 1, **state.linked("dc"))
        units = columns[1].slider("Dense units", 1, 6, 4, **state.linked("du"))
        row = int(columns[0].number_input("Cell row", 0, 2, 1, **state.linked("dr")))
        column = int(columns[1].number_input("Cell column", 0, 2, 2, **state.linked("dd")))
        channel = 0 if channels == 1 else int(st.number_input("Cell channel", 0, channels - 1, 0, **state.linked("dk")))
        unit = 0 if units == 1 else st.slider("Look at unit", 0, units - 1, 0, **state.linked("un"))
        preset = np.random.default_rng(5).integers(0, 10, (3, 3, 2)).astype(float)
        with st.expander("Type your own numbers", icon=":material/edit:"):
            grids = [edit_grid(f"flat{c}", preset[..., c], f"Channel {c}", "The grid") for c in range(channels)]
        _dense(right, np.stack(grids, axis=-1), units, unit, (row, column, channel))


def _dense(right, x: np.ndarray, units: int, unit: int, cell: tuple[int, int, int]) -> None:
    flat, place = layer_lab.flatten(x), layer_lab.flat_place(*cell, x.shape)
    weights = np.random.default_rng(2).normal(0, 0.5, (18, 6)).round(1)[: len(flat), :units]
    bias = np.array([0.5, -0.5, 0.0, 1.0, -1.0, 0.2])[:units]
    result = layer_lab.dense(flat, weights, bias)
    with right:
        columns = st.columns([1, 2], vertical_alignment="center")
        with columns[0]:
            grid = cells(x[..., cell[2]], "Grid", INPUT, [Outline([cell[:2]])])
            chart(
                grid,
                f"The grid, row by row: {read_out(x[..., cell[2]])}",
                "flat_grid",
                on_select=clicked("flat_grid", "dr", "dd"),
            )
        with columns[1]:
            st.markdown(
                f"Cell (row {cell[0]}, column {cell[1]}, channel {cell[2]}) lands at place **{place}**:  \n"
                f"({cell[0]} · {x.shape[1]} + {cell[1]}) · {x.shape[2]} + {cell[2]} = {place}"
            )
        row = cells(flat[None], "Flattened, row by row", INPUT,
                           [Outline([(0, place)])], height=96)  # fmt: skip
        chart(row, f"The flattened row, place {place} framed: {read_out(flat)}", "flat_row")
        picked = [
            Outline([(i, unit) for i in range(len(flat))]),
            Outline([(place, u) for u in range(units)], INPUT, 2),
        ]
        columns = st.columns([2, 3])
        with columns[0]:
            tall = 60 + 22 * len(flat)
            grid = cells(weights, "Weights", KERNEL, picked, height=tall, square=False)
            chart(grid, f"{len(flat)} by {units} weights; the column of unit {unit} is framed", "dense_weights")
        with columns[1]:
            out = cells(result[None].round(2), "Dense output", OUTPUT, [Outline([(0, unit)])], height=96)
            chart(out, f"The output of the dense layer: {read_out(result)}", "dense_output")
            products = " + ".join(
                f"{layer_lab.number_text(v)}×{layer_lab.number_text(w)}"
                for v, w in zip(flat, weights[:, unit], strict=True)
            )
            shift, total = layer_lab.number_text(bias[unit]), layer_lab.number_text(result[unit])
            st.markdown(f"Unit {unit}:  \n`{products} + {shift} = {total}`")
            st.caption(f"{len(flat)} × {units} weights + {units} biases = {len(flat) * units + units} parameters.")
            agreement(
                lambda theirs: (
                    "NumPy and `keras.layers.Dense`: the largest difference is "
                    f"{layer_lab.largest_difference(theirs, result):.1e}."
                ),
                "cnndemo.layer_lab.agreement:keras_dense", flat, weights, bias,
            )  # fmt: skip


@st.cache_data(max_entries=16, show_spinner=False)
def _edges(gray: np.ndarray) -> np.ndarray:
    return layer_lab.convolve(gray.astype(float), EDGE, padding="edge")


@st.fragment
def activation_view() -> None:
    """The five curves, and one of them applied to the filter response of a picture."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        name = st.selectbox("Activation", layer_lab.ACTIVATIONS, **state.linked("act"), format_func=NAMES.get)
        alpha = st.slider("α of ELU", 0.1, 2.0, 1.0, 0.1, **state.linked("elu"))
        slope = st.slider("Slope below zero of leaky ReLU", 0.0, 0.5, 0.1, 0.01, **state.linked("leak"))
        parameters = {"elu": alpha, "leaky_relu": slope}
        st.latex(f"f(x) = {FORMULAS[name]}")
        at = st.slider("At x", -6.0, 6.0, -1.0, 0.1, **state.linked("ax"))
        value = layer_lab.activate(at, name, parameters.get(name, 0.0))
        steepness = layer_lab.activation_slope(at, name, parameters.get(name, 0.0))
        with st.container(horizontal=True):
            st.metric("f(x)", f"{float(value):.4f}", width="content")
            st.metric("Slope", f"{float(steepness):.4f}", width="content")
    with right, guard():
        x = np.linspace(-6, 6, 241)
        curves = {
            NAMES[other]: layer_lab.activate(x, other, parameters.get(other, 0.0)) for other in layer_lab.ACTIVATIONS
        }
        slopes = layer_lab.activation_slope(x, name, parameters.get(name, 0.0))
        chart(
            charts.activations(x, curves, NAMES[name], slopes), f"Five activations, {NAMES[name]} bold", "activations"
        )
        agreement(
            lambda theirs: (
                f"NumPy and Keras on {len(x)} points: the largest difference is "
                f"{layer_lab.largest_difference(theirs, curves[NAMES[name]]):.1e}."
            ),
            "cnndemo.layer_lab.agreement:keras_activation", x, name, parameters.get(name, 0.0),
        )  # fmt: skip
    st.markdown(
        "**On a picture**: what an edge filter answers, before and after the activation. Red is above zero, blue below."
    )
    with guard():
        picture = pick_image()
        response = _edges(images.to_gray(images.shrink(picture.image, 320)))
        after = layer_lab.activate(response / 64, name, parameters.get(name, 0.0))
        with st.container(horizontal=True):
            for values, title in ((response, "Response"), (after, f"After {NAMES[name]}")):
                with st.container(width=320):
                    top = np.abs(values).max()
                    show(signed_picture(values, top), title, f"{title} of an edge filter on {picture.alt}")
        negative = np.mean(response < 0), np.mean(after < 0)
        st.caption(f"{negative[0]:.0%} of the responses are negative; after {NAMES[name]} {negative[1]:.0%} are.")


def _book_logits() -> None:
    state.update({f"l{i}": float(value) for i, value in enumerate(layer_lab.BOOK_LOGITS)})
    state.update({"temp": 1.0, "add": 0})


@st.fragment
def softmax_view() -> None:
    """Ten logits, their probabilities, and where the plain formula breaks."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        st.button("The book's ten logits", on_click=_book_logits, icon=":material/restart_alt:")
        columns = st.columns(2)
        logits = np.array(
            [
                columns[i % 2].slider(f"Logit {i}", -20.0, 20.0, float(value), 0.001, "%.3g", **state.linked(f"l{i}"))
                for i, value in enumerate(layer_lab.BOOK_LOGITS)
            ]
        )
        temperature = st.slider("Temperature", 0.1, 10.0, 1.0, 0.1, **state.linked("temp"))
        added = st.slider("Add to all logits", 0, 1000, 0, 10, **state.linked("add"), 
                          help="Softmax does not change; the plain formula overflows.")  # fmt: skip
    with right, guard():
        stable = layer_lab.softmax(logits + added, temperature)
        naive = layer_lab.naive_softmax(logits + added, temperature)
        best = int(stable.argmax())
        chart(
            bars([f"{i}" for i in range(10)], stable, best), f"Probabilities; {best} has {stable[best]:.2%}", "softmax"
        )
        with st.container(horizontal=True):
            st.metric(f"Confidence in {best}", f"{stable[best]:.2%}", width="content")
            st.metric("Sum", f"{stable.sum():.6f}", width="content")
            st.metric(
                "Plain formula, float32", f"{naive[best]:.2%}" if np.isfinite(naive[best]) else "nan", width="content"
            )
        if not np.isfinite(naive).all():
            st.caption(
                ":material/info: Here the plain formula fails: e to the power of "
                f"{(logits + added).max() / temperature:.0f} does not fit into float32, and ∞/∞ is not a number. Ours "
                "first takes the largest logit off all of them, which changes nothing else."
            )
        st.caption(
            "The book prints 0.9737 % for its example; 0.9737 is 97.37 %. And its label needs ten entries, not nine."
        )
        agreement(
            lambda theirs: (
                "NumPy and `keras.ops.softmax`: the largest difference is "
                f"{layer_lab.largest_difference(theirs, stable):.1e}."
            ),
            "cnndemo.layer_lab.agreement:keras_softmax", logits + added, temperature,
        )  # fmt: skip


@st.fragment
def dropout_view() -> None:
    """A small network with and without some of its units, and the mean of many masked passes."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        rate = st.slider("Dropout rate", 0.0, 1.0, 0.4, 0.05, **state.linked("rate"))
        seed = int(st.number_input("Seed of the mask", 0, 9999, 1, **state.linked("seed")))
        mode = one_of(st.segmented_control, "Phase", ["training", "inference"], "training", "ph")
        passes = st.select_slider("Passes to average", [10, 30, 100, 300, 1000, 3000], 300, **state.linked("np"))
        layer_lab.check_rate(rate)
        st.markdown(f"Kept units are multiplied by $1/(1-{rate:g}) = {1 / (1 - rate):.3g}$ while training.")
        _dropped(right, rate, seed, mode == "training", passes)


def _dropped(right, rate: float, seed: int, training: bool, passes: int) -> None:
    sizes = (5, 5, 5, 2)
    masks = [layer_lab.dropout(np.ones(size), rate, seed + i, training)[1] for i, size in enumerate(sizes[:-1])]
    masks.append(np.ones(sizes[-1], dtype=bool))
    generator = np.random.default_rng(4)
    x, weights = generator.normal(1, 0.5, 12), generator.normal(0.3, 0.6, 12)
    layer, kept = layer_lab.dropout(x[:8].round(2), rate, seed, training)
    found = layer_lab.dropout_average(x, weights, rate if training else 0.0, passes, seed)
    with right:
        columns = st.columns(2)
        with columns[0]:
            whole = [np.ones(size, dtype=bool) for size in sizes]
            chart(charts.network(sizes, whole, "Before dropout"), "A network with all its units", "drop_before")
        with columns[1]:
            title = "With this mask" if training else "At inference: all units"
            count = sum(int((~mask).sum()) for mask in masks)
            chart(charts.network(sizes, masks, title), f"The same network, {count} units dropped", "drop_after")
        eight = x[None, :8].round(2)
        chart(cells(eight, "A layer of eight units", INPUT, height=92), f"Eight units: {read_out(eight)}", "drop_x")
        chart(
            cells(layer[None].round(2), "The same after dropout", OUTPUT, shaded=~kept[None], height=92),
            f"{int((~kept).sum())} of eight units are zero: {read_out(layer.round(2))}", "drop_y",
        )  # fmt: skip
        average = found["average"][-1]
        st.markdown(
            f"**Many masked passes average to the full one.** One unit behind twelve: without dropout "
            f"{found['full']:.3f}; the mean of {passes} masked passes is {average:.3f}."
        )
        said = f"The mean of {passes} passes, {average:.3f}, nears {found['full']:.3f}"
        chart(charts.dropout_average(**found), said, "drop_mean")
