"""What each filter of the digit classifier answers to, and what goes with it when it is switched off (book 7)."""

import numpy as np
import streamlit as st

from cnndemo import activation_maps, digit_classifier, digit_preparation, ui, weights
from cnndemo.activation_maps import LAYERS
from cnndemo.figures import activation_maps as charts
from cnndemo.figures import heatmap, number_grid
from cnndemo.ui.pictures import Picture

MODEL = digit_classifier.MODEL
DIGITS = {"a": (5, 0), "b": (7, 0)}  # the book's: a 5 and a 7
COLUMNS = 8


def choose(key: str) -> tuple[str, np.ndarray] | None:
    """The name and the network's input, float32 (28, 28), of one of the two digits."""
    picture = ui.pick_digit(key, ("mnist", "draw", "drawn", "upload", "camera"), "mnist", DIGITS[key])
    if picture is None:
        st.caption("Nothing is there yet; an MNIST digit stands in.")
        picture = Picture(digit_classifier.sample(*DIGITS[key])[..., None].repeat(3, axis=2), "stand-in", "sample")
    if picture.source == "sample":
        return picture.name, picture.image[..., 0].astype(np.float32) / 255.0
    with ui.guard():
        return picture.name, digit_preparation.prepare(picture.image)[0]
    return None


@st.cache_data(max_entries=16, show_spinner=False)
def batch_maps(count: int) -> dict[str, activation_maps.Redundancy]:
    predict = ui.predictor(MODEL, LAYERS)
    outputs = predict(activation_maps.validation_digits(count)[0])
    return {name: activation_maps.redundancy(outputs[name]) for name in LAYERS}


@st.cache_resource(show_spinner=False)
def switchboard() -> activation_maps.Switchboard:
    return activation_maps.Switchboard(ui.model(MODEL))


@st.cache_data(max_entries=256, show_spinner="Reading the digits again …")
def accuracy(off: dict[str, tuple[int, ...]], count: int) -> tuple[float, np.ndarray]:
    return activation_maps.accuracy(switchboard(), off, count)


def show_maps(key: str, name: str, layer: str, maps: np.ndarray, field: np.ndarray, over: bool, sort: str) -> None:
    """One clickable sheet."""
    channels = activation_maps.order(maps, sort)
    picture = activation_maps.sheet(maps, channels, COLUMNS, field if over else None)

    def pick() -> None:
        points = st.session_state[f"sheet_{key}_{layer}"].selection.points
        if points:
            st.session_state["layer"], st.session_state[f"map_{layer}"] = layer, int(points[0]["customdata"])

    ui.chart(
        charts.clickable(picture, channels, COLUMNS, st.session_state.get(f"map_{layer}", 0)),
        alt=f"{maps.shape[2]} feature maps of {layer} for {name}",
        key=f"sheet_{key}_{layer}",
        on_select=pick,
        selection_mode="points",
    )


def enlarge(found: dict[str, tuple[str, np.ndarray, dict]]) -> None:
    """The chosen map with its kernel and its statistics."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = st.segmented_control(
            "Layer", LAYERS, default=LAYERS[0], required=True, key="layer", bind="query-params"
        )
        count = next(iter(found.values()))[2][layer].shape[-1]
        channel = st.number_input("Map", 0, count - 1, 0, key=f"map_{layer}", bind="query-params", width=140)
    columns = st.columns(len(found) + 1)
    kernel = np.asarray(ui.model(MODEL).get_layer(layer).get_weights()[0])[..., channel]
    with columns[0]:
        if kernel.shape[2] == 1:
            grid = number_grid(kernel[..., 0], f"Kernel {channel} of {layer}", 300, signed=True)
        else:
            names = [f"from map {i} of {LAYERS[0]}" for i in range(kernel.shape[2])]
            grid = charts.kernel_sheet(kernel, COLUMNS, names)
        ui.chart(grid, f"kernel {channel} of {layer}: 3 × 3 × {kernel.shape[2]} weights", key="kernel")
        st.caption(f"{kernel.size} weights: 3 × 3 for each of the {kernel.shape[2]} maps that it reads.")
    for column, (key, (name, _, maps)) in zip(columns[1:], found.items(), strict=True):
        one = maps[layer][..., channel]
        with column:
            ui.chart(
                heatmap(one, title=name, height=300, hover="activation"),
                f"map {channel} for {name}",
                key=f"large_{key}",
            )
            figures = activation_maps.statistics(maps[layer])
            st.caption(" · ".join(f"{word} {figures[k][channel]:.3g}" for k, word in
                                  (("mean", "mean"), ("peak", "peak"), ("active", "active part"))))  # fmt: skip


@st.fragment
def narrower(found: dict) -> None:
    """Switch maps off and see what is lost."""
    alike = batch_maps(200)
    left, right = ui.try_it()
    with left:
        threshold = st.slider(
            "Maps are twins above a correlation of", 0.6, 0.99, 0.9, 0.01, key="twins", bind="query-params"
        )
        spare = {name: tuple(alike[name].spare(threshold)) for name in LAYERS}
        for name in LAYERS:
            st.markdown(f"**{name}**: {len(alike[name].dead)} dead, {len(alike[name].twins(threshold))} pairs of twins; "
                        f"{len(spare[name])} of {len(alike[name].correlation)} could go.")  # fmt: skip
        presets = {
            "spare": "The dead and the twins",
            "first": "All twins of layer 1",
            "second": "The whole second layer",
            "own": "My choice",
        }
        preset = st.radio("Switch off", list(presets), format_func=presets.get, key="off", bind="query-params")
        off = {
            "spare": spare,
            "first": {LAYERS[0]: spare[LAYERS[0]]},
            "second": {LAYERS[1]: tuple(range(len(alike[LAYERS[1]].correlation)))},
        }.get(preset)
        if off is None:
            off = {
                name: tuple(st.multiselect(name, range(len(alike[name].correlation)), key=f"off_{name}"))
                for name in LAYERS
            }
        count = st.segmented_control("Measured on", (1000, 5000), default=1000, required=True, key="measured",
                                     format_func=lambda n: f"{n:,} shipped digits")  # fmt: skip
    with right:
        before, each_before = accuracy({}, count)
        after, each_after = accuracy(off, count)
        chance = np.random.default_rng(0)
        random = {
            n: tuple(sorted(chance.permutation(len(alike[n].correlation))[: len(c)].tolist())) for n, c in off.items()
        }
        with st.container(horizontal=True):
            st.metric("Accuracy with all maps", f"{before:.1%}", width="content")
            st.metric(f"Without {sum(map(len, off.values()))} maps", f"{after:.1%}", f"{100 * (after - before):+.1f} points",
                      width="content")  # fmt: skip
            st.metric("Without as many at random", f"{accuracy(random, count)[0]:.1%}", width="content")
        ui.chart(charts.by_digit(each_before, each_after), f"accuracy by digit; overall {before:.1%} and {after:.1%}",
                 key="by_digit")  # fmt: skip
        for name, field, _ in found.values():
            now = switchboard()(field[None, :, :, None], off)[0]
            was = switchboard()(field[None, :, :, None])[0]
            st.markdown(
                f"- {name}: read as **{was.argmax()}** ({was.max():.1%}), now **{now.argmax()}** ({now.max():.1%})"
            )


ui.page("activation_maps")
ui.section("Try it", figures=("7.2", "7.3", "7.4", "7.5", "7.6", "7.7"))
found: dict[str, tuple[str, np.ndarray, dict]] = {}
sides = dict(zip(DIGITS, st.columns(2, gap="large"), strict=True))
for key, side in sides.items():
    with side, ui.guard():
        chosen = choose(key)
        if chosen:
            found[key] = (*chosen, activation_maps.feature_maps(ui.predictor(MODEL, LAYERS), chosen[1]))
            ui.show(np.round(chosen[1] * 255).astype(np.uint8), chosen[0], width=140)
with st.container(horizontal=True, vertical_alignment="bottom"):
    sort = st.segmented_control("Sort by", list(activation_maps.SORTS), default="number", required=True, key="sort",
                                bind="query-params", format_func=activation_maps.SORTS.get)  # fmt: skip
    over = st.toggle("Over the digit", True, key="over", bind="query-params")
sides = dict(zip(DIGITS, st.columns(2, gap="large"), strict=True))
for key, (name, field, maps) in found.items():
    with sides[key]:
        for layer in LAYERS:
            st.markdown(f"**{layer}**, {maps[layer].shape[2]} maps of {maps[layer].shape[0]} × {maps[layer].shape[1]}")
            show_maps(key, name, layer, maps[layer], field, over, sort)
st.caption("Dark is no answer, yellow the strongest of its map. Click a map to enlarge it.")
if found:
    enlarge(found)

ui.section("The kernels", figures=("7.1",))
with ui.guard():
    raw = activation_maps.kernels(ui.model(MODEL))
    st.markdown(
        "The raw kernels of layer 1, all that it knows: nine numbers each. Blue is negative, red positive. "
        "A kernel with a red and a blue side answers to an edge; one that is red all over answers to ink."
    )
    ui.chart(
        charts.kernel_sheet(raw, 16, [f"kernel {i}" for i in range(raw.shape[2])]), "32 kernels of 3 by 3", key="raw"
    )

ui.section("How it works")
st.markdown(
    "A feature map is what one filter gives for the whole image, after the rectifier. The book assumes that high values "
    "matter most. That is a first look, not a proof: a map may be strong and still be ignored by the dense layer. "
    "So switch maps off and measure."
)
ui.section("What would a narrower network lose?")
with ui.guard():
    narrower(found)
    study = weights.card(MODEL).get("study")
    if study:
        st.markdown(f"**Trained anew.** A network that never had these maps learns to do without. "
                    f"Each of these was trained alike for {study['epochs']} epochs.")  # fmt: skip
        st.dataframe(
            [
                {
                    "network": row["name"].removeprefix("accuracy: "),
                    "kernels": " + ".join(map(str, row["filters"])),
                    "parameters": f"{row['parameters']:,}",
                    "test accuracy": f"{row['value']:.2%}",
                    "95 % interval": " – ".join(f"{end:.2%}" for end in row["interval"]),
                }
                for row in study["networks"]
            ],
            hide_index=True,
        )

ui.code(
    [activation_maps.feature_maps, activation_maps.overlay, activation_maps.redundancy, activation_maps.Switchboard],
    """
    from cnndemo import activation_maps, digit_classifier, weights

    model = weights.load("digit_classifier")
    five = digit_classifier.sample(5, 0)
    maps = activation_maps.feature_maps(model, five)
    print({layer: values.shape for layer, values in maps.items()})
    picture = activation_maps.overlay(maps["conv2d_1"][..., 0], five / 255.0)
    """,
)
if found:
    name, _, maps = found["a"] if "a" in found else found["b"]
    strongest = activation_maps.order(maps[LAYERS[0]], "mean")
    ui.check_yourself(
        [
            ui.Question(
                f"Which of these maps of {LAYERS[0]} answers most, on the mean, to {name}?",
                [str(c) for c in sorted(strongest[[0, 9, 18, 27]])],
                str(strongest[0]),
                f"Its mean is {activation_maps.statistics(maps[LAYERS[0]])['mean'][strongest[0]]:.3f}. Sort by mean to see it.",
            ),
            ui.Question(
                "The whole second layer is switched off. What is left for the dense layers to read?",
                ["The maps of layer 1", "Zeros only", "The image"],
                "Zeros only",
                "Switching off is not taking away: the dense layer reads layer 2 alone, and gets the same zeros for each digit.",
            ),
        ]
    )
ui.model_card(MODEL)
